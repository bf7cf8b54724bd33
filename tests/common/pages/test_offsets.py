"""The field for the offsets of reminders on pages."""

import pytest
from django import forms
from django.http import QueryDict
from django.utils import translation

from scheduler_project.common.pages.offsets import OffsetsField
from scheduler_project.common.time.offsets import offsets_in_words
from tests.html import reminded


class ReminderForm(forms.Form):
    reminder_offsets = OffsetsField(label="Reminders", usual="As usual")


def sent(fields):
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return ReminderForm(data)


def rows_of(form):
    return form["reminder_offsets"].as_widget()


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, None),
        ({"reminder_offsets": "usual"}, None),
        ({"reminder_offsets": "never"}, []),
        (reminded(("90", "minutes"), ("1", "weeks"), ("", "days")), ["7 days", "90 minutes"]),
        (reminded(("1", "hours"), kept=["1 day 2 hours"]), ["1 day 2 hours", "1 hour"]),
        (reminded(("90", "days")), ["90 days"]),
    ],
)
def test_clean_gives_what_is_kept(fields, kept):
    form = sent(fields)

    assert form.is_valid()
    assert form.cleaned_data["reminder_offsets"] == kept


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (reminded(), "required"),
        (reminded(("91", "days")), "invalid_offset"),
        (reminded(("0", "days")), "invalid_offset"),
        (reminded(("-1", "days")), "invalid_offset"),
        (reminded(("1 day 1", "hours")), "invalid_offset"),
        (reminded(("1", "years")), "invalid_choice"),
        (reminded(("1", "days\0")), "invalid_choice"),
        (reminded(kept=["soon"]), "invalid_offset"),
        (reminded(*((str(number), "hours") for number in range(1, 11)), kept=["1 day 1 hour"]), "too_many_offsets"),
        ({"reminder_offsets": "sometimes"}, "invalid_choice"),
    ],
)
def test_clean_refuses_what_is_no_time(fields, code):
    assert sent(fields).errors.as_data()["reminder_offsets"][0].code == code


def test_widget_shows_each_in_its_largest_unit():
    form = ReminderForm(initial={"reminder_offsets": ["14 days", "3 days", "36 hours", "90 minutes"]})

    shown = form["reminder_offsets"].field.widget.get_context("reminder_offsets", form["reminder_offsets"].value(), {})

    assert shown["widget"]["choice"] == "own"
    assert shown["widget"]["rows"] == [("2", "weeks"), ("3", "days"), ("36", "hours"), ("90", "minutes"), ("", "hours")]


def test_widget_keeps_what_no_row_can_say():
    page = rows_of(ReminderForm(initial={"reminder_offsets": ["1 day 2 hours"]}))

    assert 'name="reminder_offsets_kept" value="1 day 2 hours" checked' in page


def test_widget_shows_again_what_was_typed():
    assert 'value="soon"' in rows_of(sent(reminded(("soon", "days"))))


def test_in_words_speaks_the_readers_language():
    with translation.override("de"):
        assert (
            offsets_in_words(["14 days", "1 day 2 hours", "90 minutes"])
            == "2 Wochen, 1 Tag 2 Stunden, 1 Stunde 30 Minuten"
        )

"""A form field for reminder times: a row for each time, a number and its unit."""

from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from scheduler_project.common.time.offsets import MOST, canonical, offsets_in_words, parse_offset

USUAL, NEVER, OWN = "usual", "never", "own"


UNITS = [
    ("minutes", pgettext_lazy("unit of a length of time", "minutes")),
    ("hours", pgettext_lazy("unit of a length of time", "hours")),
    ("days", pgettext_lazy("unit of a length of time", "days")),
    ("weeks", pgettext_lazy("unit of a length of time", "weeks")),
]


FEWEST_ROWS, SPARE_ROWS = 3, 1


NO_TIME = _("Enter whole numbers, up to 90 days before the start.")


class Typed(NamedTuple):
    """The input: the choice, the rows, and kept offsets that are no single number of a unit (“1 day 2 hours”)."""

    choice: str
    rows: list[tuple[str, str]]
    kept: list[str]


class OffsetsInput(forms.Widget):
    """The choice of reminders: the usual ones, none, or own times.

    If all rows are filled, saving adds one, up to MOST.
    """

    template_name = "booking/offsets.html"
    use_fieldset = True

    def __init__(self, usual: Any) -> None:
        super().__init__()
        self.usual = usual

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        typed = value if isinstance(value, Typed) else _typed(value)
        wanted = min(max(FEWEST_ROWS, len(typed.rows) + SPARE_ROWS), MOST)
        rows = typed.rows + [("", "hours" if typed.rows else "days")] * (wanted - len(typed.rows))
        context["widget"] |= {
            "choices": [(USUAL, self.usual), (NEVER, _("No reminders")), (OWN, _("Before the start:"))],
            "choice": typed.choice,
            "rows": rows,
            "units": UNITS,
            "kept": [(text, offsets_in_words([text])) for text in typed.kept],
        }
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Typed:
        lists = {part: data.getlist(f"{name}_{part}") for part in ("number", "unit", "kept")}
        rows = [(number.strip(), unit) for number, unit in zip(lists["number"], lists["unit"], strict=False)]
        return Typed(data.get(name, USUAL), [row for row in rows if row[0]][:MOST], lists["kept"][:MOST])

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data


class OffsetsField(forms.Field):
    """The offsets, longest first; an empty list for no reminders, None for the next wider setting."""

    def __init__(self, *, usual: Any, **kwargs: Any) -> None:
        super().__init__(required=False, widget=OffsetsInput(usual), **kwargs)

    def to_python(self, value: Any) -> list[str] | None:
        if not isinstance(value, Typed) or value.choice == USUAL:
            return None
        if value.choice == NEVER:
            return []
        if value.choice != OWN or any(unit not in dict(UNITS) for _number, unit in value.rows):
            raise ValidationError(_("Choose one of the options."), code="invalid_choice")
        texts = [f"{number} {unit}" for number, unit in value.rows] + value.kept
        if not texts:
            raise ValidationError(_("Add at least one time, or choose “No reminders”."), code="required")
        if not all(number.isascii() and number.isdecimal() for number, _unit in value.rows):
            raise ValidationError(NO_TIME, code="invalid_offset")
        try:
            return canonical(texts)
        except ValidationError as error:
            if error.code == "invalid_offset":
                raise ValidationError(NO_TIME, code=error.code) from error
            raise


def _typed(offsets: list[str] | None) -> Typed:
    """Return the rows of the widget for stored offsets."""
    rows, kept = [], []
    for text in offsets or []:
        days, minutes = parse_offset(text)
        if days and minutes:
            kept.append(text)
        elif days:
            rows.append((str(days // 7), "weeks") if days % 7 == 0 else (str(days), "days"))
        else:
            rows.append((str(minutes // 60), "hours") if minutes % 60 == 0 else (str(minutes), "minutes"))
    return Typed(USUAL if offsets is None else OWN if offsets else NEVER, rows, kept)

"""Fields of the API and of forms: ASCII digits, whole strings, composed and visible text."""

from datetime import UTC, date, datetime

import pytest
from django import forms as stock
from django.contrib import admin
from django.core.exceptions import ValidationError
from django_filters import FilterSet
from phonenumber_field.formfields import PhoneNumberField as PhoneInForms
from phonenumber_field.serializerfields import PhoneNumberField as PhoneInSerializers
from rest_framework import serializers

from scheduler_project.common.api import fields
from scheduler_project.common.pages import forms
from scheduler_project.common.templatetags.names import bdi
from scheduler_project.common.time.zones import read_date, read_time
from scheduler_project.common.validators import isolated, no_link, one_line, public_email
from tests.project.schema import schema

COMPOSED, DECOMPOSED = "Zo\u00e9", "Zoe\u0301"

# --- Numbers ----------------------------------------------------------------------------------------------------------

NO_NUMBERS = ["1_5", "१५", "٣", "15\0", "15\n", "\n15", "1e1", "0x10", "1.5", "--1", "+1", "9" * 19, "１５"]


@pytest.mark.parametrize("text", [*NO_NUMBERS, " 15", True, [], {}, None, 1.5, 10**30])
def test_api_refuses_what_is_no_whole_number(text):
    with pytest.raises(serializers.ValidationError):
        fields.IdField().run_validation(text)


@pytest.mark.parametrize("text", ["15", 15, 15.0])
def test_api_reads_whole_numbers(text):
    assert fields.IntegerField().run_validation(text) == 15


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_forms_refuse_what_is_no_whole_number(text):
    with pytest.raises(ValidationError):
        forms.IntegerField().clean(text)


@pytest.mark.parametrize("text", ["15", " 15 ", 15])
def test_forms_read_whole_numbers(text):
    assert forms.IntegerField().clean(text) == 15


@pytest.mark.django_db
@pytest.mark.parametrize("provider", ["0_1", "१", "1%0A", "1%00"])
def test_filters_refuse_what_is_no_id(api, provider):
    answer = api.get(f"/api/services?provider={provider}")

    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "provider")


@pytest.mark.django_db
@pytest.mark.parametrize("said", ["yes", "2", "perhaps", "tru"])
def test_filters_refuse_what_is_neither_true_nor_false(api, said):
    answer = api.get("/api/services", {"needs_approval": said})

    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "needs_approval")


@pytest.mark.django_db
@pytest.mark.parametrize("said", ["true", "False", "1", "0", ""])
def test_filters_read_true_and_false(api, said):
    assert api.get("/api/services", {"needs_approval": said}).status_code == 200


NO_PHONES = ["+٤٩٣٠٩٠١٨٢٠", "+４９30901820", "+49३0901820", "+49\n30901820", "+49\t30901820", "+4930901820\0"]


@pytest.mark.parametrize("text", NO_PHONES)
def test_phone_numbers_are_read_in_ascii(text):
    with pytest.raises(serializers.ValidationError):
        fields.PhoneField().run_validation(text)
    with pytest.raises(ValidationError):
        forms.PhoneField().clean(text)


def test_phone_numbers_are_read_however_they_are_spaced():
    for field in (forms.PhoneField().clean, fields.PhoneField().run_validation):
        assert {str(field(text)) for text in ("+49 30 901820", " +49 (30) 90-18-20 ")} == {"+4930901820"}


# --- Dates and times --------------------------------------------------------------------------------------------------

NO_DATES = [
    "٢٠٢٧-03-04",
    "2027-03-04\0",
    "2027-03-04\n",
    "20270304",
    "2027-W10-4",
    "2027-3-4",
    "2027-02-30",
    "२०२७-03-04",
]


@pytest.mark.parametrize("text", NO_DATES)
def test_dates_are_read_whole_and_in_ascii(text):
    with pytest.raises(ValueError):
        read_date(text)
    with pytest.raises(serializers.ValidationError):
        fields.DateField().run_validation(text)
    with pytest.raises(ValidationError):
        forms.DayField().clean(text)


def test_dates_are_read():
    expected = date(2027, 3, 4)
    assert [read_date("2027-03-04"), forms.DayField().clean(" 2027-03-04 ")] == [expected] * 2
    assert fields.DateField().run_validation("2027-03-04") == expected


@pytest.mark.parametrize(
    "text",
    [
        "2027-03-04T13:30:00Z",
        "2027-03-04t13:30:00z",
        "2027-03-04T13:30Z",
        "2027-03-04 14:30:00+01:00",
        "2027-03-04T14:30:00 01:00",
        "2027-03-04T13:30:00.000000000Z",
    ],
)
def test_times_are_read_as_rfc_3339_writes_them(text):
    assert read_time(text).astimezone(UTC) == datetime(2027, 3, 4, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2027-03-04T13:30:00Z\0",
        "2027-03-04T13:30:00Z\n",
        "٢٠٢٧-03-04T13:30:00Z",
        "2027-03-04T1३:30:00Z",
        "2027-03-04T24:00:00Z",
        "20270304T133000Z",
        "2027-03-04",
        "2027-03-04T13:30:00+99:99",
    ],
)
def test_times_are_read_whole_and_in_ascii(text):
    with pytest.raises(ValueError):
        read_time(text)


@pytest.mark.parametrize("text", ["٠٩:00", "9", "09:00\n", "09:00\0", "25:00"])
def test_forms_refuse_what_is_no_time_of_day(text):
    with pytest.raises(ValidationError):
        forms.TimeField().clean(text)


# --- Text -------------------------------------------------------------------------------------------------------------


def test_text_is_composed():
    assert [fields.LineField().run_validation(DECOMPOSED), fields.TextField().run_validation(DECOMPOSED)] == [
        COMPOSED
    ] * 2
    assert [forms.LineField().clean(DECOMPOSED), forms.TextField().clean(DECOMPOSED)] == [COMPOSED] * 2


@pytest.mark.parametrize(
    "text",
    [
        "\u200b\u200b",
        "\u3164",
        "\u115f\u1160",
        "\uffa0",
        "\u2800",
        "\u0301\u0302",
        "\u2060",
        "\ufeff",
        "\u00ad",
        "\u034f",
    ],
)
def test_names_that_show_nothing_are_refused(text):
    with pytest.raises(ValidationError, match="visible"):
        one_line(text)


@pytest.mark.parametrize("text", ["a\u202eb", "\u2066a", "a\u2029b", "a\nb", "a\n", "a\0", "a\x85b", "\x1b[2J"])
def test_names_that_turn_or_break_a_line_are_refused(text):
    with pytest.raises(ValidationError) as refusal:
        one_line(text)

    assert refusal.value.code == "control_characters"


@pytest.mark.parametrize("text", ["Zoé", "שלום", "عمر", "李", "प्रिया", "👩‍⚕️", "?", "O'Neil", "نمی\u200cدانم"])
def test_names_of_all_scripts_are_taken(text):
    one_line(text)


@pytest.mark.parametrize(
    ("text", "shown"), [("Zoé", "Zoé"), ("李", "李"), ("שלום", "\u2068שלום\u2069"), ("Al عمر", "\u2068Al عمر\u2069")]
)
def test_names_from_right_to_left_are_isolated(text, shown):
    assert isolated(text) == shown


@pytest.mark.parametrize("text", ["שם\u202e", "\u2069שם", "ש\u2066ם"])
def test_isolated_names_of_before_keep_no_mark_that_would_reach_beyond(text):
    assert (isolated(text), bdi(text)) == ("\u2068שם\u2069", "<bdi>שם</bdi>")


def test_names_in_html_are_isolated_and_escaped():
    assert bdi("שם <b>") == "<bdi>שם &lt;b&gt;</bdi>"
    assert bdi("<b>") == "&lt;b&gt;"


LINKS = [
    "http://evil.example", "www.evil.example", "WWW.evil", "evil.com/x", "evil.com", "Ann (evil.pizza/x)",
    "javascript:x", "http:evil", "ｗｗｗ.evil.com", "evil。com", "click evil.org now", "mailto:a@b", "ann@evil.com",
]  # fmt: skip


@pytest.mark.parametrize("text", LINKS)
def test_names_that_are_links_are_refused(text):
    with pytest.raises(ValidationError) as refusal:
        no_link(text)

    assert refusal.value.code == "link_in_name"


@pytest.mark.parametrize(
    "text",
    [
        "Dr.Ann Miller",
        "J.R.R. Tolkien",
        "St.John",
        "Ann-Marie",
        "Müller & Co.",
        "Praxis Dr.Braun/Schmidt",
        "A/B",
        "Ann: x",
    ],
)
def test_names_with_dots_are_names(text):
    no_link(text)


@pytest.mark.parametrize(
    "email",
    [
        "root@localhost", "root@host", "a@127.0.0.1", "a@[127.0.0.1]", "a@x.local", "a@x.internal", "a@x.home.arpa",
        "ä@x.org", "a@1.2.3.44", "a@x.org\n",
    ],
)  # fmt: skip
def test_emails_that_lead_nowhere_public_are_refused(email):
    with pytest.raises(ValidationError):
        public_email(email)


@pytest.mark.parametrize("email", ["a@example.org", "a.b+c@sub.example.org", "a@bücher.example"])
def test_emails_with_a_public_domain_are_taken(email):
    public_email(email)


@pytest.mark.parametrize("field", [fields.LineField, fields.TextField, fields.URLField, fields.SlugField])
def test_fields_of_the_api_keep_their_length(field):
    with pytest.raises(serializers.ValidationError) as refusal:
        field(max_length=3).run_validation("https")

    assert "max_length" in refusal.value.get_codes()


# --- None is forgotten ------------------------------------------------------------------------------------------------

LOOSE = (
    serializers.CharField,
    serializers.IntegerField,
    serializers.FloatField,
    serializers.DecimalField,
    serializers.DateField,
    serializers.DateTimeField,
    serializers.TimeField,
    serializers.EmailField,
    serializers.URLField,
    serializers.SlugField,
    serializers.PrimaryKeyRelatedField,
    PhoneInSerializers,
)


def subclasses(kind):
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


OURS = ("accounts", "analytics", "booking", "reminders", "scheduler_project")


def reading():
    """Every serializer that reads a body or a query."""
    components = schema()["components"]["schemas"]
    for found in subclasses(serializers.Serializer):
        if not found.__module__.startswith(OURS) or found.__module__ == "reminders.channels.sms.api":
            continue
        name = found.__name__.removesuffix("Serializer")
        if name.endswith("Query") or {f"{name}Request", f"Patched{name}Request"} & set(components):
            yield found


def loose_fields(found):
    for name, field in found().fields.items():
        if not field.read_only and type(getattr(field, "child", field)) in LOOSE:
            yield f"{found.__name__}.{name}"


def test_no_serializer_reads_with_a_stock_field():
    assert len(list(reading())) > 30
    assert [each for found in reading() for each in loose_fields(found)] == []


def test_no_filter_reads_with_a_stock_field():
    stock_fields = {
        value for value in vars(stock).values() if isinstance(value, type) and issubclass(value, stock.Field)
    }
    loose = [
        f"{found.__name__}.{name}"
        for found in subclasses(FilterSet)
        if found.__module__.startswith(OURS)
        for name, each in found.base_filters.items()
        if type(each.field) in stock_fields
    ]

    assert loose == []


LOOSE_IN_FORMS = (
    stock.CharField,
    stock.IntegerField,
    stock.FloatField,
    stock.DecimalField,
    stock.DateField,
    stock.DateTimeField,
    stock.TimeField,
    stock.EmailField,
    stock.URLField,
    stock.SlugField,
    PhoneInForms,
)


ALLAUTHS = {"username", "code"}
"""Fields of allauth's forms: one nobody sees, one that is compared with what is right."""


def test_no_form_reads_with_a_stock_field():
    loose = [
        f"{found.__module__}.{found.__name__}.{name}"
        for found in subclasses(stock.BaseForm)
        if found.__module__.startswith(OURS)
        if found.__module__ != "accounts.users.admin"  # checked by the next test
        for name, field in found.base_fields.items()
        if type(field) in LOOSE_IN_FORMS and not isinstance(field.widget, stock.PasswordInput) and name not in ALLAUTHS
    ]

    assert loose == []


@pytest.mark.django_db
def test_no_form_of_the_admin_reads_with_a_stock_field(rf, boss):
    request = rf.get("/admin/")
    request.user = boss
    pages = {}
    for model, model_admin in admin.site._registry.items():
        if type(model_admin).__module__.startswith(OURS) and not model.__module__.startswith("django_celery_beat"):
            pages[model.__name__] = model_admin.get_form(request, change=True)
            for formset, inline in model_admin.get_formsets_with_inlines(request):
                pages[f"{model.__name__} {inline.model.__name__}"] = formset.form
            if model_admin.has_add_permission(request):
                pages[f"new {model.__name__}"] = model_admin.get_form(request)
    loose = [
        f"{page}.{name}"
        for page, form in pages.items()
        for name, field in form.base_fields.items()
        if type(field) in LOOSE_IN_FORMS and not isinstance(field.widget, stock.PasswordInput)
    ]

    assert loose == []

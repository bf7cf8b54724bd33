"""Form fields and helpers for pages and the admin.

Digits are ASCII, strings are matched to their end, text is composed (NFC), as in the API (`api/fields.py`).
"""

import re
from collections.abc import Mapping
from copy import copy
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.models import ModelFormMetaclass
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from phonenumber_field.formfields import PhoneNumberField
from phonenumber_field.modelfields import PhoneNumberField as PhoneNumber

from scheduler_project.common.errors import DomainError
from scheduler_project.common.phones import with_country
from scheduler_project.common.pictures.forms import PictureField
from scheduler_project.common.pictures.models import PictureField as PictureColumn
from scheduler_project.common.time.zones import YEARS, read_date, read_time, to_utc, zone_names
from scheduler_project.common.validators import composed, one_line, public_email

DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


class TextField(forms.CharField):
    """Text of any number of lines."""

    def to_python(self, value: Any) -> Any:
        return composed(super().to_python(value) or "") or self.empty_value


class LineField(TextField):
    """Text on one line, for example a name or a title; if not empty, it contains something visible."""

    default_validators = [one_line]


class EmailField(forms.EmailField):
    """An email address that can receive mail. One spelling for one mailbox: lower case."""

    default_validators = [public_email]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 254, **kwargs})

    def to_python(self, value: Any) -> Any:
        return composed(super().to_python(value) or "").lower()


class URLField(forms.URLField):
    """A web address on one line."""

    default_validators = [*forms.URLField.default_validators, one_line]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"assume_scheme": "https", **kwargs})


class SlugField(forms.SlugField):
    """Letters, digits, hyphens and underscores of ASCII, to the last character."""


class IntegerField(forms.IntegerField):
    """A whole number in ASCII digits."""

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str) and value.strip(" ") and not re.fullmatch(r" *-?[0-9]{1,18} *", value):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class DecimalField(forms.DecimalField):
    """A number in ASCII digits, with a point before its decimals."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip(" ") and not DECIMAL.fullmatch(value.strip(" ")):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class PhoneField(PhoneNumberField):
    """A phone number in ASCII digits; without a country code, of the site's country or of the visitor's."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and not is_plain(value):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(with_country(value) if isinstance(value, str) else value)


class YesNoField(forms.Field):
    """`true` or `false`; None if empty."""

    default_error_messages = {"invalid": gettext_lazy("Enter true or false.")}

    def to_python(self, value: Any) -> bool | None:
        parsed = {"true": True, "1": True, "false": False, "0": False, "": None}.get((value or "").lower(), value)
        if parsed is value and value is not None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return parsed


def validate_year(value: date) -> None:
    """Raise ValidationError for dates so far away that calculations overflow."""
    if value.year not in YEARS:
        raise ValidationError(_("Enter a year from %d to %d.") % (YEARS[0], YEARS[-1]), code="year_out_of_range")


class DayField(forms.DateField):
    """A local date, chosen from a calendar if the browser has one."""

    def __init__(self, **kwargs: Any) -> None:
        reach = {"min": date(YEARS[0], 1, 1), "max": date(YEARS[-1], 12, 31)}
        widget = forms.DateInput({"type": "date", **reach}, "%Y-%m-%d")
        super().__init__(widget=widget, input_formats=["%Y-%m-%d"], validators=[validate_year], **kwargs)

    def to_python(self, value: Any) -> date | None:
        if isinstance(value, date) or value in self.empty_values:
            return super().to_python(value)
        try:
            return read_date(value.strip(" "))
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


def is_plain(value: Any) -> bool:
    """Return whether a text is free of control characters and of digits other than ASCII."""
    text = value if isinstance(value, str) else ""
    return not any(each < " " or (each.isdecimal() and not each.isascii()) for each in text)


class DateField(forms.DateField):
    """A date in the format of the reader's language."""

    def to_python(self, value: Any) -> date | None:
        if not is_plain(value):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class DateTimeField(forms.SplitDateTimeField):
    """A date and a time in the formats of the reader's language, in two boxes."""

    def clean(self, value: Any) -> Any:
        if not all(is_plain(part) for part in value or ()):
            raise ValidationError(self.error_messages["invalid_date"], code="invalid")
        return super().clean(value)


class TimeField(forms.TimeField):
    """A time of day in ASCII digits: 09:00."""

    def to_python(self, value: Any) -> time | None:
        if isinstance(value, str) and value and not re.fullmatch(r" *[0-9]{1,2}:[0-9]{2}(:[0-9]{2})? *", value):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class LocalDateTimeField(forms.Field):
    """A local time in `zone` (UTC until the form sets another), cleaned to UTC."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})
    default_error_messages = {"invalid": gettext_lazy("Enter a date and a time.")}
    zone = "UTC"

    def prepare_value(self, value: Any) -> Any:
        return f"{value.astimezone(ZoneInfo(self.zone)):%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else value

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            local = read_time(value.strip(" "))
            instant = local.astimezone(UTC) if local.tzinfo else to_utc(local, ZoneInfo(self.zone))
        except (ValueError, OverflowError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        validate_year(instant)
        return instant

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.to_python(data))
        except ValidationError:
            return True


class ZoneSelect(forms.Select):
    """A select whose options have no value attribute: it would repeat hundreds of names, a third of a page."""

    option_template_name = "django/forms/named_option.html"


class ZoneField(forms.ChoiceField):
    """A choice of timezones."""

    widget = ZoneSelect

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=lambda: [(name, name) for name in sorted(zone_names())], **kwargs)


FIELDS: dict[type[models.Field], type[forms.Field]] = {
    models.CharField: LineField,
    models.DateField: DateField,
    models.DecimalField: DecimalField,
    models.EmailField: EmailField,
    models.IntegerField: IntegerField,
    models.SlugField: SlugField,
    models.TextField: TextField,
    models.TimeField: TimeField,
    models.URLField: URLField,
    PhoneNumber: PhoneField,
}
"""Form fields for a model's columns."""


def field_class(column: models.Field) -> type[forms.Field] | None:
    """Return the class of the form field for a model's column; None if Django's own will do."""
    return next((FIELDS[kind] for kind in type(column).__mro__ if kind in FIELDS), None)


def field_of(column: models.Field, **kwargs: Any) -> forms.Field | None:
    """Return the form field for a model's column."""
    if isinstance(column, PictureColumn):
        return PictureField(label=capfirst(column.verbose_name), help_text=column.help_text, required=False)
    if isinstance(column, ArrayField) and column.base_field.choices:
        choices, label = column.base_field.choices, capfirst(column.verbose_name)
        return forms.MultipleChoiceField(choices=choices, label=label, help_text=column.help_text, required=False)
    ours = field_class(column)
    found: forms.Field | None = column.formfield(**({"form_class": ours} if ours else {}) | kwargs)
    return found


class StrictMetaclass(ModelFormMetaclass):
    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> Any:
        meta = attrs.get("Meta")
        if meta is not None and not hasattr(meta, "formfield_callback"):
            meta.formfield_callback = staticmethod(field_of)
        return super().__new__(cls, name, bases, attrs)


class ModelForm(forms.ModelForm, metaclass=StrictMetaclass):
    """ModelForm that uses the fields of this module."""


def refuse(form: forms.BaseForm, refusal: DomainError, fields: Mapping[str, str] | None = None) -> None:
    """Add a refusal to the form at its field; `fields` maps the operation's names to the form's."""
    name = (fields or {}).get(refusal.field or "", refusal.field)
    form.add_error(name if name in form.fields else None, ValidationError(str(refusal.message), code=refusal.code))


UNITS = [
    (1, pgettext_lazy("unit of a length of time", "minutes")),
    (60, pgettext_lazy("unit of a length of time", "hours")),
    (24 * 60, pgettext_lazy("unit of a length of time", "days")),
]


class RowForm(ModelForm):
    """A form about one row that an operation writes, not the form.

    It works on a copy, so that the row keeps its values until the operation changes them.
    """

    def __init__(self, data: Any = None, files: Any = None, *, row: models.Model, **kwargs: Any) -> None:
        super().__init__(data, files, instance=copy(row), **kwargs)


class UnitInput(forms.Select):
    """A select of a unit. It always has a value, so it is never `required`:

    HTML demands an empty first choice for that.
    """

    def build_attrs(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in super().build_attrs(*args, **kwargs).items() if name != "required"}


class MinutesInput(forms.MultiWidget):
    """A number and its unit: the largest that gives a whole number."""

    use_fieldset = True

    def __init__(self) -> None:
        number = forms.NumberInput({"class": "amount", "min": 0, "aria-label": gettext_lazy("Number")})
        super().__init__([number, UnitInput({"class": "unit", "aria-label": gettext_lazy("Unit")}, UNITS)])

    def decompress(self, value: int | None) -> list[Any]:
        unit = next(length for length, _name in reversed(UNITS) if not (value or 1) % length)
        return [None if value is None else value // unit, str(unit)]


class MinutesField(forms.MultiValueField):
    """Minutes, entered in minutes, hours or days."""

    widget = MinutesInput

    def __init__(self, **kwargs: Any) -> None:
        parts = (IntegerField(min_value=0), forms.TypedChoiceField(choices=UNITS, coerce=int))
        super().__init__(parts, **kwargs)

    def compress(self, data_list: list[int]) -> int | None:
        return data_list[0] * data_list[1] if data_list else None

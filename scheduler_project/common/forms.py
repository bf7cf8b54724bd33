"""What the forms of pages and of the admin share: time as people write it, and refusals at the field they are about."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scheduler_project.common.errors import DomainError
from scheduler_project.common.times import YEARS, to_utc, zone_names


def validate_year(value: date) -> None:
    """Refuse dates so far away that reckoning with them overflows."""
    if value.year not in YEARS:
        raise ValidationError(_("Enter a year from %d to %d.") % (YEARS[0], YEARS[-1]), code="year_out_of_range")


class DayField(forms.DateField):
    """A local date, chosen from a calendar where the browser has one."""

    def __init__(self, **kwargs: Any) -> None:
        reach = {"min": date(YEARS[0], 1, 1), "max": date(YEARS[-1], 12, 31)}
        widget = forms.DateInput({"type": "date", **reach}, "%Y-%m-%d")
        super().__init__(widget=widget, input_formats=["%Y-%m-%d"], validators=[validate_year], **kwargs)


class LocalDateTimeField(forms.Field):
    """A wall-clock time in `zone` (UTC until the form says otherwise), cleaned to the UTC instant it means."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})
    default_error_messages = {"invalid": gettext_lazy("Enter a date and a time.")}
    zone = "UTC"

    def prepare_value(self, value: Any) -> Any:
        return f"{value.astimezone(ZoneInfo(self.zone)):%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else value

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            local = datetime.fromisoformat(value.strip())
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
    """Its options say their names once, not as a value too: with hundreds of them that is a third of a page."""

    option_template_name = "django/forms/named_option.html"


class ZoneField(forms.ChoiceField):
    """One of the timezones there are."""

    widget = ZoneSelect

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=lambda: [(name, name) for name in sorted(zone_names())], **kwargs)


def refuse(form: forms.BaseForm, refusal: DomainError, fields: Mapping[str, str] | None = None) -> None:
    """Say a refusal at the field it is about; `fields` turns the names operations use into the form's."""
    name = (fields or {}).get(refusal.field or "", refusal.field)
    form.add_error(name if name in form.fields else None, ValidationError(str(refusal.message), code=refusal.code))

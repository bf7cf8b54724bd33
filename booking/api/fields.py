"""Serializer fields that read and write instants, local times and hours at the edge (R1)."""

import re
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from booking.reservations.enums import ON_REQUEST
from scheduler_project.common.api.fields import TextField
from scheduler_project.common.errors import NotFound
from scheduler_project.common.time.offsets import canonical
from scheduler_project.common.time.zones import YEARS, read_date, read_time, to_utc, zone_names


def zone_or_none(name: Any) -> ZoneInfo | None:
    return ZoneInfo(name) if isinstance(name, str) and name in zone_names() else None


def validate_year(value: date) -> None:
    if value.year not in YEARS:
        raise serializers.ValidationError(InstantField.default_error_messages["out_of_range"], code="out_of_range")


class OffsetsField(serializers.ListField):
    """Reminder times before a start: `["1 day", "1 hour"]`, or ISO 8601 durations. Null uses the next wider setting."""

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {
            "child": TextField(max_length=40),
            "allow_null": True,
            "required": False,
        }
        super().__init__(**defaults | {"help_text": self.__doc__} | kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        return canonical(super().to_internal_value(data))


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantField(serializers.Field):
    """An RFC 3339 instant.

    Without an offset it is read in the `timezone` sent beside it, and refused if there is none. It is written in UTC,
    or in the zone that the request asks for.
    """

    default_error_messages = {
        "invalid": _("Enter a date and time in RFC 3339 format: 2027-03-04T13:30:00+01:00."),
        "timezone_required": _("This time has no offset. Add one, or send its time zone."),
        "out_of_range": _("The year must be between 2000 and 2100."),
    }

    def read(self, data: Any) -> datetime:
        """Return the time as it was sent, with or without an offset."""
        if not isinstance(data, str) or len(data) > 64:
            self.fail("invalid")
        try:
            value = read_time(data)
        except ValueError:
            self.fail("invalid")
        if value.year not in YEARS:
            self.fail("out_of_range")
        return value

    def to_internal_value(self, data: Any) -> datetime:
        value = self.read(data)
        if value.tzinfo is not None:
            return value.astimezone(UTC)
        zone = zone_or_none(self.parent.initial_data.get("timezone"))
        if zone is None:
            self.fail("timezone_required")
        return to_utc(value, zone)

    def to_representation(self, value: datetime) -> str:
        zone = self.context.get("zone")
        return value.astimezone(zone).isoformat() if zone else value.isoformat().replace("+00:00", "Z")


@extend_schema_field({"type": "string", "example": "2027-03-04T13:30:00+01:00"})
class InstantOrDateField(InstantField):
    """An instant, or a date, which is cleaned to a date: the view knows in whose zone it begins."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            day = read_date(data if isinstance(data, str) else "")
        except ValueError:
            return super().to_internal_value(data)
        validate_year(day)
        return day


@extend_schema_field(OpenApiTypes.DATETIME)
class LocalStartField(InstantField):
    """A start on the clocks of a zone. Without an offset, an RFC 3339 time is local to the zone; with one, an instant.

    Cleaned to a naive local time, or to an instant.
    """

    def to_internal_value(self, data: Any) -> datetime:
        value = self.read(data)
        return value.astimezone(UTC) if value.tzinfo else value


@extend_schema_field({"type": "string", "example": "09:00", "description": "Local time, HH:MM."})
class ClockField(serializers.Field):
    """A local time of day, HH:MM."""

    default_error_messages = {"invalid": _("Enter a time of day as HH:MM, such as 09:00. An end can be 24:00.")}

    def to_internal_value(self, data: Any) -> time:
        if not isinstance(data, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:00)?", data, re.ASCII):
            self.fail("invalid")
        return time.fromisoformat(data)

    def to_representation(self, value: time | str) -> str:
        return value if isinstance(value, str) else f"{value:%H:%M}"


@extend_schema_field({"type": "string", "example": "17:00", "description": "Local time, HH:MM. Midnight is 24:00."})
class EndClockField(ClockField):
    """The local end of a stretch. `24:00` is the midnight at the end of the day, stored as 00:00."""

    def to_internal_value(self, data: Any) -> time:
        return super().to_internal_value("00:00" if data == "24:00" else data)

    def to_representation(self, value: time | str) -> str:
        clock = super().to_representation(value)
        return "24:00" if clock == "00:00" else clock


def get_or_404(queryset: Any, *, field: str | None = None, **lookup: Any) -> Any:
    """Return the one row. Raises NotFound if the caller may not see it or it does not exist."""
    row = queryset.filter(**lookup).first()
    if row is None:
        raise NotFound(field=field)
    return row


class OverrideField(serializers.MultipleChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            choices=[(override.value, override.label) for override in ON_REQUEST],
            required=False,
            help_text=_("For the provider and staff: rules to override. We record this. An empty list overrides none."),
            **kwargs,
        )

    def to_internal_value(self, data: Any) -> Any:
        """Refuse what is no list: DRF also takes the names in an object."""
        names = data
        if not isinstance(names, list):
            self.fail("not_a_list", input_type=type(names).__name__)
        return super().to_internal_value(data)

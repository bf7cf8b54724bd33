"""Serializers of `/api/v1/series`."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from booking.api.fields import InstantField, LocalStartField, OffsetsField, OverrideField, validate_year
from booking.appointments.api import ReasonSerializer
from booking.appointments.enums import AppointmentStatus
from booking.appointments.serializers import PersonSerializer
from booking.availability.search import FreeTime
from booking.models import Appointment, AppointmentSeries
from booking.reservations.enums import Override
from booking.series.enums import ConflictPolicy, SeriesScope
from booking.series.operations import Conflict, SeriesChange
from booking.series.rule import LONGEST_TEXT
from booking.services.models import MINUTES_A_DAY
from scheduler_project.common.api.fields import DateField, IdField, IntegerField, LineField, TextField, TimezoneField
from scheduler_project.common.api.serializers import ModelSerializer, Serializer

OCCURRENCE = _("The local date the rule gave this occurrence.")


@extend_schema_field({"type": "string", "maxLength": LONGEST_TEXT, "example": "FREQ=WEEKLY;COUNT=4"})
class RuleField(TextField):
    """A recurrence rule of RFC 5545, daily or slower, on one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_TEXT, help_text=self.__doc__, **kwargs)


class SeriesWordsSerializer(Serializer[Any]):
    """The texts and settings of a series, given when it is created or changed."""

    service = IdField(required=False, allow_null=True)
    duration_minutes = IntegerField(
        required=False,
        min_value=1,
        max_value=MINUTES_A_DAY,
        help_text=_("Defaults to the service's duration, or one slot."),
    )
    title = LineField(
        required=False,
        max_length=200,
        allow_blank=True,
        help_text=_("Default: the service's name."),
    )
    description = TextField(required=False, max_length=5000, allow_blank=True)
    reminder_offsets = OffsetsField()
    override = OverrideField()


class NewSeriesSerializer(SeriesWordsSerializer):
    provider = IdField(required=False, help_text=_("Default: yourself."))
    client = IdField()
    rrule = RuleField()
    start_time = LocalStartField(help_text=_("The first occurrence. Without an offset it is read in `timezone`."))
    timezone = TimezoneField(
        required=False, help_text=_("The series keeps its time of day in this time zone. Defaults to the provider's.")
    )
    exdates = serializers.ListField(
        child=DateField(validators=[validate_year]),
        required=False,
        max_length=366,
        help_text=_("Local dates of the rule to leave out."),
    )


class CreateSeriesSerializer(NewSeriesSerializer):
    policy = serializers.ChoiceField(
        choices=ConflictPolicy.choices,
        default=ConflictPolicy.ALL_OR_NOTHING,
        help_text=_("What to do if some times can't be booked."),
    )


class ScopeSerializer(Serializer[Any]):
    scope = serializers.ChoiceField(
        choices=SeriesScope.choices,
        default=SeriesScope.ALL,
        help_text=_("Which occurrences this applies to. Past ones never change."),
    )

    def get_fields(self) -> dict[str, Any]:
        """Add the field `from`, which is a keyword in Python."""
        return {
            **super().get_fields(),
            "from": DateField(
                required=False,
                validators=[validate_year],
                help_text=_("The occurrence, by the local date its rule gave it. Required unless `all`."),
            ),
        }


class EditSeriesSerializer(SeriesWordsSerializer, ScopeSerializer):
    policy = serializers.ChoiceField(choices=ConflictPolicy.choices, default=ConflictPolicy.ALL_OR_NOTHING)
    rrule = RuleField(required=False)
    start_time = LocalStartField(
        required=False,
        help_text=_(
            "The new time of that occurrence; later ones shift with it. Without an offset, it is read in the series' "
            "time zone."
        ),
    )


class CancelSeriesSerializer(ScopeSerializer, ReasonSerializer):
    pass


class NearestSerializer(Serializer[FreeTime]):
    slot = serializers.IntegerField(source="slot_id")
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")


class OccurrenceSerializer(Serializer[Appointment]):
    id = serializers.IntegerField(help_text=_("The appointment's."))
    occurrence = serializers.DateField(allow_null=True, help_text=OCCURRENCE)
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")
    status = serializers.ChoiceField(choices=AppointmentStatus.choices)


class ConflictSerializer(Serializer[Conflict]):
    """An occurrence that can't be booked, and the nearest available time within two weeks."""

    occurrence = serializers.DateField(help_text=OCCURRENCE)
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")
    reason = serializers.CharField(source="error.code", help_text=_("`slot_taken`, `outside_hours` and the like."))
    detail = serializers.CharField(source="error.message")
    nearest = NearestSerializer(allow_null=True)


class GapSerializer(Serializer[Any]):
    occurrence = serializers.DateField(help_text=OCCURRENCE)
    reason = serializers.CharField(help_text=_("`slot_taken`, `outside_hours` and the like."))


class SeriesSerializer(ModelSerializer[AppointmentSeries]):
    provider = PersonSerializer()
    client = PersonSerializer()
    service = PersonSerializer(allow_null=True)
    rrule = RuleField()
    start_time = serializers.SerializerMethodField(help_text=_("The first occurrence, with its UTC offset."))
    exdates = serializers.ListField(child=serializers.DateField())
    gaps = GapSerializer(many=True, help_text=_("Dates of the rule that could not be booked."))
    overrides = serializers.ListField(child=serializers.ChoiceField(choices=Override.choices))
    reminder_offsets = OffsetsField()
    active = serializers.SerializerMethodField(help_text=_("Neither cancelled nor over."))
    generated_until = InstantField()
    ends_at = InstantField(allow_null=True)
    cancelled_at = InstantField(allow_null=True)
    created_at = InstantField()
    updated_at = InstantField()
    occurrences = serializers.IntegerField(help_text=_("How many appointments the series has created."))
    next_time = InstantField(allow_null=True, help_text=_("When the next occurrence starts."))

    class Meta:
        model = AppointmentSeries
        fields = [
            "id",
            "provider",
            "client",
            "service",
            "title",
            "description",
            "rrule",
            "start_time",
            "timezone",
            "duration_minutes",
            "exdates",
            "gaps",
            "overrides",
            "reminder_offsets",
            "active",
            "occurrences",
            "next_time",
            "generated_until",
            "ends_at",
            "cancelled_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField())
    def get_start_time(self, series: AppointmentSeries) -> str:
        return series.instant(series.start_date).astimezone(series.zone).isoformat()

    @extend_schema_field(serializers.BooleanField())
    def get_active(self, series: AppointmentSeries) -> bool:
        return series.is_active(self.context["now"])


EditSeriesSerializer.shown_by = SeriesSerializer


class SeriesDetailSerializer(SeriesSerializer):
    next = OccurrenceSerializer(many=True, help_text=_("The next ten occurrences."))

    class Meta(SeriesSerializer.Meta):
        fields = [*SeriesSerializer.Meta.fields, "next"]


class SeriesChangeSerializer(SeriesSerializer):
    """The series, and the changes to its appointments."""

    created = OccurrenceSerializer(many=True)
    moved = OccurrenceSerializer(many=True)
    cancelled = OccurrenceSerializer(many=True)
    skipped = ConflictSerializer(many=True, help_text=_("Occurrences that couldn't be booked or rescheduled."))

    class Meta(SeriesSerializer.Meta):
        fields = [*SeriesSerializer.Meta.fields, "created", "moved", "cancelled", "skipped"]


class PreviewedSerializer(Serializer[Any]):
    occurrence = serializers.DateField(help_text=OCCURRENCE)
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")
    status = serializers.ChoiceField(choices=[("free", _("free")), ("busy", _("busy"))])
    reason = serializers.CharField(allow_null=True, help_text=_("Why it is busy: `slot_taken` and the like."))
    detail = serializers.CharField(allow_null=True)
    nearest = NearestSerializer(allow_null=True, help_text=_("The nearest free time within a fortnight."))

    def to_representation(self, instance: Appointment | Conflict) -> dict[str, Any]:
        if isinstance(instance, Conflict):
            return {"status": "busy", **ConflictSerializer(instance, context=self.context).data}
        made = OccurrenceSerializer(instance, context=self.context).data
        made.pop("id")
        return {**made, "status": "free", "reason": None, "detail": None, "nearest": None}


class SeriesPreviewSerializer(Serializer[SeriesChange]):
    """The appointments that a series would book, up to the provider's booking horizon."""

    rrule = RuleField(source="series.rrule")
    timezone = TimezoneField(source="series.timezone")
    duration_minutes = serializers.IntegerField(source="series.duration_minutes")
    ends_at = InstantField(source="series.ends_at", allow_null=True)
    generated_until = InstantField(
        source="series.generated_until", help_text=_("Later ones are booked as their dates come into range.")
    )
    free = serializers.SerializerMethodField()
    busy = serializers.SerializerMethodField()
    occurrences = serializers.SerializerMethodField()

    @extend_schema_field(serializers.IntegerField())
    def get_free(self, change: SeriesChange) -> int:
        return len(change.booked)

    @extend_schema_field(serializers.IntegerField())
    def get_busy(self, change: SeriesChange) -> int:
        return len(change.conflicts)

    @extend_schema_field(PreviewedSerializer(many=True))
    def get_occurrences(self, change: SeriesChange) -> Any:
        every: list[Any] = sorted([*change.booked, *change.conflicts], key=lambda one: one.starts_at)
        return PreviewedSerializer(every, many=True, context=self.context).data

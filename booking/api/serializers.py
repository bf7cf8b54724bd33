"""What the booking API reads and writes."""

from copy import copy
from datetime import UTC
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.actors import Actor, Face
from booking.api.fields import (
    ClockField,
    EndClockField,
    InstantField,
    LocalStartField,
    OffsetsField,
    validate_year,
)
from booking.enums import Action, AppointmentStatus, Event, Override, Policy, ReservationStatus, Scope, Weekday
from booking.models import (
    Appointment,
    AppointmentEvent,
    AppointmentSeries,
    AvailabilityWindow,
    Closure,
    DateOverride,
    Reservation,
    Schedule,
    Service,
    TimeOff,
)
from booking.models.services import MINUTES_A_DAY
from booking.operations.appointments import allowed_actions
from booking.operations.availability import Change
from booking.operations.series import Conflict, SeriesChange
from booking.queries import FreeTime
from booking.recurrence import LONGEST_TEXT
from scheduler_project.common.api_fields import IdField, TimezoneField
from scheduler_project.common.text import one_line


class QuerySerializer(serializers.Serializer[Any]):
    """For query strings. Its fields hold no others, so they need not be copied deeply for each request, as DRF does."""

    def get_fields(self) -> dict[str, Any]:
        return {name: copy(field) for name, field in self._declared_fields.items()}


class AnswerQuerySerializer(QuerySerializer):
    """What any request may say about its answer."""

    timezone = TimezoneField(required=False, help_text=_("Write times with the offset of this IANA zone."))
    preview = serializers.BooleanField(default=False, help_text=_("Answer what would happen, and change nothing."))


# --- Services and slots -----------------------------------------------------------------------------------------------


class ProviderIdsField(serializers.ListField):
    """The ids of a service's providers, looked up all at once and not one by one."""

    def get_attribute(self, instance: Service) -> list[int]:
        return sorted(provider.pk for provider in instance.providers.all())


class ServiceSerializer(serializers.ModelSerializer[Service]):
    providers = ProviderIdsField(
        source="provider_ids",
        child=IdField(),
        required=False,
        max_length=1000,
        help_text=_("Who offers it. Staff choose; a provider's own service is offered by that provider."),
    )
    owner: Any = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)
    reminder_offsets = OffsetsField()

    class Meta:
        model = Service
        fields = [
            "id",
            "name",
            "description",
            "duration_minutes",
            "buffer_before_minutes",
            "buffer_after_minutes",
            "needs_approval",
            "reminder_offsets",
            "is_active",
            "owner",
            "providers",
        ]


class SlotSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text=_("The slot the time begins with: what to send to `reserve`."))
    provider = serializers.IntegerField()
    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()


class SlotQuerySerializer(QuerySerializer):
    provider = IdField(required=False)
    service = IdField(required=False, help_text=_("Only times long enough for this service and its buffers."))
    start = InstantField(required=False, help_text=_("From then on. Now, if left out."))
    end = InstantField(required=False, help_text=_("Until then. Seven days after the start, if left out."))
    timezone = TimezoneField(required=False, help_text=_("Write times with the offset of this zone instead of in UTC."))


class AvailabilityQuerySerializer(SlotQuerySerializer):
    provider = None  # type: ignore[assignment]
    date = serializers.DateField(
        required=False,
        validators=[validate_year],
        help_text=_("One local day, in `timezone` or else the provider's own zone."),
    )


# --- Schedules --------------------------------------------------------------------------------------------------------


class ScheduleSerializer(serializers.ModelSerializer[Schedule]):
    slots_until = InstantField(read_only=True)
    reminder_offsets = OffsetsField()

    class Meta:
        model = Schedule
        fields = [
            "id",
            "provider",
            "timezone",
            "slot_minutes",
            "notice_minutes",
            "horizon_days",
            "hold_minutes",
            "reminder_offsets",
            "slots_until",
        ]
        read_only_fields = ["provider"]


class HoursSerializer(serializers.Serializer[Any]):
    start_time = ClockField()
    end_time = EndClockField(help_text=_("At or before the start means the next day; 24:00 is midnight."))


class WeekdayHoursSerializer(HoursSerializer):
    weekday = serializers.ChoiceField(choices=Weekday.choices, help_text=_("0 is Monday, 6 is Sunday."))


class WorkingHoursSerializer(serializers.Serializer[Any]):
    timezone = TimezoneField(read_only=True)
    hours = WeekdayHoursSerializer(many=True, max_length=100)  # type: ignore[call-arg]


class DateOverrideSerializer(serializers.ModelSerializer[DateOverride]):
    hours = HoursSerializer(many=True, max_length=20, help_text=_("None: closed."))  # type: ignore[call-arg]

    class Meta:
        model = DateOverride
        fields = ["id", "date", "hours"]
        extra_kwargs = {"date": {"validators": [validate_year]}}

    def to_representation(self, instance: DateOverride) -> dict[str, Any]:
        hours = [{"start_time": start, "end_time": end} for start, end in instance.hours]
        return {
            "id": instance.pk,
            "date": instance.date.isoformat(),
            "hours": HoursSerializer(hours, many=True).data,
        }


class WindowSerializer(serializers.ModelSerializer[AvailabilityWindow]):
    provider = IdField(source="schedule.provider_id", required=False, help_text=_("Yourself, if left out."))
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")
    timezone = TimezoneField(required=False, write_only=True, help_text=_("For times sent without an offset."))

    class Meta:
        model = AvailabilityWindow
        fields = ["id", "provider", "start_time", "end_time", "timezone"]


class AbsenceSerializer(serializers.ModelSerializer[Any]):
    start_time = InstantField(source="starts_at", required=False, allow_null=True)
    end_time = InstantField(source="ends_at", required=False, allow_null=True)
    timezone = TimezoneField(required=False, write_only=True, help_text=_("For times sent without an offset."))

    class Meta:
        fields = ["id", "start_time", "end_time", "start_date", "end_date", "reason", "timezone"]
        extra_kwargs = {"start_date": {"validators": [validate_year]}, "end_date": {"validators": [validate_year]}}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.pop("timezone", None)
        return attrs


class TimeOffSerializer(AbsenceSerializer):
    provider = IdField(source="schedule.provider_id", required=False, help_text=_("Yourself, if left out."))

    class Meta(AbsenceSerializer.Meta):
        model = TimeOff
        fields = ["provider", *AbsenceSerializer.Meta.fields]


class ClosureSerializer(AbsenceSerializer):
    class Meta(AbsenceSerializer.Meta):
        model = Closure


# --- Reservations -----------------------------------------------------------------------------------------------------


class OverrideField(serializers.MultipleChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            choices=Override.choices,
            required=False,
            help_text=_("For the provider and staff: rules to set aside on purpose. Recorded."),
            **kwargs,
        )


class ReserveSlotSerializer(serializers.Serializer[Any]):
    client = IdField(required=False, help_text=_("For whom. Yourself, if left out."))
    service = IdField(required=False, help_text=_("Without one, the slot alone is held."))


class ReserveSerializer(ReserveSlotSerializer):
    provider = IdField()
    start_time = InstantField()
    end_time = InstantField(required=False, help_text=_("Instead of a service; for the provider and staff."))
    timezone = TimezoneField(required=False, help_text=_("For times sent without an offset."))
    override = OverrideField()


class ConfirmSerializer(serializers.Serializer[Any]):
    confirmed = serializers.BooleanField(help_text=_("True makes the appointment; false gives the time back."))


class ReservationSerializer(serializers.Serializer[Reservation]):
    id = serializers.IntegerField()
    provider = serializers.IntegerField()
    client = serializers.IntegerField()
    service = serializers.IntegerField(allow_null=True)
    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()
    status = serializers.ChoiceField(
        choices=ReservationStatus.choices, help_text=_("A hold past its end reads `expired`, tidied up or not.")
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    appointment = serializers.IntegerField(allow_null=True)
    overrides = serializers.ListField(child=serializers.ChoiceField(choices=Override.choices))
    created_at = serializers.DateTimeField()

    def to_representation(self, instance: Reservation) -> dict[str, Any]:
        """Written by hand: a serializer's fields cost more than making the reservation does."""
        zone = self.context["zone"] or UTC
        held = instance.status == ReservationStatus.HELD
        expired = held and instance.expires_at is not None and instance.expires_at <= self.context["now"]
        appointment = None if held else getattr(instance, "appointment", None)
        return {
            "id": instance.pk,
            "provider": instance.provider_id,
            "client": instance.client_id,
            "service": instance.service_id,
            "start_time": instance.starts_at.astimezone(zone),
            "end_time": instance.ends_at.astimezone(zone),
            "status": ReservationStatus.EXPIRED.value if expired else str(instance.status),
            "expires_at": instance.expires_at and instance.expires_at.astimezone(zone),
            "appointment": appointment.pk if appointment else None,
            "overrides": instance.overrides,
            "created_at": instance.created_at.astimezone(zone),
        }


class ExpiredSerializer(serializers.Serializer[Any]):
    expired = serializers.IntegerField(help_text=_("How many holds were past their end and not yet marked so."))


# --- Appointments -----------------------------------------------------------------------------------------------------


class PersonSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class ContactSerializer(PersonSerializer):
    email = serializers.EmailField()
    phone = serializers.CharField()


class AppointmentSerializer(serializers.ModelSerializer[Appointment]):
    provider = PersonSerializer()
    client = ContactSerializer()
    service = PersonSerializer(allow_null=True)
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")
    created_at = InstantField()
    updated_at = InstantField()
    reminder_offsets = OffsetsField()
    allowed_actions = serializers.ListField(child=serializers.ChoiceField(choices=Action.choices))

    class Meta:
        model = Appointment
        fields = [
            "id",
            "uid",
            "provider",
            "client",
            "service",
            "reservation",
            "series",
            "occurrence",
            "title",
            "description",
            "status",
            "start_time",
            "end_time",
            "timezone",
            "reminder_offsets",
            "cancellation_reason",
            "sequence",
            "created_at",
            "updated_at",
            "allowed_actions",
        ]
        read_only_fields = fields

    def to_representation(self, instance: Appointment) -> dict[str, Any]:
        """Written by hand: walking the fields costs five times as much."""
        zone = self.context["zone"] or UTC
        actor = Actor.of(self.context["request"].user, Face.API)
        reservation = instance.reservation
        client, service = reservation.client, reservation.service
        return {
            "id": instance.pk,
            "uid": str(instance.uid),
            "provider": {"id": reservation.provider_id, "name": reservation.provider.name},
            "client": {"id": client.pk, "name": client.name, "email": client.email, "phone": str(client.phone)},
            "service": {"id": service.pk, "name": service.name} if service else None,
            "reservation": reservation.pk,
            "series": instance.series_id,
            "occurrence": instance.occurrence,
            "title": instance.title,
            "description": instance.description,
            "status": str(instance.status),
            "start_time": reservation.starts_at.astimezone(zone),
            "end_time": reservation.ends_at.astimezone(zone),
            "timezone": instance.timezone,
            "reminder_offsets": instance.reminder_offsets,
            "cancellation_reason": instance.cancellation_reason,
            "sequence": instance.sequence,
            "created_at": instance.created_at.astimezone(zone),
            "updated_at": instance.updated_at.astimezone(zone),
            "allowed_actions": [str(action) for action in allowed_actions(instance, actor, self.context["now"])],
        }


class BookSerializer(ReserveSerializer):
    timezone = TimezoneField(
        required=False, help_text=_("The zone the appointment is made in, and times without an offset are read in.")
    )
    title = serializers.CharField(
        required=False, max_length=200, validators=[one_line], help_text=_("The service's name, if left out.")
    )
    description = serializers.CharField(required=False, max_length=5000, allow_blank=True)
    reminder_offsets = OffsetsField()


class EditSerializer(serializers.ModelSerializer[Appointment]):
    reminder_offsets = OffsetsField()

    class Meta:
        model = Appointment
        fields = ["title", "description", "timezone", "reminder_offsets"]
        extra_kwargs = {"title": {"validators": [one_line]}}


class RescheduleSerializer(serializers.Serializer[Any]):
    start_time = InstantField()
    end_time = InstantField(required=False, help_text=_("For the provider and staff; otherwise it stays as long."))
    timezone = TimezoneField(required=False, help_text=_("For times sent without an offset."))
    override = OverrideField()


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")


class StatusSerializer(ReasonSerializer):
    status = serializers.ChoiceField(choices=AppointmentStatus.choices)


class EventSerializer(serializers.ModelSerializer[AppointmentEvent]):
    event = serializers.ChoiceField(choices=Event.choices)
    at = InstantField()
    by = serializers.SerializerMethodField()

    class Meta:
        model = AppointmentEvent
        fields = ["event", "at", "by", "face", "details"]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_by(self, event: AppointmentEvent) -> str | None:
        return event.user.name if event.user else None


# --- Series -----------------------------------------------------------------------------------------------------------

OCCURRENCE = _("The local date its rule gave it.")


@extend_schema_field({"type": "string", "maxLength": LONGEST_TEXT, "example": "FREQ=WEEKLY;COUNT=4"})
class RuleField(serializers.CharField):
    """A recurrence rule of RFC 5545, daily or slower, on one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_TEXT, help_text=self.__doc__, **kwargs)


class SeriesWordsSerializer(serializers.Serializer[Any]):
    """What may be said when a series is made and when it is changed."""

    service = IdField(required=False, allow_null=True)
    duration_minutes = serializers.IntegerField(
        required=False, min_value=1, max_value=MINUTES_A_DAY, help_text=_("The service's, or one slot, if left out.")
    )
    title = serializers.CharField(
        required=False,
        max_length=200,
        allow_blank=True,
        validators=[one_line],
        help_text=_("The service's name, if left out."),
    )
    description = serializers.CharField(required=False, max_length=5000, allow_blank=True)
    reminder_offsets = OffsetsField()
    override = OverrideField()


class NewSeriesSerializer(SeriesWordsSerializer):
    provider = IdField(required=False, help_text=_("Yourself, if left out."))
    client = IdField()
    rrule = RuleField()
    start_time = LocalStartField(help_text=_("The first occurrence. Without an offset it is read in `timezone`."))
    timezone = TimezoneField(
        required=False, help_text=_("The series keeps its time of day there. The provider's, if left out.")
    )
    exdates = serializers.ListField(
        child=serializers.DateField(validators=[validate_year]),
        required=False,
        max_length=366,
        help_text=_("Local dates of the rule to leave out."),
    )


class CreateSeriesSerializer(NewSeriesSerializer):
    policy = serializers.ChoiceField(
        choices=Policy.choices,
        default=Policy.ALL_OR_NOTHING,
        help_text=_("What becomes of it if some times cannot be booked."),
    )


class ScopeSerializer(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(
        choices=Scope.choices, default=Scope.ALL, help_text=_("Which occurrences. Past ones are never touched.")
    )

    def get_fields(self) -> dict[str, Any]:
        """With `from`, which Python does not let one write."""
        return {
            **super().get_fields(),
            "from": serializers.DateField(
                required=False,
                validators=[validate_year],
                help_text=_("The occurrence meant, by the local date its rule gave it. Needed but for `all`."),
            ),
        }


class EditSeriesSerializer(SeriesWordsSerializer, ScopeSerializer):
    policy = serializers.ChoiceField(choices=Policy.choices, default=Policy.ALL_OR_NOTHING)
    rrule = RuleField(required=False)
    start_time = LocalStartField(
        required=False,
        help_text=_("Where that occurrence goes, and the others after it. Without an offset: in the series' zone."),
    )


class CancelSeriesSerializer(ScopeSerializer, ReasonSerializer):
    pass


class NearestSerializer(serializers.Serializer[FreeTime]):
    slot = serializers.IntegerField(source="slot_id")
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")


class OccurrenceSerializer(serializers.Serializer[Appointment]):
    id = serializers.IntegerField(help_text=_("Of the appointment."))
    occurrence = serializers.DateField(allow_null=True, help_text=OCCURRENCE)
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")
    status = serializers.ChoiceField(choices=AppointmentStatus.choices)


class ConflictSerializer(serializers.Serializer[Conflict]):
    """An occurrence that cannot be booked, and the nearest free time within a fortnight."""

    occurrence = serializers.DateField(help_text=OCCURRENCE)
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")
    reason = serializers.CharField(source="error.code", help_text=_("`slot_taken`, `outside_hours` and the like."))
    detail = serializers.CharField(source="error.message")
    nearest = NearestSerializer(allow_null=True)


class GapSerializer(serializers.Serializer[Any]):
    occurrence = serializers.DateField(help_text=OCCURRENCE)
    reason = serializers.CharField(help_text=_("`slot_taken`, `outside_hours` and the like."))


class SeriesSerializer(serializers.ModelSerializer[AppointmentSeries]):
    provider = PersonSerializer()
    client = PersonSerializer()
    service = PersonSerializer(allow_null=True)
    rrule = RuleField()
    start_time = serializers.SerializerMethodField(help_text=_("The first occurrence, with the offset of its zone."))
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
    occurrences = serializers.IntegerField(help_text=_("How many appointments were made of it."))
    next_time = InstantField(allow_null=True, help_text=_("When the next one begins."))

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


class SeriesDetailSerializer(SeriesSerializer):
    next = OccurrenceSerializer(many=True, help_text=_("The next ten."))

    class Meta(SeriesSerializer.Meta):
        fields = [*SeriesSerializer.Meta.fields, "next"]


class SeriesChangeSerializer(SeriesSerializer):
    """The series, and what was done to its appointments."""

    created = OccurrenceSerializer(many=True)
    moved = OccurrenceSerializer(many=True)
    cancelled = OccurrenceSerializer(many=True)
    skipped = ConflictSerializer(many=True, help_text=_("What could not be booked or moved."))

    class Meta(SeriesSerializer.Meta):
        fields = [*SeriesSerializer.Meta.fields, "created", "moved", "cancelled", "skipped"]


class PreviewedSerializer(serializers.Serializer[Any]):
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


class SeriesPreviewSerializer(serializers.Serializer[SeriesChange]):
    """What would be booked, up to the provider's booking horizon."""

    rrule = RuleField(source="series.rrule")
    timezone = TimezoneField(source="series.timezone")
    duration_minutes = serializers.IntegerField(source="series.duration_minutes")
    ends_at = InstantField(source="series.ends_at", allow_null=True)
    generated_until = InstantField(
        source="series.generated_until", help_text=_("Later ones are booked as time goes by.")
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


# --- What a change of availability did --------------------------------------------------------------------------------


class ChangeSerializer(serializers.Serializer[Change]):
    """R6: what happened to the free slots, and which coming appointments now lie outside the hours."""

    preview = serializers.SerializerMethodField(help_text=_("Whether nothing was changed."))
    slots_added = serializers.IntegerField()
    slots_removed = serializers.IntegerField()
    conflicts = AppointmentSerializer(many=True)
    holds = ReservationSerializer(many=True, help_text=_("Unconfirmed holds that now lie outside the hours."))

    @extend_schema_field(serializers.BooleanField())
    def get_preview(self, change: Change) -> bool:
        return bool(self.context["preview"])

"""What the booking API reads and writes."""

from datetime import UTC
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.actors import Actor, Face
from booking.api.fields import ClockField, IdField, InstantField, TimezoneField, validate_year
from booking.enums import Action, AppointmentStatus, Event, Override, ReservationStatus, Weekday
from booking.models import (
    Appointment,
    AppointmentEvent,
    AvailabilityWindow,
    Closure,
    DateOverride,
    Reservation,
    Schedule,
    Service,
    TimeOff,
)
from booking.operations.appointments import allowed_actions
from booking.operations.availability import Change
from scheduler_project.common.text import one_line


class AnswerQuerySerializer(serializers.Serializer[Any]):
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
            "is_active",
            "owner",
            "providers",
        ]


class SlotSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text=_("The slot the time begins with: what to send to `reserve`."))
    provider = serializers.IntegerField()
    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()


class SlotQuerySerializer(serializers.Serializer[Any]):
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
            "slots_until",
        ]
        read_only_fields = ["provider"]


class HoursSerializer(serializers.Serializer[Any]):
    start_time = ClockField()
    end_time = ClockField(help_text=_("At or before the start means the next day; 24:00 is midnight."))


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
        return {"id": instance.pk, "date": instance.date.isoformat(), "hours": hours}


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
    allowed_actions = serializers.SerializerMethodField()

    class Meta:
        model = Appointment
        fields = [
            "id",
            "uid",
            "provider",
            "client",
            "service",
            "reservation",
            "title",
            "description",
            "status",
            "start_time",
            "end_time",
            "timezone",
            "cancellation_reason",
            "sequence",
            "created_at",
            "updated_at",
            "allowed_actions",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=Action.choices)))
    def get_allowed_actions(self, appointment: Appointment) -> list[str]:
        actor = Actor.of(self.context["request"].user, Face.API)
        return [str(action) for action in allowed_actions(appointment, actor, self.context["now"])]


class BookSerializer(ReserveSerializer):
    timezone = TimezoneField(
        required=False, help_text=_("The zone the appointment is made in, and times without an offset are read in.")
    )
    title = serializers.CharField(
        required=False, max_length=200, validators=[one_line], help_text=_("The service's name, if left out.")
    )
    description = serializers.CharField(required=False, max_length=5000, allow_blank=True)


class EditSerializer(serializers.ModelSerializer[Appointment]):
    class Meta:
        model = Appointment
        fields = ["title", "description", "timezone"]
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

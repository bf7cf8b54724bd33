"""`/api/v1/appointments`: book, move, cancel and read appointments."""

from typing import Any, cast

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Source
from accounts.api.fields import NameField
from accounts.api.permissions import ForStaff
from booking.api.authentication import Attendee
from booking.api.base import BookingViewSet
from booking.api.fields import InstantField, OffsetsField, OverrideField
from booking.appointments import operations as appointments
from booking.appointments.enums import Action, AppointmentStatus, Event
from booking.appointments.filters import AppointmentFilter
from booking.appointments.models import AppointmentQuerySet, events_for_client
from booking.appointments.serializers import USERS_OR_GUESTS, AppointmentSerializer, GuestAppointmentSerializer
from booking.appointments.transitions import STATUSES
from booking.calendars.icalendar import to_ical
from booking.models import Appointment, AppointmentEvent
from booking.reservations.api import ReserveSerializer
from booking.reservations.errors import ConfirmationRequired
from booking.reservations.serializers import (
    OF_AN_APPOINTMENT,
    ClientOrDetailsField,
    DetailsSerializer,
    check_sent_by_guest,
)
from scheduler_project.common.api.changes import ChangesPagination
from scheduler_project.common.api.content import Pagination
from scheduler_project.common.api.fields import EmailField, IdField, LineField, PhoneField, TextField, TimezoneField
from scheduler_project.common.api.schema import PREVIEW, refusals
from scheduler_project.common.api.serializers import ModelSerializer, Serializer
from scheduler_project.common.errors import NotAllowed

ONE_BY_ONE = {"patient_name": "name", "email": "email", "phone": "phone"}
"""The fields in which guests may send their details one by one, and what each is called among the details."""


class BookSerializer(ReserveSerializer):
    client = ClientOrDetailsField(
        required=False, help_text=_("The client. Default: yourself. Guests send their details.")
    )
    patient_name = NameField(required=False, help_text=_("For guests: instead of `client`, with `email`."))
    email = EmailField(required=False, help_text=_("For guests: with `patient_name`."))
    phone = PhoneField(max_length=40, required=False, allow_blank=True, help_text=_("For guests: with `patient_name`."))
    timezone = TimezoneField(
        required=False, help_text=_("The appointment's time zone, also used for times without an offset.")
    )
    title = LineField(required=False, max_length=200, help_text=_("Default: the service's name."))
    description = TextField(required=False, max_length=5000, allow_blank=True)
    reminder_offsets = OffsetsField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Gather a guest's details, and refuse them to users, who have a client."""
        sent = {name: attrs.pop(name) for name in ONE_BY_ONE if name in attrs}
        if self.context["request"].user.is_authenticated:
            if isinstance(attrs.get("client"), dict):
                sent["client"] = None
            if sent:
                raise serializers.ValidationError(dict.fromkeys(sent, _("Only guests send their details.")))
        elif "client" in attrs and sent:
            raise serializers.ValidationError(dict.fromkeys(sent, _("Send it only once: it belongs in `client`.")))
        elif "client" not in attrs:
            attrs["client"] = self.gathered(sent)
        return attrs

    def gathered(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Return the details that were sent one by one. Raises ValidationError, which names them as they were sent."""
        data = {ONE_BY_ONE[name]: str(value) for name, value in sent.items()}
        details = DetailsSerializer(data=data, context=self.context)
        if not details.is_valid():
            called = {inner: name for name, inner in ONE_BY_ONE.items()}
            raise serializers.ValidationError({called.get(name, name): each for name, each in details.errors.items()})
        return details.validated_data


@extend_schema_field({"oneOf": [{"type": "integer", "minimum": 1}, {"$ref": "#/components/schemas/Contact"}]})
class NextClientField(IdField):
    """The id of a client, or the client as the answer about the appointment shows them, which changes nothing."""

    def to_internal_value(self, data: Any) -> Any:
        form: Any = self.parent
        if isinstance(data, dict) and data == form.as_shown()["client"]:
            return form.instance.reservation.client_id
        return super().to_internal_value(data)


TEXTS = ["title", "description", "timezone", "reminder_offsets"]


class AppointmentChangeSerializer(ModelSerializer[Appointment]):
    shown_by = AppointmentSerializer

    client = NextClientField(
        required=False,
        help_text=_(
            "Gives the appointment to another client, without its texts and history. For the provider and staff only."
        ),
    )
    start_time = InstantField(
        required=False, help_text=_("A different time reschedules the appointment. Booking rules apply.")
    )
    end_time = InstantField(
        required=False, help_text=_("Only the provider and staff can change the length. Default: unchanged.")
    )
    status = serializers.ChoiceField(
        choices=AppointmentStatus.choices,
        required=False,
        help_text=_("One of the statuses the current one can change to."),
    )
    cancellation_reason = TextField(
        required=False, allow_blank=True, max_length=500, help_text=_("Send it with a status that needs a reason.")
    )
    reminder_offsets = OffsetsField()
    override = OverrideField()

    class Meta:
        model = Appointment
        fields = ["client", *TEXTS, "start_time", "end_time", "status", "cancellation_reason", "override"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what would do nothing: a reason without a status that it explains, an override without a time."""
        made = cast("Appointment", self.instance)
        status = attrs.get("status", made.status)
        explains = status != made.status and not STATUSES[status].claims_time
        if attrs.get("cancellation_reason", made.cancellation_reason) != made.cancellation_reason and not explains:
            raise serializers.ValidationError(
                {"cancellation_reason": _("Send a reason only when you cancel or decline.")}
            )
        if attrs.get("override") and attrs.keys().isdisjoint(("start_time", "end_time")):
            raise serializers.ValidationError({"override": _("Send it with the time that breaks the rule.")})
        return attrs


class RescheduleSerializer(Serializer[Any]):
    start_time = InstantField()
    end_time = InstantField(
        required=False, help_text=_("For the provider and staff. Default: the length stays the same.")
    )
    timezone = TimezoneField(required=False, help_text=_("Time zone of times sent without an offset."))
    override = OverrideField()


class ReasonSerializer(Serializer[Any]):
    reason = TextField(required=False, allow_blank=True, max_length=500, default="")


class StatusSerializer(ReasonSerializer):
    status = serializers.ChoiceField(choices=AppointmentStatus.choices)


class EventSerializer(ModelSerializer[AppointmentEvent]):
    event = serializers.ChoiceField(choices=Event.choices)
    at = InstantField()
    by = serializers.SerializerMethodField()
    details = serializers.SerializerMethodField(
        help_text=_("Only the provider and staff see override reasons and import references.")
    )

    class Meta:
        model = AppointmentEvent
        fields = ["event", "at", "by", "face", "details"]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_by(self, event: AppointmentEvent) -> str | None:
        if event.user is None:
            return None
        return event.by if self.context["runs"] else event.user.name

    @extend_schema_field(serializers.DictField())
    def get_details(self, event: AppointmentEvent) -> dict[str, Any]:
        return event.details if self.context["runs"] else event.for_client


@extend_schema_view(
    list=extend_schema(summary="List appointments"),
    retrieve=extend_schema(
        summary="Get an appointment",
        responses={200: USERS_OR_GUESTS, **refusals(400)},
    ),
)
class AppointmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """Appointments. `allowed_actions` lists what the caller may do with each of them now."""

    queryset = Appointment.objects.all()
    serializer_class = AppointmentSerializer
    filterset_class = AppointmentFilter
    pagination_class = ChangesPagination
    timeless_actions = frozenset({"destroy", "ics"})
    paged_actions = frozenset({"list", "history"})
    guest_actions = frozenset({"retrieve", "reschedule", "cancel", "ics"})
    open_actions = limited_actions = frozenset({"create"})

    def get_queryset(self) -> QuerySet[Appointment]:
        mine = self.visible().detailed()
        return mine.order_by("-reservation__starts_at", "-pk")

    def visible(self) -> AppointmentQuerySet:
        if isinstance(self.guest, Attendee):
            return Appointment.objects.of_link(self.guest.appointment_id, self.guest.client_id)
        return Appointment.objects.visible_to(self.request.user)

    def get_serializer_class(self) -> Any:
        return AppointmentSerializer if self.guest is None else GuestAppointmentSerializer

    def answer_about(self, appointment: Appointment, code: int = status.HTTP_200_OK) -> Response:
        return self.answer(self.get_serializer_class(), appointment, code)

    def pk_of(self) -> int:
        return self.get_object().pk

    def acted(self, which: Action, reason: str = "") -> Response:
        found = self.get_object()
        appointment = self.perform(
            lambda: appointments.take_action(
                appointment_id=found.pk, action=which, actor=self.actor_on(found), now=self.now, reason=reason
            )
        )
        return self.answer_about(appointment)

    @extend_schema(
        summary="Book in one step",
        description=(
            "Clients book for themselves; providers and staff book for a client. Guests hold a time, send their "
            "details and confirm instead: without signing in, the answer is 403 `confirmation_required`. If the "
            "site lets guests book without an email (`GUESTS_CONFIRM=off`), they send their details with it, as "
            "`client` or field by field."
        ),
        parameters=[PREVIEW],
        request=BookSerializer,
        responses={200: USERS_OR_GUESTS, 201: USERS_OR_GUESTS, **refusals(403, 404, 409)},
        examples=[
            OpenApiExample(
                "For your own client",
                {"provider": 1, "client": 1, "service": 1, "start_time": "2027-03-04T13:30:00+01:00"},
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        if self.is_anonymous:
            return self.book_as_guest()
        data = self.sent(BookSerializer)
        client_id = self.client_asked_for(data.get("client"))
        appointment = self.perform(
            lambda: appointments.book(
                provider_id=data["provider"],
                client_id=client_id,
                service_id=data.get("service"),
                starts_at=data["start_time"],
                ends_at=data.get("end_time"),
                title=data.get("title", ""),
                description=data.get("description", ""),
                timezone=data.get("timezone", ""),
                reminder_offsets=data.get("reminder_offsets"),
                overrides=data.get("override", ()),
                actor=self.actor,
                now=self.now,
            )
        )
        return self.answer(AppointmentSerializer, appointment, self.created)

    def book_as_guest(self) -> Response:
        if settings.GUESTS_CONFIRM:
            raise ConfirmationRequired
        if isinstance(self.guest, Attendee):
            raise NotAllowed(OF_AN_APPOINTMENT)
        sent = self.sent(BookSerializer)
        details = sent["client"]
        check_sent_by_guest(sent, besides="client" if isinstance(details, dict) else None)
        appointment = self.perform(
            lambda: appointments.book_as_guest(
                provider_id=sent["provider"],
                service_id=sent.get("service"),
                starts_at=sent["start_time"],
                timezone=sent.get("timezone", ""),
                source=Source.API,
                now=self.now,
                **{**details, "note": sent.get("description") or details["note"]},
            )
        )
        return self.answer(GuestAppointmentSerializer, appointment, self.created)

    @extend_schema(
        summary="Change an appointment",
        description="Changes its client, time, texts, reminders and status, all or nothing. A new time reschedules "
        "it, as `reschedule` does; a new status must be one it can change to. Unchanged values are ignored, so you "
        "can send an answer back with one thing changed.\n\nThe provider and staff can give it to another "
        "`client` they could book for. That client sees nothing of the previous one: title, description, time zone "
        "and history start anew unless the request sets them. We tell the previous client that it is cancelled and "
        "the new one that it is booked; links emailed before stop working. An occurrence leaves its series.",
        request=AppointmentChangeSerializer(partial=True),
        responses={200: AppointmentSerializer, **refusals(403, 409)},
        examples=[OpenApiExample("An hour later", {"start_time": "2027-03-04T14:30:00+01:00"}, request_only=True)],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        found = self.get_object()
        sent = self.sent(AppointmentChangeSerializer, instance=found, partial=True)
        client_id = sent.get("client")
        appointment = appointments.change(
            appointment_id=found.pk,
            client_id=None if client_id in (None, found.reservation.client_id) else self.client_asked_for(client_id),
            starts_at=sent.get("start_time"),
            ends_at=sent.get("end_time"),
            texts={name: sent[name] for name in TEXTS if name in sent},
            status=sent.get("status"),
            reason=sent.get("cancellation_reason", ""),
            overrides=sent.get("override", ()),
            actor=self.actor,
            now=self.now,
        )
        return self.answer(AppointmentSerializer, appointment)

    @extend_schema(
        summary="Change an appointment (same as PATCH)",
        request=AppointmentChangeSerializer(partial=True),
        responses={200: AppointmentSerializer, **refusals(403, 409)},
    )
    def update(self, request: Request, pk: str) -> Response:
        return self.partial_update(request, pk)

    @extend_schema(summary="Cancel", responses={204: None, **refusals(403, 409)})
    def destroy(self, request: Request, pk: str) -> Response:
        self.acted(Action.CANCEL)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Change an appointment's status",
        request=StatusSerializer,
        responses={200: AppointmentSerializer, **refusals(403, 409)},
        examples=[OpenApiExample("It took place", {"status": "completed"}, request_only=True)],
    )
    @action(detail=True, methods=["patch"], url_path="status")
    def set_status(self, request: Request, pk: str) -> Response:
        data = self.sent(StatusSerializer)
        appointment = appointments.set_status(appointment_id=self.pk_of(), actor=self.actor, now=self.now, **data)
        return self.answer(AppointmentSerializer, appointment)

    @extend_schema(
        summary="Reschedule an appointment",
        parameters=[PREVIEW],
        request=RescheduleSerializer,
        responses={200: USERS_OR_GUESTS, **refusals(403, 409)},
        examples=[OpenApiExample("An hour later", {"start_time": "2027-03-04T14:30:00+01:00"}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def reschedule(self, request: Request, pk: str) -> Response:
        data = self.sent(RescheduleSerializer)
        found = self.get_object()
        appointment = self.perform(
            lambda: appointments.reschedule(
                appointment_id=found.pk,
                starts_at=data["start_time"],
                ends_at=data.get("end_time"),
                overrides=data.get("override", ()),
                actor=self.actor_on(found),
                now=self.now,
            )
        )
        return self.answer_about(appointment)

    @extend_schema(
        summary="Cancel an appointment",
        parameters=[PREVIEW],
        request=ReasonSerializer,
        responses={200: USERS_OR_GUESTS, **refusals(403, 409)},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.acted(Action.CANCEL, self.sent(ReasonSerializer)["reason"])

    @extend_schema(
        summary="Approve a pending appointment",
        parameters=[PREVIEW],
        request=None,
        responses={200: AppointmentSerializer, **refusals(403, 409)},
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        return self.acted(Action.APPROVE)

    @extend_schema(
        summary="Decline a pending appointment",
        parameters=[PREVIEW],
        request=ReasonSerializer,
        responses={200: AppointmentSerializer, **refusals(403, 409)},
    )
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        return self.acted(Action.DECLINE, self.sent(ReasonSerializer)["reason"])

    @extend_schema(summary="List an appointment's history", responses=EventSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=Pagination)
    def history(self, request: Request, pk: str) -> Response:
        appointment = self.get_object()
        runs = self.actor.runs(appointment.reservation.provider_id, "booking.view_appointment")
        events = appointment.events.select_related("user")
        page = self.paginate_queryset(events if runs else events_for_client(events))
        context = self.get_serializer_context() | {"runs": runs}
        rows = EventSerializer(page, many=True, context=context).data
        return self.get_paginated_response(rows)

    @extend_schema(
        operation_id="appointments_ics_retrieve",
        summary="Download as a calendar file",
        description="iCalendar (RFC 5545), with a stable UID and a rising SEQUENCE.",
        responses={(200, "text/calendar"): OpenApiTypes.STR},
    )
    def ics(self, request: Request, pk: str) -> HttpResponse:
        appointment = self.get_object()
        return HttpResponse(
            to_ical(appointment),
            content_type="text/calendar; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="appointment-{appointment.pk}.ics"'},
        )


@extend_schema_view(list=extend_schema(summary="List everyone's appointments"))
class AdminAppointmentViewSet(mixins.ListModelMixin, BookingViewSet):
    """All appointments. Staff only."""

    queryset = Appointment.objects.detailed().order_by("-reservation__starts_at", "-pk")
    serializer_class = AppointmentSerializer
    filterset_class = AppointmentFilter
    pagination_class = ChangesPagination
    permission_classes = [IsAdminUser, ForStaff]
    permissions = {"GET": "booking.view_appointment"}

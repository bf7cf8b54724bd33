"""`/api/v1/reservations`: holds and what became of them."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import Throttled
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actors import Source
from accounts.api.permissions import ForStaff
from booking.api.authentication import Attendee, Visitor
from booking.api.base import BookingViewSet
from booking.api.fields import InstantField, OverrideField
from booking.appointments import operations as appointments
from booking.appointments.serializers import AppointmentSerializer, GuestAppointmentSerializer
from booking.links import guest_token
from booking.models import Reservation
from booking.reservations import guests
from booking.reservations import operations as reservations
from booking.reservations.codes import check_code
from booking.reservations.errors import WrongHoldCode
from booking.reservations.filters import ReservationFilter
from booking.reservations.models import ReservationQuerySet
from booking.reservations.serializers import (
    OF_AN_APPOINTMENT,
    DetailsSerializer,
    HeldSerializer,
    ReservationSerializer,
    check_sent_by_guest,
)
from scheduler_project.common.api.fields import IdField, LineField, TimezoneField
from scheduler_project.common.api.idempotency import IdempotentMixin
from scheduler_project.common.api.schema import PREVIEW, refusals
from scheduler_project.common.api.serializers import Serializer
from scheduler_project.common.api.views import StrictView
from scheduler_project.common.db.references import new_reference
from scheduler_project.common.errors import NotAllowed
from scheduler_project.common.limits.throttling import seconds_until_mail, site_network

WITHOUT_LOGIN = (
    "Without signing in, it holds the time for a visitor for ten minutes, or longer once `details` are sent. "
    "The answer has a `guest_token`; sent with the next hold, it moves a hold without details instead of "
    "adding one."
)


class ReserveSlotSerializer(Serializer[Any]):
    client = IdField(required=False, help_text=_("The client to book for. Defaults to you."))
    service = IdField(required=False, help_text=_("If left out, only this slot is held."))


class ReserveSerializer(ReserveSlotSerializer):
    provider = IdField()
    start_time = InstantField()
    end_time = InstantField(required=False, help_text=_("Use instead of a service. Providers and staff only."))
    timezone = TimezoneField(required=False, help_text=_("Time zone of times sent without an offset."))
    override = OverrideField()


class ConfirmSerializer(Serializer[Any]):
    confirmed = serializers.BooleanField(help_text=_("`true` books the appointment; `false` releases the time."))
    code = LineField(
        required=False,
        max_length=20,
        help_text=_("Guests only: the six-digit code we email once you've sent your details."),
    )


CONFIRMED = PolymorphicProxySerializer(
    component_name="Confirmed",
    serializers=[AppointmentSerializer, GuestAppointmentSerializer, ReservationSerializer],
    resource_type_field_name=None,
)
"""The answer to a confirmation: the appointment, for guests with less in it; or the hold that was given back."""


class HoldMixin:
    """Holding a time: for a user or whom they name, or for a visitor without a login, as on the pages."""

    def hold(self: Any, provider_id: int, starts_at: datetime, data: dict[str, Any]) -> Response:
        """Hold a time, and answer it. A visitor's answer has the token for what comes next."""
        if self.is_anonymous:
            return self._hold_as_visitor(provider_id, starts_at, data)
        client_id = self.client_asked_for(data.get("client"))
        reservation = self.perform(
            lambda: reservations.reserve(
                provider_id=provider_id,
                starts_at=starts_at,
                client_id=client_id,
                service_id=data.get("service"),
                ends_at=data.get("end_time"),
                overrides=data.get("override", ()),
                actor=self.actor,
                now=self.now,
                network=site_network(self.request),
            )
        )
        return self.answer(ReservationSerializer, reservation, self.created)

    def _hold_as_visitor(self: Any, provider_id: int, starts_at: datetime, data: dict[str, Any]) -> Response:
        check_sent_by_guest(data)
        if isinstance(self.guest, Attendee):
            raise NotAllowed(OF_AN_APPOINTMENT)
        visitor = self.guest.reference if self.guest else new_reference()
        reservation = self.perform(
            lambda: guests.hold_as_visitor(
                provider_id=provider_id,
                service_id=data.get("service"),
                starts_at=starts_at,
                visitor=visitor,
                timezone=data.get("timezone") or self.wanted.get("timezone", ""),
                now=self.now,
                network=site_network(self.request),
                source=Source.API,
            )
        )
        body = ReservationSerializer(reservation, context=self.get_serializer_context()).data
        token = {} if self.is_preview else {"guest_token": guest_token(visitor, reservation)}
        return Response({**body, **token}, self.created)


@extend_schema_view(
    list=extend_schema(summary="List reservations"),
    retrieve=extend_schema(
        summary="Get a reservation",
        responses={200: ReservationSerializer, **refusals(400)},
    ),
)
class ReservationViewSet(HoldMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """Reservations: holds and their outcomes."""

    queryset = Reservation.objects.all()
    serializer_class = ReservationSerializer
    filterset_class = ReservationFilter
    open_actions = frozenset({"create"})
    guest_actions = frozenset({"retrieve", "destroy", "details", "confirm"})
    limited_actions = frozenset({"create", "details"})

    def get_queryset(self) -> QuerySet[Reservation]:
        return self.visible().select_related("appointment").order_by("-starts_at", "-pk")

    def visible(self) -> ReservationQuerySet:
        if isinstance(self.guest, Visitor):
            return guests.holds_of(self.guest.reference, self.guest.reservation_id).select_related("client")
        return Reservation.objects.visible_to(self.request.user)

    @extend_schema(
        summary="Hold a time",
        description=WITHOUT_LOGIN,
        parameters=[PREVIEW],
        request=ReserveSerializer,
        responses={200: HeldSerializer, 201: HeldSerializer, **refusals(403, 404, 409)},
        examples=[
            OpenApiExample(
                "Half past one in Berlin",
                {"provider": 1, "service": 1, "start_time": "2027-03-04T13:30:00+01:00"},
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        data = self.sent(ReserveSerializer)
        return self.hold(data["provider"], data["start_time"], data)

    @extend_schema(
        summary="Send a guest's details",
        description=(
            "For guests: name, email and anything else the provider should know. We email them a confirmation "
            "link, and a code for `confirm`. The first details extend the hold to the schedule's hold time. They "
            "can be sent once more to correct the address."
        ),
        request=DetailsSerializer,
        responses={200: ReservationSerializer, **refusals(403, 409, 410)},
        examples=[
            OpenApiExample("Name and email", {"name": "Ada", "email": "ada@example.org"}, request_only=True),
        ],
    )
    @action(detail=True, methods=["post"])
    def details(self, request: Request, pk: str) -> Response:
        held = self.get_object()
        data = self.sent(DetailsSerializer)
        if self.guest is None:
            raise NotAllowed
        guests.check_may_ask(held, self.now)
        if seconds := seconds_until_mail("hold", data["email"]):
            raise Throttled(wait=seconds)
        reservation = guests.give_details(reservation_id=held.pk, now=self.now, **data)
        return self.answer(ReservationSerializer, reservation)

    @extend_schema(
        summary="Confirm or release a hold",
        parameters=[PREVIEW],
        request=ConfirmSerializer,
        description=(
            "Guests send the `code` we emailed after they sent their details. Their answer has fewer fields, and a "
            "`guest_token` for the appointment. Without the code, the answer is 403 `confirmation_required`. After "
            "five wrong codes, only the emailed link confirms."
        ),
        responses={200: CONFIRMED, **refusals(403, 409, 410)},
        examples=[OpenApiExample("Confirm", {"confirmed": True}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        data = self.sent(ConfirmSerializer)
        if not data["confirmed"]:
            return self.answer(ReservationSerializer, self.release(self.get_object()))
        if self.guest is not None:
            return self.confirm_as_guest(data)
        if "code" in data:
            raise NotAllowed(_("Only guests confirm with a code."), field="code")
        appointment = self.perform(lambda: appointments.confirm(reservation_id=int(pk), actor=self.actor, now=self.now))
        return self.answer(AppointmentSerializer, appointment)

    @extend_schema(summary="Release a hold", responses={204: None, **refusals(409)})
    def destroy(self, request: Request, pk: str) -> Response:
        self.release(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def release(self, held: Reservation) -> Reservation:
        actor = self.actor_on(held)
        return self.perform(lambda: reservations.release(reservation_id=held.pk, actor=actor, now=self.now))

    def confirm_as_guest(self, data: dict[str, Any]) -> Response:
        """Confirm a guest's hold by the mailed code.

        A wrong code is answered and not raised: repeated with an `Idempotency-Key`, a raised error would take back that
        it was counted.
        """
        held = self.get_object()
        try:
            check_code(held, data.get("code"), self.now)
        except WrongHoldCode as wrong:
            return self.handle_exception(wrong)
        actor = self.actor_on(held)
        appointment = self.perform(
            lambda: appointments.confirm(reservation_id=held.pk, actor=actor, now=self.now, from_mailbox="code" in data)
        )
        return self.answer(GuestAppointmentSerializer, appointment)


class ExpiredSerializer(Serializer[Any]):
    expired = serializers.IntegerField(help_text=_("How many overdue holds were expired."))


class ExpireReservationsView(IdempotentMixin, StrictView, APIView):
    """Expire overdue holds now instead of waiting a few seconds for the sweeper. Staff only."""

    permission_classes = [IsAdminUser, ForStaff]
    permissions = {"POST": "booking.change_reservation"}

    @extend_schema(summary="Expire overdue holds", request=None, responses=ExpiredSerializer)
    def post(self, request: Request) -> Response:
        return Response({"expired": reservations.expire_due(now=timezone.now())})

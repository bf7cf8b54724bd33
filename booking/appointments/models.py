"""Appointments and their history."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actors import Source
from accounts.models import Client, Provider, User
from booking.appointments.enums import UPCOMING, AppointmentStatus, Event
from booking.appointments.transitions import AWAITING_APPROVAL, CALLED_OFF
from booking.reservations.models import Reservation, visible_condition
from booking.services.models import Service
from scheduler_project.common.db.fields import OffsetsField
from scheduler_project.common.db.revisions import RevisionField
from scheduler_project.common.time.zones import validate_timezone

CLIENTS_READ = {"status", "series", "overrides", "reservation", "from", "to", "changed", "was"}
"""Keys of event details that a client may read: neither the reason of an override nor an import's reference."""


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def coming(self, *, now: datetime) -> Self:
        """Appointments to come, and those going on now."""
        return self.filter(status__in=UPCOMING).not_over(now=now)

    def awaiting_approval(self) -> Self:
        """Appointments that wait for approval, the nearest first."""
        return self.filter(status=AWAITING_APPROVAL).order_by("reservation__starts_at", "pk")

    def not_over(self, *, now: datetime) -> Self:
        """Appointments of any status whose time is not over.

        No appointment is longer than a day, so those that began earlier need no look.
        """
        return self.filter(reservation__ends_at__gt=now, reservation__starts_at__gt=now - timedelta(days=2))

    def past(self, *, now: datetime) -> Self:
        """Appointments of any status whose time is over."""
        return self.filter(reservation__ends_at__lte=now, reservation__starts_at__lt=now)

    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Appointments that a user may see: staff all, a provider and a client their own."""
        permission = "booking.view_appointment"
        sees_all = isinstance(user, User) and user.may(permission)
        return self if sees_all else self.filter(visible_condition(user, "reservation__", permission))

    def of_link(self, appointment_id: int, client_id: int | None) -> Self:
        """The appointment of a mailed link, unless it was given to another client since.

        The first links named no client. They work for an appointment that never had another.
        """
        linked = self.filter(pk=appointment_id)
        if client_id is not None:
            return linked.filter(reservation__client=client_id)
        given = AppointmentEvent.objects.filter(appointment=OuterRef("pk"), event=Event.REASSIGNED)
        return linked.exclude(Exists(given))

    def detailed(self) -> Self:
        """Appointments with all related rows that an answer shows, in one query."""
        return self.select_related("reservation__provider", "reservation__client", "reservation__service")


class Appointment(models.Model):
    """The meeting that a confirmed reservation carries.

    Provider, client, service and time are the reservation's; rescheduling gives the appointment another reservation.
    `uid` and the rising `sequence` are those of the calendar entry (RFC 5545 §3.8.4.7, §3.8.7.4).
    """

    reservation = models.OneToOneField(
        Reservation, models.PROTECT, related_name="appointment", verbose_name=_("reservation")
    )
    series = models.ForeignKey(
        "booking.AppointmentSeries",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="appointments",
        db_index=False,
        verbose_name=_("series"),
    )
    occurrence = models.DateField(
        _("occurrence"),
        null=True,
        blank=True,
        help_text=_("The local date the series rule gave it, even if it has been rescheduled since."),
    )
    uid = models.UUIDField(_("calendar UID"), default=uuid.uuid4, unique=True, editable=False)
    sequence = models.PositiveIntegerField(_("sequence"), default=0, editable=False)
    title = models.CharField(_("title"), max_length=200, blank=True, help_text=_("Default: the service's name."))
    description = models.TextField(_("description"), max_length=5000, blank=True)
    timezone = models.CharField(
        _("time zone"),
        max_length=64,
        validators=[validate_timezone],
        help_text=_("The time zone the appointment was booked in. Its times are shown in this time zone."),
    )
    reminder_offsets = OffsetsField(
        _("reminders"), help_text=_("How long before the start, such as “1 day, 1 hour”. Unset: the service's.")
    )
    status = models.CharField(_("status"), max_length=10, choices=AppointmentStatus, db_index=True)
    cancellation_reason = models.CharField(_("reason for cancelling"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))
    revision = RevisionField(_("revision"))

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        ordering = ["-reservation__starts_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["series", "occurrence"], name="appointment_once_per_series_and_date"),
            models.CheckConstraint(
                condition=Q(occurrence__isnull=True) | Q(series__isnull=False), name="appointment_occurs_in_a_series"
            ),
        ]
        indexes = [
            BrinIndex(fields=["created_at"], name="appointment_made"),
            models.Index(fields=["revision", "id"], name="appointment_revision"),
        ]

    def __str__(self) -> str:
        return self.called

    def mark_changed(self, now: datetime) -> None:
        """Raise `sequence` and set `updated_at`. The caller holds the lock and saves.

        An earlier request may get the lock later. Its change then gets the time of the change before it, never an
        earlier one.
        """
        self.sequence += 1
        self.updated_at = max(self.updated_at, now)

    @property
    def called(self) -> str:
        """The title; if there is neither a title nor a service, a general one in the reader's language."""
        return self.title or gettext("Appointment")

    @property
    def provider(self) -> Provider:
        return self.reservation.provider

    @property
    def client(self) -> Client:
        return self.reservation.client

    @property
    def service(self) -> Service | None:
        return self.reservation.service

    @property
    def starts_at(self) -> datetime:
        return self.reservation.starts_at

    @property
    def ends_at(self) -> datetime:
        return self.reservation.ends_at


class AppointmentEvent(models.Model):
    """An event of an appointment's history, with its actor, time and source.

    Rows are append-only, which a trigger enforces. A deleted login remains as a number. The order is that of the keys,
    which are given under the lock that orders the changes; within it, `at` never runs backwards.
    """

    appointment = models.ForeignKey(
        Appointment, models.PROTECT, related_name="events", db_index=False, verbose_name=_("appointment")
    )
    event = models.CharField(_("event"), max_length=12, choices=Event)
    at = models.DateTimeField(_("at"))
    user = models.ForeignKey(
        User,
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
        db_index=False,
        db_constraint=False,
    )
    face = models.CharField(_("through"), max_length=10, choices=Source)
    details = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("appointment event")
        verbose_name_plural = _("appointment events")
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["appointment", "id"], name="appointmentevent_in_order"),
            BrinIndex(fields=["at"], name="appointmentevent_at"),
            models.Index(
                fields=["appointment"], condition=Q(event=Event.REASSIGNED), name="appointmentevent_reassigned"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} {self.at:%Y-%m-%d %H:%M} UTC"

    @property
    def by(self) -> str:
        """The name of the login that acted, with the API key if it was a program of theirs; empty without a login."""
        name = self.user.name if self.user else ""
        key = (self.details.get("key") or {}).get("name")
        return gettext("%(user)s, key “%(key)s”") % {"user": name, "key": key} if name and key else name

    @property
    def for_client(self) -> dict[str, Any]:
        """The details that the client may read, without the notes of staff and provider.

        None about how they got it: those are about the client before them.
        """
        return {} if self.event == Event.REASSIGNED else self.for_former_client

    @property
    def for_former_client(self) -> dict[str, Any]:
        """The details that the client of that time may read."""
        known = CLIENTS_READ | ({"reason"} if self.event in CALLED_OFF else set())
        return {name: value for name, value in self.details.items() if name in known}


def events_for_client(events: Iterable[AppointmentEvent]) -> list[AppointmentEvent]:
    """Return what its client may read of an appointment's history: if it was another's, from when they got it on."""
    shown: list[AppointmentEvent] = []
    for event in events:
        if event.event == Event.REASSIGNED:
            shown.clear()
        shown.append(event)
    return shown

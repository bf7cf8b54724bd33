"""The archive and the erasure of booking's data about a person."""

from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.actors import Actor, Source
from accounts.models import Client, User
from accounts.privacy.errors import AppointmentsComing
from accounts.privacy.operations import purge_admin_log
from booking.appointments.models import events_for_client
from booking.appointments.queries import former_events, own_events
from booking.appointments.representation import describe
from booking.calendars.operations import end_feeds
from booking.links import feed_link
from booking.models import (
    Appointment,
    AppointmentEvent,
    AppointmentSeries,
    CalendarFeed,
    ImportedEntry,
    Reservation,
    Service,
)
from booking.reservations.models import visible_condition
from booking.reservations.operations import release
from scheduler_project.common.audit.log import allow_erasing, erase, nulled
from scheduler_project.common.operations import operation
from scheduler_project.common.time.zones import rfc3339


def bookings_of(user: User | None, client: Client | None, *, own: bool) -> dict[str, Any]:
    """Return the appointments of a client, or of a login as client and provider, with their histories, and the feeds.

    The result is ready for JSON. Of other people it holds only their names. It holds the feeds' addresses only with
    `own`, for the person themself.
    """
    rows = (
        Appointment.objects.filter(visible_condition(user, "reservation__") | Q(reservation__client=client))
        .detailed()
        .prefetch_related("events")
    )
    return {
        "appointments": [
            _archived_appointment(row, runs=bool(user and row.provider == user.provider_or_none)) for row in rows
        ],
        "former_appointments": _former_appointments(client) if client else [],
        "calendar_feeds": [
            {**({"address": feed_link(feed)} if own else {}), "created_at": rfc3339(feed.created_at)}
            for feed in CalendarFeed.objects.filter(visible_condition(user) | Q(client=client, client__isnull=False))
        ],
    }


ARCHIVED = {
    **{name: name for name in ("id", "title", "description", "provider", "client")},
    "starts_at": "start_time",
    "ends_at": "end_time",
    **{name: name for name in ("timezone", "status", "cancellation_reason", "series")},
}
"""The fields of an appointment in an archive, by their names there."""


def _archived_appointment(appointment: Appointment, *, runs: bool) -> dict[str, Any]:
    described = describe(appointment, instant=rfc3339)
    described |= {name: described[name]["name"] for name in ("provider", "client")}
    return {
        **{name: described[field] for name, field in ARCHIVED.items()},
        "history": [
            _archived_event(event, event.details if runs else event.for_client)
            for event in (appointment.events.all() if runs else events_for_client(appointment.events.all()))
        ],
    }


def _former_appointments(client: Client) -> list[dict[str, Any]]:
    """Return the appointments that were given to another client, as far as they were this client's."""
    histories: dict[int, list[AppointmentEvent]] = {}
    for event in former_events(client).order_by("appointment", "pk"):
        histories.setdefault(event.appointment_id, []).append(event)
    held = {events[-1].details["reservation"] for events in histories.values()}
    reservations = Reservation.objects.select_related("provider").in_bulk(held)
    return [
        {
            "id": appointment_id,
            "provider": reservations[pk].provider.name,
            "starts_at": rfc3339(reservations[pk].starts_at),
            "ends_at": rfc3339(reservations[pk].ends_at),
            "history": [_archived_event(event, event.for_former_client) for event in events],
        }
        for appointment_id, events in histories.items()
        for pk in [events[-1].details["reservation"]]
    ]


def _archived_event(event: AppointmentEvent, details: dict[str, Any]) -> dict[str, Any]:
    return {"event": event.event, "at": rfc3339(event.at), "through": event.face, "details": details}


@operation
def prepare_account_deletion(*, user: User, now: datetime) -> None:
    """Close the feeds of a person who deletes their login, and erase the names of their API keys from histories.

    Raises AppointmentsComing.
    """
    if Appointment.objects.filter(visible_condition(user, "reservation__")).coming(now=now).exists():
        raise AppointmentsComing
    end_feeds(provider=user.provider_or_none, client=user.client_or_none)
    if user.api_keys.exists():
        with allow_erasing():
            by_key = AppointmentEvent.objects.filter(user=user, details__has_key="key")
            by_key.order_by().update(details=nulled("details", ["key"]))


FREE_TEXT_KEYS = ["reason", "reference", "was"]
"""The details of an event in which people are written about."""


@operation
def anonymize_bookings(*, client: Client, now: datetime) -> None:
    """Erase the texts of a client's bookings and release their holds; the bookings stay.

    So do those that were given to another client, without what was written while they were this client's.

    Raises AppointmentsComing, also for a series that goes on.
    """
    appointments = Appointment.objects.filter(reservation__client=client)
    series = AppointmentSeries.objects.filter(client=client)
    if appointments.coming(now=now).exists() or series.active(now=now).exists():
        raise AppointmentsComing
    for held in Reservation.objects.held(now=now).filter(client=client).order_by("pk"):
        release(reservation_id=held.pk, actor=Actor(None, Source.JOB), now=now)
    end_feeds(provider=None, client=client)
    former = list(former_events(client).values_list("pk", "appointment"))
    given_away = {appointment for _event, appointment in former}
    ImportedEntry.objects.filter(
        Q(appointment__in=appointments) | Q(appointment__in=given_away) | Q(series__in=series)
    ).delete()
    Reservation.objects.filter(client=client).exclude(note="").update(note="")
    series.update(title="", description="")
    erase(AppointmentSeries, list(series.values_list("pk", flat=True)), ["title", "description"])
    service = Service.objects.filter(reservations__appointment=OuterRef("pk")).values("name")
    appointments.order_by().update(title=Coalesce(Subquery(service), Value("")), description="", cancellation_reason="")
    purge_admin_log(Appointment, {*appointments.values_list("pk", flat=True), *given_away})
    purge_admin_log(AppointmentSeries, series.values_list("pk", flat=True))
    theirs = [*own_events(client).values_list("pk", flat=True), *(pk for pk, _appointment in former)]
    events = AppointmentEvent.objects.filter(pk__in=theirs, details__has_any_keys=FREE_TEXT_KEYS)
    with allow_erasing():
        events.order_by().update(details=nulled("details", FREE_TEXT_KEYS))

"""Limits on the bookings of one person, so that nobody hoards the slots (R19). Providers and staff have none."""

from datetime import datetime
from typing import Any, NoReturn

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import Provider, User
from booking.appointments.errors import TooManyAppointments, TooOften
from booking.appointments.transitions import CLAIMING
from booking.models import Appointment
from booking.reservations.enums import by_themselves_sql
from booking.reservations.errors import NoNewClients
from scheduler_project.common.audit.log import current_request
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event
from scheduler_project.common.errors import NotFound
from scheduler_project.common.limits.throttling import seconds_until, site_network

LOCK_PERSON = """
SELECT id FROM accounts_client
WHERE id = ANY (%(client)s::bigint || ARRAY(
    SELECT id FROM accounts_client
    WHERE owner_id IS NULL AND email <> '' AND NOT is_unproved AND scheduler_mailbox(email) = (
        SELECT CASE WHEN owner_id IS NULL AND email <> '' THEN scheduler_mailbox(email) END
        FROM accounts_client WHERE id = %(client)s)))
ORDER BY id FOR NO KEY UPDATE
"""
"""An array, not OR: PostgreSQL then looks up the few rows by key, whatever its statistics say. OR reads the whole table
(`test_people_of_one_mailbox_are_found_by_an_index`)."""


# A part of CONFIRM_IF_FEW.
OPEN_APPOINTMENTS = f"""
SELECT count(*) FILTER (WHERE claim.provider_id = %(provider)s), count(*)
FROM accounts_client person JOIN booking_reservation claim ON claim.client_id = person.id
WHERE person.id = ANY (%(people)s::bigint[]) AND claim.status = 'confirmed' AND claim.starts_at > %(now)s
  AND {by_themselves_sql("claim")} AND (claim.created_by_id IS NULL OR claim.created_by_id = person.user_id)
"""
"""The count of open appointments: confirmed reservations to come, without those that provider or staff made.

A person with a login may also book by a mailed link, as a guest without one.
"""


# One statement for two, composed once: `make bench` (reserve).
CONFIRM_IF_FEW = f"""
WITH open (with_provider, in_all) AS ({OPEN_APPOINTMENTS})
UPDATE booking_reservation SET status = 'confirmed', network = NULL FROM open
WHERE id = %(reservation)s AND with_provider < %(most)s::int AND in_all < %(most_unverified)s::int
"""


def lock_person(client_id: int) -> list[int]:
    """Lock a client, and every other client with the same mailbox, until the transaction ends. Return all their ids.

    Lock these before the schedule. One mailbox may belong to a login and to each booking as a guest. Clients in a
    provider's address book are left out: they did not enter the mailbox themselves. So are guests who did not answer a
    mail there: it may not be theirs. Raises NotFound.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_PERSON, {"client": client_id})
        people = [pk for (pk,) in cursor.fetchall()]
    if client_id not in people:
        raise NotFound(field="client")
    return people


def people_counted(people: list[int], actor: Actor) -> list[int]:
    """Return whose appointments count for the limits of the actor, of the ids that `lock_person` returned.

    A guest who did not answer a mail counts alone. If the mailbox that they name counted, its appointments could be
    felt, and filled up, by anybody who knows the address. For that reason nobody else counts with them either.
    """
    return [actor.guest.pk] if actor.guest is not None and actor.guest.is_unproved else people


def confirm_if_few(reservation_id: int, people: list[int], provider_id: int, now: datetime) -> bool:
    """Mark a hold as confirmed if the person has so few open appointments that no other limit can apply.

    Return True if it was confirmed. This takes one statement; `check_open_appointments` and the update would take two.
    """
    params = {
        "people": people,
        "provider": provider_id,
        "now": now,
        "reservation": reservation_id,
        "most": settings.MAX_OPEN_APPOINTMENTS,
        "most_unverified": settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED,
    }
    with connection.cursor() as cursor:
        cursor.execute(CONFIRM_IF_FEW, params)
        return cursor.rowcount == 1


def check_known(people: list[int], provider: Provider) -> None:
    """Raise NoNewClients if the provider takes only clients who had an appointment with them, and the person had none.

    `people` are the ids of all clients this person is (`lock_person`); none for somebody whose mailbox is not proved:
    the answer would tell strangers whose clients they are.
    """
    if provider.accepts_new_clients:
        return
    had = Appointment.objects.filter(reservation__client__in=people, reservation__provider=provider)
    if not had.filter(status__in=CLAIMING).exists():
        raise NoNewClients(field="provider")


def check_open_appointments(people: list[int], provider_id: int, actor: Actor, now: datetime) -> None:
    """Raise TooManyAppointments if a person has as many appointments to come as they may book themselves.

    `people` are the ids of all clients this person is (`lock_person`). They stay locked until the new appointment is
    written; otherwise two concurrent bookings would not see each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(OPEN_APPOINTMENTS, {"people": people, "provider": provider_id, "now": now})
        with_provider, in_all = cursor.fetchone()
    if with_provider >= settings.MAX_OPEN_APPOINTMENTS:
        raise_too_many(
            _("You've reached this provider's limit of %(limit)d upcoming appointments. Cancel one first."),
            settings.MAX_OPEN_APPOINTMENTS,
            actor,
        )
    if in_all >= settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED and not has_proved_mailbox(actor):
        raise_too_many(
            _("Verify your email to book more than %(limit)d upcoming appointments."),
            settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED,
            actor,
            verify_email=True,
        )


def count_change(client_id: int, actor: Actor) -> None:
    """Count one more change that clients make to their own appointments. Raises TooOften.

    The provider is notified of each change, which uses up the provider's sending limit: a client who books and cancels
    in turns would leave nothing for the reminders of others. Changes by the provider, staff, jobs and commands do not
    count.
    """
    request = current_request.get()
    if request is None or client_id != actor.client_id:
        return
    subjects = {"change": f"client:{client_id}", "change_network": f"network:{site_network(request)}"}
    for scope, subject in subjects.items():
        if seconds := seconds_until(scope, subject):
            raise TooOften(retry_after=seconds)


def count_unconfirmed() -> None:
    """Count one more appointment that a guest books from a network without answering a mail. Raises TooOften.

    Nothing else limits how many they book in how many names. It is counted last and in the transaction: what is refused
    does not count.
    """
    request = current_request.get()
    if request is not None and (seconds := seconds_until("unconfirmed", f"network:{site_network(request)}")):
        raise TooOften(retry_after=seconds)


def raise_too_many(message: str, limit: int, actor: Actor, **details: Any) -> NoReturn:
    login = actor.user.pk if actor.user else None
    log_security_event(SecurityEvent.LIMIT_REACHED, login=login, scope="open_appointments", most=limit)
    raise TooManyAppointments(message % {"limit": limit}, details={"limit": limit, **details})


def has_proved_mailbox(actor: Actor) -> bool:
    """Return True if this person reads their mailbox: a guest answered a mail there, a login verified its email."""
    if actor.guest is not None:
        return not actor.guest.is_unproved
    if not isinstance(actor.user, User):
        return True
    return EmailAddress.objects.filter(user=actor.user, email=actor.user.email, verified=True).exists()

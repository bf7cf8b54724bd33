"""Queries that count what a report shows.

Appointments and their outcomes count by their start. Actions count by the time they were taken: bookings,
cancellations, holds. Minutes count where they lie. Each statement reads its rows once, for all tables together.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import connection, transaction
from django.db.models import BigIntegerField, Case, Count, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from accounts.models import Client, Provider, User
from accounts.providers.models import published
from analytics.periods import Span
from analytics.report import Report, ReportScope, ReportTally
from analytics.statements import BOOKED, CANCELLED, SETTINGS, STANDING
from booking.appointments.transitions import LEAVING
from booking.availability.former_hours import availability_groups
from booking.models import (
    Appointment,
    AppointmentEvent,
    AvailabilityWindow,
    DateOverride,
    Reservation,
    Service,
    WorkingHours,
)
from booking.reservations.enums import ReservationStatus
from booking.reservations.models import stale
from reminders.models import Reminder
from scheduler_project.common.db.retention import older_than
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.time.intervals import DAY

LATE = timedelta(hours=24)
"""The time before the start from which a cancellation is late; after the start it is late too."""


AHEAD = timedelta(hours=25)
"""The longest time between the start of a claim and its meeting: a day's buffer, and an hour for rounding to slots."""


BEHIND = timedelta(hours=49)
"""The longest time from the start of a meeting to the end of its claim: a day's meeting, a day's buffer, an hour."""


SEE_ALL = "booking.view_appointment"
"""The permission of staff to see the reports of all providers."""


def scope_of(user: User, provider_id: int | None = None, service_id: int | None = None) -> ReportScope:
    """Return the filter for a user: all for staff who may see all appointments, a provider's own for a provider.

    Raises NotAllowed for other users, and NotFound for a provider or service that the user may not see.
    """
    own = user.provider_for(SEE_ALL)
    sees_all = user.may(SEE_ALL)
    if not sees_all and own is None:
        raise NotAllowed
    provider = None if sees_all else own
    if provider_id is not None:
        provider = Provider.objects.editable_by(user).filter(pk=provider_id).first()
        if provider is None:
            raise NotFound(field="provider")
    service = None
    if service_id is not None:
        service = Service.objects.visible_to(user).filter(pk=service_id).first()
        if service is None:
            raise NotFound(field="service")
    return ReportScope(provider, service)


BY_DAY, BY_PROVIDER, BY_SERVICE, BY_HOURS_BEFORE = 0b011, 0b101, 0b110, 0b111


def build_report(*, span: Span, scope: ReportScope, now: datetime) -> Report:
    """Return the counts of a span. Ten statements at most, whatever the number of rows.

    Holds are not counted in a span that begins before RETAIN_HOLDS_DAYS: unconverted ones have been deleted, and the
    rest would all be confirmed.
    """
    found = Report(
        span,
        scope,
        ReportTally(),
        {day: ReportTally() for day in span.dates},
        {},
        {},
        {weekday: ReportTally() for weekday in range(7)},
        {hour: ReportTally() for hour in range(24)},
        Counter(),
        Counter(),
        Counter(),
        Counter(),
        {},
        {},
    )
    params: dict[str, Any] = {
        "start": span.start,
        "until": span.until,
        "now": now,
        "late": LATE,
        "behind": BEHIND,
        "ahead": AHEAD,
        "days": span.days,
        "hours": [hour.starts_at for hour in span.hours] + [span.until],
        **scope.params,
    }
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(SETTINGS)

        def rows(statement: str) -> list[tuple[Any, ...]]:
            sql = statement.format(scope=scope.condition)
            cursor.execute(sql, {name: value for name, value in params.items() if f"%({name})s" in sql})
            return cursor.fetchall()

        _count_standing(found, rows(STANDING))
        _count_done(found, rows(BOOKED), "bookings", found.lead_hours)
        _count_done(found, rows(CANCELLED), "cancellations", found.notice_hours)
        kept_since = older_than(settings.RETAIN_HOLDS_DAYS, now)
        if kept_since is None or span.start >= kept_since:
            found.holds.update(dict(_holds(span, scope, now)))
        found.reminders.update(dict(_reminders(span, scope)))
    _count_offered(found)
    _name(found)
    return found


def _holds(span: Span, scope: ReportScope, now: datetime) -> QuerySet[Any, tuple[str, int]]:
    """Return the outcomes of the holds made in a span, and how many had each.

    A released reservation was confirmed once if an appointment came of it: it is still its own (cancelled, declined),
    or it has another since, because it was moved or given to another client. Holds of visitors without details are
    deleted after a day, so they are not counted.
    """
    moved = AppointmentEvent.objects.filter(event__in=LEAVING, at__gte=span.start)
    booked = Exists(Appointment.objects.filter(reservation=OuterRef("pk"))) | Q(
        pk__in=moved.values(left=Cast(KT("details__reservation"), BigIntegerField()))
    )
    outcome = Case(
        When(status=ReservationStatus.CONFIRMED, then=Value("confirmed")),
        When(Q(status=ReservationStatus.RELEASED) & booked, then=Value("confirmed")),
        When(status=ReservationStatus.RELEASED, then=Value("released")),
        When(Q(status=ReservationStatus.EXPIRED) | stale(now), then=Value("expired")),
        default=Value("open"),
    )
    nobody = Client.objects.filter(pk=OuterRef("client"), name="")
    made = Reservation.objects.filter(
        ~Exists(nobody), expires_at__isnull=False, created_at__gte=span.start, created_at__lt=span.until, **scope.params
    )
    return made.order_by().values_list(outcome).annotate(number=Count("*"))


def _reminders(span: Span, scope: ReportScope) -> QuerySet[Any, tuple[str, int]]:
    """Return the statuses of the reminders due in a span, and how many have each."""
    theirs = {f"reservation__{name}": pk for name, pk in scope.params.items()}
    due = Reminder.objects.filter(due_at__gte=span.start, due_at__lt=span.until, **theirs)
    return due.order_by().values_list("status").annotate(number=Count("*"))


def _count_standing(found: Report, rows: Iterable[tuple[Any, ...]]) -> None:
    for axis, key, status, number, seconds in rows:
        minutes = (seconds or 0) // 60
        if axis in ("begun", "claimed"):
            tallies = _of_hour(found, key - 1)
        elif axis == "provider":
            tallies = [found.by_provider.setdefault(key, ReportTally())]
        else:
            tallies = [found.by_service.setdefault(key, ReportTally())]
        for tally in tallies:
            tally.booked_minutes += minutes
            if number:
                tally.statuses[status] += number


def _count_done(found: Report, rows: Iterable[tuple[Any, ...]], what: str, hours_before: Counter[int]) -> None:
    for axis, day, provider, service, hours, number, *late in rows:
        if axis == BY_HOURS_BEFORE:
            hours_before[hours] += number
            continue
        if axis == BY_DAY:
            tallies = [found.by_day[found.span.dates[day - 1]], found.total]
        elif axis == BY_PROVIDER:
            tallies = [found.by_provider.setdefault(provider, ReportTally())]
        else:
            tallies = [found.by_service.setdefault(service, ReportTally())]
        for tally in tallies:
            setattr(tally, what, getattr(tally, what) + number)
            tally.late_cancellations += sum(late)


def _count_offered(found: Report) -> None:
    """Add the offered minutes. Services have none of their own: hours belong to a schedule."""
    begins = [hour.starts_at for hour in found.span.hours]
    ends = [*begins[1:], found.span.until]
    offered = [timedelta()] * len(begins)
    provider_id = found.scope.provider.pk if found.scope.provider else None
    for offer in availability_groups(found.span.start, found.span.until, provider_id):
        whole = timedelta()
        for start, end in offer.hours:
            whole += end - start
            number = bisect_right(begins, start) - 1
            while number < len(begins) and begins[number] < end:
                length = min(end, ends[number]) - max(start, begins[number])
                offered[number] += length * len(offer.providers)
                number += 1
        found.provider_names |= offer.providers
        for provider in offer.providers:
            if whole or provider in found.by_provider:
                found.by_provider.setdefault(provider, ReportTally()).offered_minutes = whole // timedelta(minutes=1)
    for number, length in enumerate(offered):
        for tally in _of_hour(found, number):
            tally.offered_minutes += length // timedelta(minutes=1)


def _of_hour(found: Report, number: int) -> list[ReportTally]:
    hour = found.span.hours[number]
    day = found.by_day[found.span.dates[hour.day]]
    return [found.total, day, found.by_weekday[hour.weekday], found.by_hour[hour.hour]]


def _name(found: Report) -> None:
    unnamed = set(found.by_provider) - set(found.provider_names)
    found.provider_names |= dict(Provider.objects.filter(pk__in=unnamed).values_list("pk", "name"))
    services = [pk for pk in found.by_service if pk is not None]
    found.service_names |= dict(Service.objects.filter(pk__in=services).values_list("pk", "name"))
    found.by_provider = dict(sorted(found.by_provider.items(), key=lambda one: (found.provider_names[one[0]], one[0])))
    found.by_service = dict(
        sorted(
            found.by_service.items(),
            key=lambda one: (one[0] is None, found.service_names.get(one[0] or 0, ""), one[0] or 0),
        )
    )


def people(*, span: Span, now: datetime) -> dict[str, dict[str, int]]:
    """Count the present logins, providers and clients, and those new in the span. Three statements."""
    within = {"gte": span.start, "lt": span.until}

    def in_span(column: str) -> Q:
        return Q(**{f"{column}__{lookup}": instant for lookup, instant in within.items()})

    factors = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    verified = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
    calendar = {"schedule__provider": OuterRef("pk")}
    opens = (
        Exists(WorkingHours.objects.filter(**calendar))
        | Exists(AvailabilityWindow.objects.filter(**calendar, ends_at__gt=now))
        | Exists(DateOverride.objects.filter(**calendar, date__gte=(now - DAY).date()).exclude(hours=[]))
    )
    made = Appointment.objects.filter(in_span("created_at"), reservation__provider=OuterRef("pk"))
    offered = Service.objects.filter(providers=OuterRef("pk"), is_active=True)
    return {
        "users": counted(
            User.objects,
            total=Q(),
            active=Q(is_active=True),
            staff=Q(is_staff=True),
            superusers=Q(is_superuser=True),
            providers=Q(provider__isnull=False),
            clients=Q(client__isnull=False),
            verified_email=Exists(verified),
            second_factor=Exists(factors),
            new=in_span("date_joined"),
            logged_in=in_span("last_login"),
        ),
        "providers": counted(
            Provider.objects,
            total=Q(),
            published=published(),
            awaiting_approval=Q(is_active=True, is_approved=False, declined_at=None),
            inactive=Q(is_active=False),
            with_login=Q(user__isnull=False),
            with_open_hours=opens,
            without_open_hours=~opens,
            with_services=Exists(offered),
            new=in_span("created_at"),
            booked=Exists(made),
        ),
        "clients": counted(
            Client.objects.exclude(name=""),
            total=Q(),
            with_login=Q(user__isnull=False),
            in_address_books=Q(owner__isnull=False),
            guests=Q(user=None, owner=None),
            new=in_span("created_at"),
        ),
    }


def counted(rows: Any, **conditions: Any) -> dict[str, int]:
    """Count the rows that meet each condition."""
    return rows.aggregate(**{name: Count("pk", filter=condition or None) for name, condition in conditions.items()})

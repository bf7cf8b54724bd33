"""A small practice to look around in: providers on five continents, clients, and appointments in every status."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from accounts.actors import Actor, Source
from accounts.clients.operations import add_client
from accounts.models import Client, Provider, User
from accounts.providers.operations import add_provider
from accounts.sign_in.registration import Role, register
from booking.appointments.enums import Action
from booking.appointments.operations import book, take_action
from booking.availability.operations import (
    close_business,
    open_window,
    set_date_override,
    set_policy,
    set_working_hours,
    take_time_off,
)
from booking.availability.search import FreeTime, SlotQuery, free_times
from booking.availability.slots import extend_all
from booking.demo.logins import (
    ADMIN,
    DESK,
)
from booking.demo.people import FRI, OFFERS, PRACTITIONERS, REGISTERED, SUN, TUE, WED, DemoService, Practitioner
from booking.models import Appointment, AppointmentSeries, Schedule, Service
from booking.reservations.enums import Override
from booking.reservations.operations import expire_due, reserve
from booking.series.enums import ConflictPolicy, SeriesScope
from booking.series.operations import SeriesSpec, cancel_series, create_series
from booking.series.recurrence import first_fitting
from booking.series.rule import read
from booking.signals import demo_opened
from scheduler_project.common.operations import operation
from scheduler_project.common.time.intervals import DAY
from scheduler_project.common.time.zones import to_utc

BACK = 63
"""The number of past days with appointments: enough for all of last month on any date."""


PAST_EACH = 24


COMING_EACH = 8


CANCELLED, MISSED = 0.14, 0.1


HOUR = timedelta(hours=1)


SYSTEM = Actor(None, Source.COMMAND)


REASONS = ("Down with the flu.", "A work trip came up.", "The car broke down.", "Feeling better already!")


@operation
def open_practice(now: datetime, password: str) -> None:
    """Create the practice, all or nothing."""
    Practice(now, password).open()


@dataclass
class Practice:
    """The practice and its history: opened nine weeks before `now`, with bookings on each day since.

    Every operation gets the instant at which it would have happened. The same `now` gives the same practice.
    """

    now: datetime
    password: str
    random: Random = field(default_factory=lambda: Random(2468))  # noqa: S311  (no secrets here)
    providers: dict[str, Provider] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hashed = make_password(self.password)  # for all providers, once: Argon2 is slow on purpose

    def open(self) -> None:
        begun = (self.now - BACK * DAY).replace(minute=0, second=0, microsecond=0)
        if not User.objects.filter(email=ADMIN).exists():
            User.objects.create_superuser(ADMIN, self.password, name="Alex Morgan")
        if (desk := Group.objects.filter(name="Front desk").first()) and not User.objects.filter(email=DESK).exists():
            desk.user_set.add(
                User.objects.create_user(DESK, self.password, name="Kim Novak", timezone="Europe/Berlin", is_staff=True)
            )
        for person in REGISTERED:
            register(
                name=person.name,
                email=person.email,
                password=self.password,
                timezone=person.timezone,
                role=Role.CLIENT,
                now=begun,
            )
            self.clients[person.email] = Client.objects.select_related("user").get(user__email=person.email)
        for practitioner in PRACTITIONERS:
            self.add_practitioner(practitioner, begun)
        for address in EmailAddress.objects.filter(
            email__in=[person.email for person in (*REGISTERED, *PRACTITIONERS)]
        ):
            address.verified = True
            address.save(update_fields=["verified"])
        for offer in OFFERS:
            self.offer(offer)
        self.add_time_off()
        self.add_past()
        extend_all(now=self.now)
        self.recur()
        self.add_upcoming()
        self.hold()
        demo_opened.send(Practice, now=self.now)

    # --- Opening ------------------------------------------------------------------------------------------------------

    def add_practitioner(self, practitioner: Practitioner, begun: datetime) -> None:
        """Add a provider with a login, hours and an address book."""
        user = User.objects.create(
            email=practitioner.email,
            password=self.hashed,
            name=practitioner.name,
            timezone=practitioner.timezone,
        )
        provider = add_provider(
            name=practitioner.name,
            timezone=practitioner.timezone,
            user=user,
            specialization=practitioner.specialization,
            bio=practitioner.bio,
            is_approved=practitioner.is_approved,
            now=begun,
        )
        common: dict[str, Any] = {"provider_id": provider.pk, "actor": SYSTEM, "now": begun}
        if practitioner.policy:
            set_policy(changes=practitioner.policy, **common)
        set_working_hours(hours=practitioner.hours, **common)
        for person in practitioner.clients:
            self.clients[person.name] = add_client(
                name=person.name,
                email=person.email,
                phone=person.phone,
                timezone=person.timezone,
                notes=person.notes,
                owner=provider,
                actor=SYSTEM,
                now=begun,
            )
        key = practitioner.email.partition("@")[0]
        self.providers[key] = provider
        self.schedules[key] = Schedule.objects.select_related("provider").get(provider=provider)

    def offer(self, offer: DemoService) -> None:
        service = Service.objects.create(
            name=offer.name,
            description=offer.description,
            duration_minutes=offer.duration,
            buffer_before_minutes=offer.before,
            buffer_after_minutes=offer.after,
            needs_approval=offer.needs_approval,
            owner=self.providers[offer.by[0]] if offer.owned else None,
        )
        service.providers.set([self.providers[key] for key in offer.by])
        self.services[offer.name] = service

    def add_time_off(self) -> None:
        """Add time off, a date override, a window and a closure, before any appointment."""
        common: dict[str, Any] = {"actor": SYSTEM, "now": self.now}
        today = self.now.date()
        week = {"start_date": today + 16 * DAY, "end_date": today + 22 * DAY, "reason": "Holidays"}
        take_time_off(provider_id=self.providers["amelia"].pk, fields=week, **common)
        morning = self.local("maya", self.day(after=8, weekday=WED), 10)
        lost = {"starts_at": morning, "ends_at": morning + timedelta(hours=2), "reason": "Dentist"}
        take_time_off(provider_id=self.providers["maya"].pk, fields=lost, **common)
        early = [(time(8), time(10, 30))]
        friday = self.day(after=10, weekday=FRI)
        set_date_override(provider_id=self.providers["maya"].pk, day=friday, hours=early, **common)
        sunday = self.local("jack", self.day(after=9, weekday=SUN), 10)
        open_window(
            provider_id=self.providers["jack"].pk, starts_at=sunday, ends_at=sunday + timedelta(hours=4), **common
        )
        team_day = self.day(after=24, weekday=WED)
        close_business(fields={"start_date": team_day, "end_date": team_day, "reason": "Team day"}, **common)

    # --- Booking ------------------------------------------------------------------------------------------------------

    def add_past(self) -> None:
        """Book the appointments of the last weeks and set their outcomes."""
        for key in self.open_to_all():
            for _number in range(PAST_EACH):
                start = self.now - self.random.randint(3, BACK - 7) * DAY
                made = start - self.random.randint(2, 5) * DAY
                appointment = self.book_something(key, start, start + 3 * DAY, made=made)
                if appointment and appointment.ends_at <= self.now:
                    self.end(appointment)

    def end(self, appointment: Appointment) -> None:
        lot = self.random.random()
        if lot < CANCELLED:
            self.cancel(appointment, appointment.starts_at - timedelta(hours=20))
            return
        action = Action.MISS if lot < CANCELLED + MISSED else Action.COMPLETE
        take_action(appointment_id=appointment.pk, action=action, actor=SYSTEM, now=appointment.ends_at)

    def cancel(self, appointment: Appointment, at: datetime) -> None:
        actor, reason = self.acting(appointment.client), self.random.choice(REASONS)
        take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=actor, now=at, reason=reason)

    def recur(self) -> None:
        """Create a weekly series, and a monthly one with an exception."""
        self.begin_series(
            "daniel", "Grace Miller", "Therapy session", "FREQ=WEEKLY", self.day(after=4, weekday=TUE), 10
        )
        monthly = "FREQ=MONTHLY;BYDAY=1WE"
        first = first_fitting(read(monthly), self.now.date() + 3 * DAY)
        if first:
            series = self.begin_series("maya", "Jonas Weber", "Physiotherapy", monthly, first, 8)
            second = first_fitting(read(monthly), first + DAY)
            common: dict[str, Any] = {"actor": SYSTEM, "now": self.now, "reason": REASONS[1]}
            cancel_series(series_id=series.pk, scope=SeriesScope.THIS, occurrence=second, **common)

    def begin_series(
        self, key: str, client: str, service: str, rrule: str, first: date, hour: int
    ) -> AppointmentSeries:
        wanted = SeriesSpec(
            provider_id=self.providers[key].pk,
            client_id=self.clients[client].pk,
            service_id=self.services[service].pk,
            rrule=rrule,
            starts=datetime.combine(first, time(hour)),
        )
        return create_series(wanted=wanted, policy=ConflictPolicy.SKIP_CONFLICTS, actor=SYSTEM, now=self.now).series

    def add_upcoming(self) -> None:
        """Book coming appointments, some cancelled; requests with and without an answer; and one outside the hours."""
        for key in self.open_to_all():
            for number in range(COMING_EACH):
                start = self.now + self.random.randint(0, 18) * DAY
                made = self.now - timedelta(hours=self.random.randint(48, 96))
                appointment = self.book_something(key, start, start + 3 * DAY, made=made)
                if appointment and number % 6 == 5:
                    self.cancel(appointment, self.now - timedelta(hours=1))
        self.fill_a_week("maya")
        requested = (("priya", "Nutrition workshop"), ("amelia", "Minor surgery"), ("maya", "Home visit"))
        for key, name in requested:
            for answer in (None, None, Action.APPROVE, Action.DECLINE):
                self.request(key, name, answer)
        evening = self.local("maya", self.day(after=2, weekday=TUE), 18)
        book(
            provider_id=self.providers["maya"].pk,
            client_id=self.clients["Petra Sommer"].pk,
            service_id=self.services["Physiotherapy"].pk,
            starts_at=evening,
            description="After closing time, as agreed on the phone.",
            overrides=[Override.HOURS, Override.NOTICE],
            actor=SYSTEM,
            now=self.now,
        )

    def fill_a_week(self, key: str) -> None:
        """Book a full week, from a few days ago on. It includes today, as far as today has hours."""
        for number in range(-5, 8):
            start = self.local(key, self.now.date() + number * DAY, 0)
            for _one in range(self.random.randint(3, 5)):
                made = min(start, self.now) - self.random.randint(2, 6) * DAY
                appointment = self.book_something(key, start, start + DAY, made=made)
                if appointment and appointment.ends_at <= self.now:
                    self.end(appointment)

    def request(self, key: str, name: str, answer: Action | None) -> None:
        """Book a service that needs approval for a registered client, with the provider's answer, if any."""
        made = self.now - timedelta(hours=self.random.randint(3, 30))
        client = self.clients[self.random.choice(REGISTERED).email]
        service = self.services[name]
        appointment = self.book_one(key, service, client, self.now + 2 * DAY, self.now + 15 * DAY, made=made)
        if appointment and answer:
            reason = "Please book a first consultation before." if answer == Action.DECLINE else ""
            provider = Actor(self.providers[key].user, Source.PAGE)
            take_action(
                appointment_id=appointment.pk, action=answer, actor=provider, now=self.now - HOUR, reason=reason
            )

    def book_something(self, key: str, start: datetime, until: datetime, *, made: datetime) -> Appointment | None:
        offers = [offer for offer in OFFERS if key in offer.by and not offer.needs_approval]
        own = next(one.clients for one in PRACTITIONERS if one.email.startswith(key))
        names = [person.name for person in own] + [person.email for person in REGISTERED]
        service = self.services[self.random.choice(offers).name]
        return self.book_one(key, service, self.clients[self.random.choice(names)], start, until, made=made)

    def book_one(
        self, key: str, service: Service, client: Client, start: datetime, until: datetime, *, made: datetime
    ) -> Appointment | None:
        """Book one of the times free at `made`, if there is any."""
        free = self.free(key, service, start, until, made)
        if not free:
            return None
        return book(
            provider_id=self.providers[key].pk,
            client_id=client.pk,
            service_id=service.pk,
            starts_at=self.random.choice(free).starts_at,
            actor=self.acting(client),
            now=made,
        )

    def hold(self) -> None:
        """Create a hold that expired, and two that live."""
        earlier = self.now - 2 * HOUR
        for key, email, at in (
            ("daniel", "sam@example.com", earlier),
            ("maya", "ingrid@example.com", self.now),
            ("lucia", "elena@example.com", self.now),
        ):
            client = self.clients[email]
            service = self.services[next(offer.name for offer in OFFERS if key in offer.by)]
            free = self.free(key, service, self.now + 3 * DAY, self.now + 10 * DAY, at)
            reserve(
                provider_id=self.providers[key].pk,
                client_id=client.pk,
                service_id=service.pk,
                starts_at=free[0].starts_at,
                actor=self.acting(client),
                now=at,
            )
            expire_due(now=self.now)

    # --- Who, what and when -------------------------------------------------------------------------------------------

    def open_to_all(self) -> list[str]:
        return [key for key, provider in self.providers.items() if provider.is_approved]

    def acting(self, client: Client) -> Actor:
        """Return the actor of a booking: a registered client on the pages; for one in an address book, the practice."""
        return Actor(client.user, Source.PAGE) if client.user else SYSTEM

    def free(self, key: str, service: Service, start: datetime, until: datetime, now: datetime) -> list[FreeTime]:
        return free_times(SlotQuery(start, until, now, self.providers[key].pk, service))

    def day(self, *, after: int, weekday: int) -> date:
        """Return the first such weekday that is at least `after` days ahead."""
        first = self.now.date() + after * DAY
        return first + (weekday - first.weekday()) % 7 * DAY

    def local(self, key: str, day: date, hour: int) -> datetime:
        return to_utc(datetime.combine(day, time(hour)), self.schedules[key].zone)

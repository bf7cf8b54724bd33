"""Factories of rows.

They only write rows: a ScheduleFactory generates no slots, a HoldFactory claims none. If slots matter, `open_provider`,
`hold` and `appoint` use the real operations."""

from datetime import UTC, datetime, time, timedelta

import factory
from allauth.account.models import EmailAddress
from factory.django import DjangoModelFactory

from accounts.actors import Actor, Source
from accounts.models import Client, Provider, User
from booking.appointments.enums import AppointmentStatus
from booking.appointments.operations import book
from booking.availability.slots import extend
from booking.models import (
    Appointment,
    AvailabilityWindow,
    Closure,
    DateOverride,
    Reservation,
    Schedule,
    Service,
    Slot,
    TimeOff,
    WorkingHours,
)
from booking.reservations.enums import ReservationStatus
from booking.reservations.operations import reserve
from reminders.enums import AttemptOutcome, MessageKind, MessageStatus, Recipient
from reminders.models import DeliveryAttempt, Message, MessageTemplate, WebhookEndpoint

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""The "now" of tests: a Monday. Clocks change within its horizon: New York on 8 March, Berlin on 29 March."""

WEEKDAYS = tuple((day, time(9), time(17)) for day in range(5))
"""Monday to Friday, 09:00 to 17:00: the default of a new schedule."""

ALWAYS = tuple((day, time(0), time(0)) for day in range(7))
"""Every day, 00:00 to 24:00."""

PASSWORD = "correct horse battery staple"


def at(text: str) -> datetime:
    """Return `"2026-03-03 09:00"` as a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"user{n}@example.org")
    name = factory.Sequence(lambda n: f"User {n}")
    password = factory.django.Password(PASSWORD)

    class Params:
        staff = factory.Trait(is_staff=True)
        superuser = factory.Trait(is_staff=True, is_superuser=True)


def verified(user: User) -> User:
    """Return the login with its email verified."""
    EmailAddress.objects.filter(user=user).update(verified=True)
    return user


class ProviderFactory(DjangoModelFactory):
    class Meta:
        model = Provider

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"Provider {n}")
    slug = factory.Sequence(lambda n: f"provider-{n}")


class ClientFactory(DjangoModelFactory):
    """A self-registered client. With `owner=` and `user=None` one of a provider's address book."""

    class Meta:
        model = Client

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"Client {n}")
    email = factory.Sequence(lambda n: f"client{n}@example.org")
    phone = ""
    verified_phone = factory.SelfAttribute("phone")


class ServiceFactory(DjangoModelFactory):
    class Meta:
        model = Service
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Service {n}")
    duration_minutes = 30

    @factory.post_generation
    def providers(self, create, extracted, **kwargs):
        if create and extracted:
            self.providers.add(*extracted)


class ScheduleFactory(DjangoModelFactory):
    """A calendar without hours; `weekdays=True` gives it Monday to Friday, 09:00 to 17:00. It has no slots."""

    class Meta:
        model = Schedule
        skip_postgeneration_save = True

    provider = factory.SubFactory(ProviderFactory)

    @factory.post_generation
    def weekdays(self, create, extracted, **kwargs):
        if create and extracted:
            for day, start, end in WEEKDAYS:
                WorkingHoursFactory(schedule=self, weekday=day, start_time=start, end_time=end)


class WorkingHoursFactory(DjangoModelFactory):
    class Meta:
        model = WorkingHours

    schedule = factory.SubFactory(ScheduleFactory)
    weekday = 0
    start_time = time(9)
    end_time = time(17)


class DateOverrideFactory(DjangoModelFactory):
    class Meta:
        model = DateOverride

    schedule = factory.SubFactory(ScheduleFactory)
    date = (NOON + timedelta(days=1)).date()


class AvailabilityWindowFactory(DjangoModelFactory):
    class Meta:
        model = AvailabilityWindow

    schedule = factory.SubFactory(ScheduleFactory)
    starts_at = NOON + timedelta(days=1)
    ends_at = factory.LazyAttribute(lambda window: window.starts_at + timedelta(hours=2))


class TimeOffFactory(DjangoModelFactory):
    class Meta:
        model = TimeOff

    schedule = factory.SubFactory(ScheduleFactory)
    start_date = (NOON + timedelta(days=1)).date()
    end_date = factory.SelfAttribute("start_date")


class ClosureFactory(DjangoModelFactory):
    class Meta:
        model = Closure

    start_date = (NOON + timedelta(days=1)).date()
    end_date = factory.SelfAttribute("start_date")


class ReservationFactory(DjangoModelFactory):
    """A confirmed claim on half an hour tomorrow noon."""

    class Meta:
        model = Reservation

    provider = factory.SubFactory(ProviderFactory)
    client = factory.SubFactory(ClientFactory)
    starts_at = NOON + timedelta(days=1)
    ends_at = factory.LazyAttribute(lambda reservation: reservation.starts_at + minutes(30))
    blocked_from = factory.SelfAttribute("starts_at")
    blocked_until = factory.SelfAttribute("ends_at")
    status = ReservationStatus.CONFIRMED
    face = Source.API
    created_at = NOON


class HoldFactory(ReservationFactory):
    status = ReservationStatus.HELD
    expires_at = NOON + minutes(30)


class MessageTemplateFactory(DjangoModelFactory):
    """The mail to clients after booking; without `provider=` the site's."""

    class Meta:
        model = MessageTemplate

    kind = MessageKind.BOOKED
    channel = "email"
    language = "en"
    subject = "See you on {{ start }}"
    body = "Dear {{ client_name }}, see you on {{ start }}."


class SlotFactory(DjangoModelFactory):
    class Meta:
        model = Slot

    provider = factory.SubFactory(ProviderFactory)
    starts_at = NOON + timedelta(days=1)
    ends_at = factory.LazyAttribute(lambda slot: slot.starts_at + minutes(15))


class AppointmentFactory(DjangoModelFactory):
    class Meta:
        model = Appointment

    reservation = factory.SubFactory(ReservationFactory)
    title = "Check-up"
    timezone = "UTC"
    status = AppointmentStatus.SCHEDULED
    created_at = NOON
    updated_at = NOON


class WebhookEndpointFactory(DjangoModelFactory):
    class Meta:
        model = WebhookEndpoint

    provider = factory.SubFactory(ProviderFactory)
    url = factory.Sequence(lambda n: f"https://hooks{n}.example.org/")
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    created_at = NOON


class MessageFactory(DjangoModelFactory):
    """A notice of a booking by email, sent at NOON."""

    class Meta:
        model = Message

    kind = MessageKind.BOOKED
    channel = "email"
    recipient = Recipient.CLIENT
    appointment = factory.SubFactory(AppointmentFactory)
    reservation = factory.SelfAttribute("appointment.reservation")
    due_at = NOON
    next_at = factory.SelfAttribute("due_at")
    useful_until = factory.SelfAttribute("reservation.starts_at")
    status = MessageStatus.SENT
    created_at = NOON
    sent_at = factory.LazyAttribute(lambda message: NOON if message.status == MessageStatus.SENT else None)


class EventMessageFactory(MessageFactory):
    """An event for a webhook at NOON."""

    kind = MessageKind.EVENT
    channel = "webhook"
    recipient = Recipient.PROVIDER
    endpoint = factory.SubFactory(WebhookEndpointFactory)
    details = factory.LazyFunction(lambda: {"type": "appointment.booked", "data": {"id": 1}})


class DeliveryAttemptFactory(DjangoModelFactory):
    class Meta:
        model = DeliveryAttempt

    message = factory.SubFactory(MessageFactory)
    at = NOON
    milliseconds = 25
    address = "somebody@example.org"
    outcome = AttemptOutcome.SENT


SYSTEM = Actor(None, Source.JOB)
"""The system itself, which may do anything."""


def actor_of(who: Client | Provider | User) -> Actor:
    """Return `who` as an actor through the API, reloaded so that no role is cached."""
    user_id = who.pk if isinstance(who, User) else who.user_id
    return Actor(User.objects.get(pk=user_id), Source.API)


MAYA = {
    "horizon_days": 7,
    "provider__name": "Maya Lindqvist",
    "provider__slug": "maya",
    "provider__specialization": "Physiotherapy",
}
"""The provider of a website: `open_provider(**MAYA)`."""


def open_provider(*, hours=WEEKDAYS, now=NOON, **policy) -> Provider:
    """Return a provider with an open calendar, with slots from the real operation.

    `hours` are `(weekday, start, end)` in local time, `policy` are fields of Schedule. A short `horizon_days` is quick.
    """
    schedule = ScheduleFactory(**policy)
    WorkingHours.objects.bulk_create(
        WorkingHours(schedule=schedule, weekday=day, start_time=start, end_time=end) for day, start, end in hours
    )
    extend(schedule_id=schedule.pk, now=now)
    return Provider.objects.select_related("schedule").get(pk=schedule.provider_id)


def hold(
    provider: Provider, starts_at: datetime, *, client: Client | None = None, now=NOON, **arguments
) -> Reservation:
    """Return a hold made by the client through the real operation. The provider must be open."""
    client = client or ClientFactory()
    arguments.setdefault("actor", actor_of(client))
    return reserve(provider_id=provider.pk, client_id=client.pk, starts_at=starts_at, now=now, **arguments)


def appoint(
    provider: Provider, starts_at: datetime, *, client: Client | None = None, now=NOON, overrides=(), **arguments
) -> Appointment:
    """Return an appointment made by the real operation: with `overrides` by the system, else by the client."""
    client = client or ClientFactory()
    arguments["actor"] = arguments.get("actor") or (SYSTEM if overrides else actor_of(client))
    return book(
        provider_id=provider.pk, client_id=client.pk, starts_at=starts_at, now=now, overrides=overrides, **arguments
    )

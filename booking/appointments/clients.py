"""The clients of a provider."""

from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Client, ClientQuerySet, Provider
from booking.models import (
    Appointment,
)


def clients_of(provider: Provider) -> ClientQuerySet:
    """Return the clients of a provider's address book, and those with an appointment with them, past or to come."""
    return Client.objects.of_provider(provider).order_by("name", "pk")


def has_appointment_with(provider: Provider) -> Q:
    """Return a condition for clients with an appointment with this provider, past or to come."""
    return Q(Exists(Appointment.objects.filter(reservation__provider=provider, reservation__client=OuterRef("pk"))))


def with_visits(clients: ClientQuerySet, provider: Provider, now: datetime) -> ClientQuerySet:
    """Annotate clients with `visits`, the number of appointments with the provider, and `next_at`, the next start."""
    theirs = Appointment.objects.filter(reservation__provider=provider, reservation__client=OuterRef("pk"))
    count = theirs.order_by().values("reservation__client").annotate(number=Count("pk")).values("number")
    coming = theirs.coming(now=now).order_by("reservation__starts_at").values("reservation__starts_at")[:1]
    return clients.annotate(visits=Coalesce(Subquery(count), 0), next_at=Subquery(coming))

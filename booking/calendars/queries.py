"""The appointments of a feed, and its ETag."""

import hashlib
from datetime import datetime, timedelta

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import F, TextField, Value
from django.db.models.functions import MD5, Cast, Concat
from django.utils.translation import get_language

from booking.appointments.models import AppointmentQuerySet
from booking.models import (
    Appointment,
    CalendarFeed,
)
from scheduler_project.common.site.queries import site_settings

FEED_KEEPS = timedelta(days=60)
"""The time, from its start, for which an appointment stays in feeds."""


def feed_appointments(feed: CalendarFeed, now: datetime) -> AppointmentQuerySet:
    """Return a feed's appointments: all to come and those that began within FEED_KEEPS, with cancelled ones."""
    whose = {"provider": feed.provider_id} if feed.provider_id else {"client": feed.client_id}
    mine = {f"reservation__{name}": pk for name, pk in whose.items()}
    return Appointment.objects.filter(**mine, reservation__starts_at__gte=now - FEED_KEEPS)


def feed_etag(feed: CalendarFeed, now: datetime) -> str:
    """Return an ETag that changes with the feed, quotes included. One statement that reads one row."""
    other = "reservation__client__name" if feed.provider_id else "reservation__provider__name"
    parts = (Cast(name, TextField()) for name in ("pk", "sequence", "updated_at"))
    line = Concat(*(piece for part in parts for piece in (part, Value(" "))), F(other), output_field=TextField())
    found = feed_appointments(feed, now).aggregate(digest=MD5(StringAgg(line, delimiter="\n", order_by="pk")))
    facts = (feed.pk, site_settings().title, feed.owner.name, get_language(), found["digest"])
    return f'"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}"'

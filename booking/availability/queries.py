"""Reads of dated changes."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import DateTimeField, Q, QuerySet
from django.db.models.functions import Cast, Coalesce


def ending_after(absences: QuerySet[Any], now: datetime, zone: ZoneInfo) -> QuerySet[Any]:
    """Return the absences that are not over, in order. Whole days are those of `zone`."""
    today = now.astimezone(zone).date()
    begins = Coalesce("starts_at", Cast("start_date", DateTimeField()))
    return absences.filter(Q(ends_at__gt=now) | Q(end_date__gte=today)).order_by(begins, "pk")

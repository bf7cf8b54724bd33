"""The states of a reservation, and the rules that can be overridden for one."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.actors import Source


class ReservationStatus(models.TextChoices):
    HELD = "held", _("held")
    CONFIRMED = "confirmed", _("confirmed")
    EXPIRED = "expired", _("expired")
    RELEASED = "released", _("released")


class HoldAction(models.TextChoices):
    """The actions on a hold."""

    CONFIRM = "confirm", _("confirm")
    RELEASE = "release", _("release")


LIVE = (ReservationStatus.HELD, ReservationStatus.CONFIRMED)
"""The states in which a reservation claims its time; a hold only until it expires."""


def held_sql(alias: str, now: str = "%(now)s") -> str:
    """Return as SQL that a hold goes on at `now`, as `ReservationQuerySet.held` has it."""
    return f"{alias}.status = 'held' AND {alias}.expires_at > {now}"


def stale_sql(alias: str, now: str = "%(now)s") -> str:
    """Return as SQL that a hold has ended and is not yet marked so, as `ReservationQuerySet.stale` has it."""
    return f"{alias}.status = 'held' AND {alias}.expires_at <= {now}"


BY_THEMSELVES = (Source.PAGE, Source.API)
"""The sources through which clients book for themselves, logged in or as visitors."""


def by_themselves_sql(alias: str) -> str:
    """Return as SQL that a reservation was made through one of `BY_THEMSELVES`."""
    return f"{alias}.face IN ({', '.join(repr(source.value) for source in BY_THEMSELVES)})"


def by_visitor_sql(alias: str) -> str:
    """Return as SQL that a visitor held the time, as `ReservationQuerySet.by_visitors` has it."""
    return f"{alias}.created_by_id IS NULL AND {by_themselves_sql(alias)} AND {alias}.expires_at IS NOT NULL"


class Override(models.TextChoices):
    """The rules that a provider or staff may override (R7). The ban on overlaps is not among them."""

    NOTICE = "notice", _("minimum notice and booking horizon")
    HOURS = "hours", _("working hours")
    PAST = "past", _("times that have passed")


ON_REQUEST = (Override.NOTICE, Override.HOURS)
"""The overrides that a booking can ask for. `PAST` is recorded for bookings taken over from another system."""

"""Reservations: claims on a provider's time."""

from datetime import datetime, timedelta
from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from accounts.actors import Source
from accounts.models import Client, Provider, User
from booking.reservations.enums import BY_THEMSELVES, LIVE, Override, ReservationStatus
from booking.services.models import Service


class TsTzRange(Func):
    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


def visible_condition(
    user: User | AnonymousUser | None, path: str = "", permission: str = "booking.view_reservation"
) -> Q:
    """Return a condition for rows in which `user` is the provider or client.

    `path` leads to the reservation (`"reservation__"`); `permission` is what staff need to see the rows.
    """
    if not isinstance(user, User):
        return Q(pk__in=[])
    return user.as_provider(f"{path}provider", permission) | user.as_client(f"{path}client")


def stale(now: datetime) -> Q:
    """Return a condition for holds that have ended and are not yet marked so."""
    return Q(status=ReservationStatus.HELD, expires_at__lte=now)


BY_VISITORS = Q(created_by=None, face__in=BY_THEMSELVES, expires_at__isnull=False)
"""The condition for holds of visitors without a login, and for what became of them."""


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def held(self, *, now: datetime) -> Self:
        """Holds that have not expired."""
        return self.filter(status=ReservationStatus.HELD, expires_at__gt=now)

    def live(self, *, now: datetime) -> Self:
        """Reservations that claim their time: confirmed ones, and holds that have not expired."""
        return self.filter(Q(status=ReservationStatus.CONFIRMED) | Q(status=ReservationStatus.HELD, expires_at__gt=now))

    def in_state(self, state: str, *, now: datetime) -> Self:
        """Reservations whose `state` at `now` is the given one."""
        if state == ReservationStatus.HELD:
            return self.held(now=now)
        if state == ReservationStatus.EXPIRED:
            return self.filter(Q(status=state) | Q(pk__in=self.stale(now=now).values("pk")))
        return self.filter(status=state)

    def by_visitors(self) -> Self:
        """Holds of visitors without a login, and what became of them."""
        return self.filter(BY_VISITORS)

    def undecided(self, *, now: datetime) -> Self:
        """Live holds that somebody took on a page, or a visitor by the API, and that have no details yet."""
        return self.held(now=now).filter(Q(face=Source.PAGE) | BY_VISITORS, asked=0)

    def stale(self, *, now: datetime) -> Self:
        """Overdue holds that are not yet marked as expired."""
        return self.filter(stale(now))

    def claiming(self, start: datetime, until: datetime) -> Self:
        """Live reservations and overdue holds whose claim overlaps `[start, until)`."""
        return self.filter(status__in=LIVE, blocked_from__lt=until, blocked_until__gt=start)

    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Reservations that a user may see: staff all, a provider and a client their own."""
        sees_all = isinstance(user, User) and user.may("booking.view_reservation")
        return self if sees_all else self.filter(visible_condition(user))


class Reservation(models.Model):
    """A claim on a stretch of a provider's time.

    `starts_at`..`ends_at` is the meeting; `blocked_from`..`blocked_until` is the claim: with the buffers, rounded
    outward to whole slots. Past `expires_at` a hold claims nothing, whatever its status still says.
    """

    provider = models.ForeignKey(
        Provider, models.PROTECT, related_name="reservations", db_index=False, verbose_name=_("provider")
    )
    client = models.ForeignKey(
        Client, models.PROTECT, related_name="reservations", db_index=False, verbose_name=_("client")
    )
    service = models.ForeignKey(
        Service, models.PROTECT, null=True, blank=True, related_name="reservations", verbose_name=_("service")
    )
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    blocked_from = models.DateTimeField(_("claimed from"))
    blocked_until = models.DateTimeField(_("claimed until"))
    status = models.CharField(_("status"), max_length=10, choices=ReservationStatus)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    overrides = ArrayField(
        models.CharField(max_length=10, choices=Override), verbose_name=_("overrides"), default=list, blank=True
    )
    note = models.TextField(
        _("note"),
        max_length=2000,
        blank=True,
        default="",
        db_default="",
        help_text=_("The client's note on the booking."),
    )
    asked = models.PositiveSmallIntegerField(
        _("links sent"), default=0, db_default=0, help_text=_("How many times the confirmation link was emailed.")
    )
    network = models.BigIntegerField(
        _("network"), null=True, blank=True, editable=False, help_text=_("Used to limit holds per network.")
    )
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("made by")
    )
    face = models.CharField(_("made through"), max_length=10, choices=Source)
    created_at = models.DateTimeField(_("created"))
    closed_at = models.DateTimeField(_("ended"), null=True, blank=True, help_text=_("When it expired or was released."))

    objects = ReservationQuerySet.as_manager()

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        ordering = ["-starts_at", "-pk"]
        constraints = [
            ExclusionConstraint(
                name="reservation_no_overlap",
                expressions=[
                    ("provider", RangeOperators.EQUAL),
                    (TsTzRange("blocked_from", "blocked_until"), RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=LIVE),
                violation_error_code="slot_taken",
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="reservation_ends_after_start"),
            models.CheckConstraint(
                condition=Q(blocked_from__lte=F("starts_at"), blocked_until__gte=F("ends_at")),
                name="reservation_claims_its_meeting",
            ),
            models.CheckConstraint(
                condition=~Q(status=ReservationStatus.HELD) | Q(expires_at__isnull=False),
                name="reservation_hold_expires",
            ),
            models.CheckConstraint(
                condition=Q(status=ReservationStatus.HELD) | Q(network__isnull=True),
                name="reservation_network_while_held",
            ),
        ]
        indexes = [
            models.Index(fields=["starts_at"], name="reservation_start"),
            models.Index(fields=["provider", "starts_at"], name="reservation_provider_start"),
            models.Index(fields=["client", "starts_at"], name="reservation_client_start"),
            models.Index(fields=["expires_at"], condition=Q(status="held"), name="reservation_expiry"),
            models.Index(
                fields=["provider", "expires_at"], condition=Q(status="held"), name="reservation_provider_expiry"
            ),
            models.Index(fields=["client", "expires_at"], condition=Q(status="held"), name="reservation_client_holds"),
            models.Index(
                fields=["network", "expires_at"],
                condition=Q(status="held", network__isnull=False),
                name="reservation_network_holds",
            ),
            BrinIndex(fields=["created_at"], name="reservation_made"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} UTC"

    def state(self, now: datetime) -> ReservationStatus:
        """Return the status that it has at a moment: a hold past its end is expired, tidied up or not (R9)."""
        status = ReservationStatus(self.status)
        if status == ReservationStatus.HELD and self.is_past_hold(now):
            return ReservationStatus.EXPIRED
        return status

    def is_past_hold(self, now: datetime) -> bool:
        """Return True if the time for which it was held is over, whatever became of it."""
        return self.expires_at is None or self.expires_at <= now

    @property
    def is_by_visitor(self) -> bool:
        """True for a hold of a visitor without a login: see `by_visitors`."""
        return self.created_by_id is None and self.face in BY_THEMSELVES and self.expires_at is not None

    @property
    def is_undecided(self) -> bool:
        """True for a hold of a person who chooses and has given no details yet: see `undecided`."""
        return not self.asked and (self.face == Source.PAGE or self.is_by_visitor)

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at

    def length_for(self, service: Service | None, minutes: int | None = None) -> timedelta:
        """Return the length of its meeting after a change: `minutes`, or that of another service, or the one it has."""
        if minutes:
            return timedelta(minutes=minutes)
        return service.duration if service and service != self.service else self.length

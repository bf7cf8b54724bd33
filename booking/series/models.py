"""Series: appointments that recur."""

from datetime import date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.actors import Source
from accounts.models import Client, Provider, User
from booking.reservations.enums import Override
from booking.reservations.models import visible_condition
from booking.series.rule import LONGEST_TEXT, Rule, read
from booking.services.models import MINUTES_A_DAY, Service
from scheduler_project.common.db.fields import OffsetsField
from scheduler_project.common.time.zones import to_utc, validate_timezone


class AppointmentSeriesQuerySet(models.QuerySet["AppointmentSeries"]):
    def active(self, *, now: datetime) -> Self:
        """Series that are neither cancelled nor over."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now), cancelled_at=None)

    def over(self, *, now: datetime) -> Self:
        """Series that are cancelled or over."""
        return self.filter(Q(ends_at__lte=now) | Q(cancelled_at__isnull=False))

    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Series that a user may see: staff all, a provider and a client their own."""
        permission = "booking.view_appointmentseries"
        sees_all = isinstance(user, User) and user.may(permission)
        return self if sees_all else self.filter(visible_condition(user, permission=permission))

    def detailed(self) -> Self:
        return self.select_related("provider", "client", "service")


class AppointmentSeries(models.Model):
    """A rule by which ordinary appointments are booked, up to the provider's booking horizon.

    It starts at `start_time` on `start_date` in `timezone`, and keeps that time of day there. An occurrence is named by
    the local date the rule gave it, even after it is moved.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="series", verbose_name=_("provider"))
    client = models.ForeignKey(Client, models.PROTECT, related_name="series", verbose_name=_("client"))
    service = models.ForeignKey(
        Service, models.PROTECT, null=True, blank=True, related_name="series", verbose_name=_("service")
    )
    title = models.CharField(
        _("title"), max_length=200, blank=True, help_text=_("Leave empty to use the service's name.")
    )
    description = models.TextField(_("description"), max_length=5000, blank=True)
    rrule = models.CharField(_("rule"), max_length=LONGEST_TEXT, help_text=_("A recurrence rule (RFC 5545)."))
    start_date = models.DateField(_("first day"))
    start_time = models.TimeField(_("time of day"))
    timezone = models.CharField(_("time zone"), max_length=64, validators=[validate_timezone])
    duration_minutes = models.PositiveSmallIntegerField(
        _("duration"), validators=[MinValueValidator(1), MaxValueValidator(MINUTES_A_DAY)], help_text=_("Minutes.")
    )
    exdates = ArrayField(
        models.DateField(),
        verbose_name=_("exceptions"),
        default=list,
        blank=True,
        help_text=_("Local dates of the rule that are left out."),
    )
    gaps = models.JSONField(
        _("gaps"), default=list, blank=True, help_text=_("Dates of the rule that could not be booked, and why.")
    )
    overrides = ArrayField(
        models.CharField(max_length=10, choices=Override), verbose_name=_("overrides"), default=list, blank=True
    )
    reminder_offsets = OffsetsField(
        _("reminders"), help_text=_("How long before the start, such as “1 day, 1 hour”. Unset: the service's.")
    )
    generated_until = models.DateTimeField(
        _("booked until"), help_text=_("Occurrences before this instant have been booked, or could not be.")
    )
    ends_at = models.DateTimeField(
        _("end"), null=True, blank=True, help_text=_("When the last occurrence ends. Leave empty for no end.")
    )
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, verbose_name=_("made by")
    )
    face = models.CharField(_("made through"), max_length=10, choices=Source)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))

    objects = AppointmentSeriesQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment series")
        verbose_name_plural = _("appointment series")
        ordering = ["-pk"]
        constraints = [models.CheckConstraint(condition=Q(duration_minutes__gte=1), name="series_takes_time")]
        indexes = [
            models.Index(fields=["generated_until"], condition=Q(cancelled_at__isnull=True), name="series_to_extend")
        ]

    def __str__(self) -> str:
        return self.title or str(self.service or self.rrule)

    def mark_changed(self, now: datetime) -> None:
        """Set `updated_at`, never backwards. The caller holds the schedule's lock, and saves."""
        self.updated_at = max(self.updated_at, now)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def rule(self) -> Rule:
        return read(self.rrule)

    @property
    def starts_local(self) -> datetime:
        """The start of the series in its timezone; naive."""
        return datetime.combine(self.start_date, self.start_time)

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.duration_minutes)

    def is_active(self, now: datetime) -> bool:
        """Return True if the series is neither cancelled nor over."""
        return self.cancelled_at is None and (self.ends_at is None or self.ends_at > now)

    def instant(self, day: date) -> datetime:
        """Return the UTC instant at which the occurrence of a local date begins."""
        return to_utc(datetime.combine(day, self.start_time), self.zone)

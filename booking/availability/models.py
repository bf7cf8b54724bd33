"""The availability of providers: a schedule's policy, weekly hours, dated changes to them, and slots."""

from datetime import datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import ExpressionWrapper, F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import VETTED, Provider, User
from booking.availability.enums import Weekday
from booking.services.models import Service
from scheduler_project.common.db.fields import OffsetsField
from scheduler_project.common.time.zones import day_interval, validate_timezone

SLOT_MINUTES = (5, 6, 10, 12, 15, 20, 30, 60)

POLICY = ("timezone", "slot_minutes", "notice_minutes", "horizon_days", "hold_minutes")
"""The columns of a schedule that decide how it is booked."""

SETTINGS = (*POLICY, "reminder_offsets")
"""The columns of a schedule that its provider decides: pages, API and admin have these, in this order."""


class OwnedQuerySet(models.QuerySet):
    """Rows of one provider's schedule; `provider_path` leads from the row to the provider."""

    provider_path = "schedule__provider"

    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Rows that a user may see: staff all, a provider their own."""
        if user is None or not user.is_authenticated:
            return self.none()
        permission = f"booking.view_{self.model._meta.model_name}"  # noqa: SLF001  (documented, whatever its name)
        return self if user.may(permission) else self.filter(user.as_provider(self.provider_path, permission))


class ScheduleQuerySet(OwnedQuerySet):
    provider_path = "provider"

    def drawn_back(self, *, now: datetime) -> Self:
        """Schedules of vetted providers whose slots end within the booking horizon, so that some are missing."""
        vetted = {f"provider__{fact}": True for fact in VETTED}
        days = ExpressionWrapper(F("horizon_days") * timedelta(days=1), models.DurationField())
        return self.filter(slots_until__lt=now + days, **vetted)


class Schedule(models.Model):
    """The bookable time of one provider, and its policy."""

    provider = models.OneToOneField(Provider, models.CASCADE, related_name="schedule", verbose_name=_("provider"))
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_timezone])
    slot_minutes = models.PositiveSmallIntegerField(
        _("slot length"),
        default=15,
        choices=[(minutes, str(minutes)) for minutes in SLOT_MINUTES],
        help_text=_("Minutes. Slots are aligned to the provider's local clock."),
    )
    notice_minutes = models.PositiveIntegerField(
        _("minimum notice"),
        default=24 * 60,
        validators=[MaxValueValidator(60 * 24 * 60)],
        help_text=_("Minutes between booking and the start, elapsed time."),
    )
    horizon_days = models.PositiveSmallIntegerField(
        _("booking horizon"),
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
        help_text=_("How many days of 24 hours ahead clients can book."),
    )
    hold_minutes = models.PositiveSmallIntegerField(
        _("hold time"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
        help_text=_("How many minutes an unconfirmed reservation is held."),
    )
    reminder_offsets = OffsetsField(
        _("reminders"),
        help_text=_("How long before the start, such as “1 day, 1 hour”. Empty: none; unset: the site's."),
    )
    slots_until = models.DateTimeField(
        _("slots until"), null=True, editable=False, help_text=_("Slots exist up to this moment.")
    )

    # Only on a locked schedule: that of its provider.
    provider_is_active: bool
    provider_is_vetted: bool

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ["provider__name", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(slot_minutes__in=SLOT_MINUTES), name="schedule_slot_divides_hour")
        ]

    def __str__(self) -> str:
        return str(self.provider)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def slot(self) -> timedelta:
        return timedelta(minutes=self.slot_minutes)

    def length_for(self, service: Service | None, minutes: int | None = None) -> timedelta:
        """Return the length of a meeting: `minutes`, or as long as the service takes, or one slot."""
        if minutes:
            return timedelta(minutes=minutes)
        return service.duration if service else self.slot

    @property
    def notice(self) -> timedelta:
        return timedelta(minutes=self.notice_minutes)

    @property
    def horizon(self) -> timedelta:
        return timedelta(days=self.horizon_days)

    @property
    def hold(self) -> timedelta:
        return timedelta(minutes=self.hold_minutes)


class WorkingHours(models.Model):
    """A weekly rule in local time. An end at or before the start lies on the next day; 24:00 is stored as 00:00."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="working_hours", verbose_name=_("schedule"))
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday, help_text=_("0 is Monday."))
    start_time = models.TimeField(_("start"))
    end_time = models.TimeField(_("end"))

    class Meta:
        verbose_name = _("working hours")
        verbose_name_plural = _("working hours")
        ordering = ["schedule", "weekday", "start_time"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="workinghours_weekday_is_one"),
            models.UniqueConstraint(
                fields=["schedule", "weekday", "start_time"], name="workinghours_start_once_per_weekday"
            ),
        ]

    def __str__(self) -> str:
        end = f"{self.end_time:%H:%M}" if self.end_time != time(0) else "24:00"
        return f"{self.get_weekday_display()} {self.start_time:%H:%M}–{end}"


class FormerHours(models.Model):
    """The weekly hours of a schedule until an instant, with the timezone and grid they had.

    Written whenever they change, so that past availability stays known. Rows are only ever added.
    """

    schedule = models.ForeignKey(
        Schedule, models.CASCADE, related_name="former_hours", db_index=False, verbose_name=_("schedule")
    )
    until = models.DateTimeField(_("until"))
    timezone = models.CharField(_("time zone"), max_length=64)
    slot_minutes = models.PositiveSmallIntegerField(_("slot length"))
    hours = models.JSONField(_("hours"), default=list, help_text=_("A list of [weekday, start, end]."))

    class Meta:
        verbose_name = _("former hours")
        verbose_name_plural = _("former hours")
        ordering = ["until", "pk"]
        indexes = [models.Index(fields=["schedule", "until"], name="formerhours_schedule_until")]

    def __str__(self) -> str:
        return f"{self.until:%Y-%m-%d %H:%M} UTC"


class DateOverride(models.Model):
    """The hours of one local date, in place of the weekly ones that start on it. No hours: closed that day."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="date_overrides", verbose_name=_("schedule"))
    date = models.DateField(_("date"))
    hours = models.JSONField(
        _("hours"), default=list, blank=True, help_text=_("A list of [start, end], such as [[“09:00”, “12:30”]].")
    )

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("date override")
        verbose_name_plural = _("date overrides")
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["schedule", "date"], name="dateoverride_once_per_date")]

    def __str__(self) -> str:
        return f"{self.date}"


class AvailabilityWindow(models.Model):
    """A dated, one-off stretch of availability, added to the hours."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="windows", verbose_name=_("schedule"))
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("availability window")
        verbose_name_plural = _("availability windows")
        ordering = ["starts_at"]
        indexes = [models.Index(fields=["schedule", "ends_at"], name="window_schedule_end")]
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="window_ends_after_start")]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M}–{self.ends_at:%Y-%m-%d %H:%M} UTC"


class Absence(models.Model):
    """A dated stretch without availability: two instants, or whole local days (both included)."""

    starts_at = models.DateTimeField(_("start"), null=True, blank=True)
    ends_at = models.DateTimeField(_("end"), null=True, blank=True)
    start_date = models.DateField(_("first day"), null=True, blank=True)
    end_date = models.DateField(_("last day"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True, help_text=_("Not shown to clients."))

    class Meta:
        abstract = True

    def __str__(self) -> str:
        if self.start_date is not None:
            return f"{self.start_date}–{self.end_date}"
        return f"{self.starts_at:%Y-%m-%d %H:%M}–{self.ends_at:%Y-%m-%d %H:%M} UTC"

    def interval(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the absence in UTC. Whole days are those of `zone`."""
        if self.start_date is not None and self.end_date is not None:
            return day_interval(self.start_date, zone)[0], day_interval(self.end_date, zone)[1]
        assert self.starts_at is not None and self.ends_at is not None
        return self.starts_at, self.ends_at


ONE_KIND_OF_STRETCH = Q(
    starts_at__isnull=False,
    ends_at__isnull=False,
    ends_at__gt=F("starts_at"),
    start_date__isnull=True,
    end_date__isnull=True,
) | Q(
    starts_at__isnull=True,
    ends_at__isnull=True,
    start_date__isnull=False,
    end_date__isnull=False,
    end_date__gte=F("start_date"),
)
"""The condition of a valid absence.

It names every column: a comparison with NULL is not false, and such a check passes.
"""


class TimeOff(Absence):
    """Time during which one provider is away. It beats hours, overrides and windows."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="time_off", verbose_name=_("schedule"))

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("time off")
        verbose_name_plural = _("time off")
        ordering = ["start_date", "starts_at", "pk"]
        constraints = [models.CheckConstraint(condition=ONE_KIND_OF_STRETCH, name="timeoff_one_kind_of_stretch")]


class Closure(Absence):
    """Time during which the whole business is closed: time off for all providers, whole days in their own timezones."""

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["start_date", "starts_at", "pk"]
        constraints = [models.CheckConstraint(condition=ONE_KIND_OF_STRETCH, name="closure_one_kind_of_stretch")]


class SlotsVersion(models.Model):
    """A number that grows with every change of a provider's slots, in the same transaction.

    It is no column of the schedule, whose changes the audit log records. A provider without a row has 0.
    """

    provider = models.OneToOneField(
        Provider, models.CASCADE, primary_key=True, related_name="+", verbose_name=_("provider")
    )
    version = models.BigIntegerField(_("version"))

    class Meta:
        verbose_name = _("version of slots")
        verbose_name_plural = _("versions of slots")

    def __str__(self) -> str:
        return str(self.version)


class Slot(models.Model):
    """One cell of a provider's grid, free or claimed by one reservation.

    A claimed slot that no longer lies in the provider's hours is `withdrawn`: it stays for its reservation and goes
    with it.
    """

    provider = models.ForeignKey(
        Provider, models.CASCADE, related_name="slots", db_index=False, verbose_name=_("provider")
    )
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    reservation = models.ForeignKey(
        "booking.Reservation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="slots",
        db_index=False,
        verbose_name=_("reservation"),
    )
    withdrawn = models.BooleanField(_("withdrawn"), default=False)

    class Meta:
        verbose_name = _("slot")
        verbose_name_plural = _("slots")
        ordering = ["starts_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "starts_at"], name="slot_once_per_provider_and_start"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="slot_ends_after_start"),
            models.CheckConstraint(
                condition=Q(withdrawn=False) | Q(reservation__isnull=False), name="slot_withdrawn_only_while_claimed"
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider", "starts_at"],
                include=["id", "ends_at"],
                condition=Q(reservation__isnull=True),
                name="slot_free",
            ),
            models.Index(fields=["reservation"], condition=Q(reservation__isnull=False), name="slot_reservation"),
            models.Index(fields=["reservation"], condition=Q(withdrawn=True), name="slot_withdrawn"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} UTC"

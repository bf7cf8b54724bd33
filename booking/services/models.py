"""Services."""

from datetime import timedelta
from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Provider, User
from accounts.providers.models import published
from scheduler_project.common.currencies import amount, currency_choices
from scheduler_project.common.db.fields import OffsetsField
from scheduler_project.common.db.references import ReferenceField
from scheduler_project.common.db.translations import TranslatedModel
from scheduler_project.common.pictures.models import PictureField
from scheduler_project.common.site.queries import site_settings
from scheduler_project.common.time.intervals import MINUTE

MINUTES_A_DAY = 24 * 60

SETTINGS = (
    "name",
    "description",
    "preparation",
    "price",
    "currency",
    "duration_minutes",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "needs_approval",
    "reminder_offsets",
    "is_active",
)
"""The columns that its owner decides: forms, API, admin, imports and exports have these, in this order."""


class ServiceQuerySet(models.QuerySet["Service"]):
    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Services that a user may see.

        Everybody sees active ones of the business and of published providers; a provider also their own; staff all.
        """
        public = Q(is_active=True) & (Q(owner=None) | published("owner__"))
        if user is not None and user.is_authenticated:
            if user.may("booking.view_service"):
                return self
            rows = self.filter(public | user.as_provider("owner", "booking.view_service"))
            only = user.only_provider_id
            return rows if only is None else rows.filter(Q(owner=only) | Q(pk__in=self.offered_by(only)))
        return self.filter(public)

    def editable_by(self, user: User | AnonymousUser | None) -> Self:
        """Services that a user may change: staff all, a provider those they own."""
        if user is None or not user.is_authenticated:
            return self.none()
        mine = user.as_provider("owner", "booking.change_service")
        return self if user.may("booking.change_service") else self.filter(mine)

    def offered_by(self, provider_id: int) -> Self:
        return self.filter(providers=provider_id)


class Service(TranslatedModel):
    """Something that can be booked. One provider owns it, or (`owner` empty) the business, whose staff change it."""

    translated = ("name", "description", "preparation")

    owner = models.ForeignKey(
        Provider, models.CASCADE, null=True, blank=True, related_name="owned_services", verbose_name=_("owner")
    )
    providers = models.ManyToManyField(
        Provider, related_name="services", verbose_name=_("providers"), help_text=_("Who offers it."), blank=True
    )
    name = models.CharField(_("name"), max_length=150)
    description = models.TextField(_("description"), max_length=5000, blank=True)
    preparation = models.TextField(
        _("preparation"),
        max_length=2000,
        blank=True,
        default="",
        db_default="",
        help_text=_("What clients should bring or do beforehand. Shown on the booking page and in emails."),
    )
    price = models.DecimalField(
        _("price"),
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Shown to clients. We don't charge it."),
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        blank=True,
        default="",
        db_default="",
        choices=currency_choices,
        help_text=_("Empty: the site's."),
    )
    photo = PictureField(verbose_name=_("photo"))
    duration_minutes = models.PositiveSmallIntegerField(
        _("duration"), validators=[MinValueValidator(1), MaxValueValidator(MINUTES_A_DAY)], help_text=_("Minutes.")
    )
    buffer_before_minutes = models.PositiveSmallIntegerField(
        _("buffer before"), default=0, validators=[MaxValueValidator(MINUTES_A_DAY)], help_text=_("Minutes.")
    )
    buffer_after_minutes = models.PositiveSmallIntegerField(
        _("buffer after"), default=0, validators=[MaxValueValidator(MINUTES_A_DAY)], help_text=_("Minutes.")
    )
    needs_approval = models.BooleanField(
        _("requires approval"), default=False, help_text=_("A client's booking waits until the provider approves it.")
    )
    reminder_offsets = OffsetsField(
        _("reminders"),
        help_text=_("How long before the start, such as “1 day, 1 hour”. Leave empty to use the provider's setting."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    reference = ReferenceField(_("reference"))

    objects = ServiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(duration_minutes__gte=1), name="service_takes_time"),
            models.CheckConstraint(condition=Q(price=None) | Q(price__gte=0), name="service_price_is_not_negative"),
            models.UniqueConstraint(
                fields=["owner", "reference"],
                condition=Q(owner__isnull=False),
                name="service_reference_once_per_owner",
            ),
            models.UniqueConstraint(
                fields=["reference"], condition=Q(owner__isnull=True), name="service_reference_once_without_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def price_text(self) -> str:
        """The price in the active language, such as “45.00 €”; empty without one."""
        return "" if self.price is None else amount(self.price, self.currency or site_settings().currency)

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.duration_minutes)

    @property
    def buffer_before(self) -> timedelta:
        return timedelta(minutes=self.buffer_before_minutes)

    @property
    def buffer_after(self) -> timedelta:
        return timedelta(minutes=self.buffer_after_minutes)


def with_length(length: timedelta, service: Service | None) -> Service:
    """Return a service that takes so long, with the buffers of another, to look for free times of that length."""
    known = service or Service()
    return Service(
        pk=known.pk,
        duration_minutes=length // MINUTE,
        buffer_before_minutes=known.buffer_before_minutes,
        buffer_after_minutes=known.buffer_after_minutes,
    )

"""The stored grid of a provider's time."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Provider
from booking.models.reservations import Reservation


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
        Reservation,
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

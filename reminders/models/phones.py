"""Codes by which a phone proves whose it is."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from accounts.models import Client


class PhoneCodeQuerySet(models.QuerySet["PhoneCode"]):
    def due(self, *, now: datetime) -> Self:
        """Those to be sent by now, the one that has waited longest first."""
        return self.filter(next_at__lte=now).order_by("next_at")


class PhoneCode(models.Model):
    """A code that was asked for a client's phone; asking again replaces it.

    No code is kept: it is made when it is sent, and a keyed digest of it stays. `next_at` is when it may next be tried
    to be sent, or while it is being sent, when another may try; null once it is sent.
    """

    client = models.OneToOneField(Client, models.CASCADE, related_name="phone_code", verbose_name=_("client"))
    phone = PhoneNumberField(_("phone"))
    digest = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, db_index=True)

    objects = PhoneCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("phone code")
        verbose_name_plural = _("phone codes")

    def __str__(self) -> str:
        return str(self.phone)

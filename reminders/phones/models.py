"""Codes that verify a phone number."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from accounts.models import Client


class PhoneCodeQuerySet(models.QuerySet["PhoneCode"]):
    def due(self, *, now: datetime) -> Self:
        """Codes to send by now, the longest waiting first."""
        return self.filter(next_at__lte=now).order_by("next_at")


class PhoneCode(models.Model):
    """A code requested for a client's phone; a new request replaces it.

    The code is generated when it is sent, and only its keyed digest is stored. `next_at` is the next attempt to send,
    or, during an attempt, the time from which another worker may try; null once it is sent.
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

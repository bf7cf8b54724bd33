"""Verification and approval of registered providers, and the mails about it."""

from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.mails.operations import owe
from accounts.models import Provider
from accounts.signals import provider_vetted
from scheduler_project.common.operations import operation
from scheduler_project.common.site.queries import site_settings


def decide(provider: Provider, *, approved: bool, now: datetime, reason: str = "") -> None:
    """Save the decision of staff about a provider, and notify them by mail. The caller holds the row's lock.

    An approved provider is published and may write to others, once their email is verified. A declined provider sends
    no more messages; their appointments stay. Repeating a decision changes nothing.
    """
    wanted = (approved, "" if approved else reason)
    if (provider.is_approved, provider.decline_reason) == wanted and (approved or provider.declined_at):
        return
    provider.is_approved, provider.decline_reason = wanted
    provider.declined_at = None if approved else now
    provider.save(update_fields=["is_approved", "declined_at", "decline_reason"])
    _tell(provider, now)
    if provider.is_vetted:
        _vetted(provider, now)


@operation
def note_verified(*, user_id: int, now: datetime) -> None:
    """Record that a login has verified its email. A later change of email does not undo that."""
    rows = Provider.objects.select_for_update(of=("self",), no_key=True)
    provider = rows.filter(user=user_id, is_verified=False).first()
    if provider is None:
        return
    provider.is_verified = True
    provider.save(update_fields=["is_verified"])
    if provider.is_vetted:
        _vetted(provider, now)


def _vetted(provider: Provider, now: datetime) -> None:
    """Trust the phone numbers the provider entered, for clients without a login of their own."""
    kept = provider.clients.filter(user=None).exclude(phone=F("verified_phone"))
    kept.order_by().update(verified_phone=F("phone"))
    provider_vetted.send(Provider, provider=provider, now=now)


def _tell(provider: Provider, now: datetime) -> None:
    """Mail the decision to the provider, if they have a login."""
    user = provider.user
    if user is None or not user.is_active:
        return
    with override(user.language or settings.LANGUAGE_CODE):
        context = {
            "provider": provider,
            "site_name": site_settings().title,
            "link": settings.SITE_URL + reverse("after-login"),
        }
        subject = (
            _("You've been approved at %(site)s")
            if provider.is_approved
            else _("You haven't been approved at %(site)s")
        )
        text = render_to_string("accounts/provider_decided.txt", context).strip()
        owe(to=user.email, subject=subject % {"site": " ".join(site_settings().title.split())}, text=text, now=now)

"""A client's reminder preferences: channels, language, quiet hours and opt-outs."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.clients.operations import edit_client
from accounts.models import Client, User
from booking.views.access import actor_of, client_page, login_of
from reminders.channels.registry import personal, personal_channels
from reminders.enums import OptOutSource
from reminders.phones.forms import PhoneCodeForm
from reminders.phones.views import verify
from reminders.preferences.forms import RemindersForm
from reminders.preferences.operations import (
    addresses_of,
    opt_out_as,
    preferences_of,
    set_preferences,
    withdraw_own_opt_out,
)
from reminders.skip_reasons import reason_in_words
from scheduler_project.common.errors import DomainError, NotFound


@client_page
def reminders(request: HttpRequest, client: Client) -> HttpResponse:
    now = timezone.now()
    actor = actor_of(request)
    action = request.POST.get("do")
    if action in ("stop", "back"):
        stop_or_take_back(action, request.POST.get("channel", ""), login_of(request), actor=actor, now=now)
        return HttpResponseRedirect(reverse("my-reminders"))
    code = PhoneCodeForm(request.POST if action == "verify" else None)
    if action in ("code", "verify"):
        refused = verify(request, client, code, actor=actor, now=now)
        if refused is not None or not code.errors:
            return refused or HttpResponseRedirect(reverse("my-reminders"))
    sent = request.POST if request.POST and action != "verify" else None
    form = RemindersForm(sent, client=client, preferences=preferences_of(client))
    if form.is_bound and form.is_valid():
        try:
            save(form, client, actor=actor, now=now)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error.message))
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(reverse("my-reminders"))
    context = {
        "form": form,
        "code": code,
        "client": client,
        "addresses": addresses(client, login_of(request), actor),
        "tab": "reminders",
    }
    return render(request, "reminders/client_preferences.html", context)


def save(form: RemindersForm, client: Client, *, actor: Actor, now: datetime) -> None:
    set_preferences(client_id=client.pk, changes=form.changes, actor=actor, now=now)
    if "phone" in form.changed_data:
        edit_client(client_id=client.pk, changes={"phone": form.cleaned_data["phone"] or ""}, actor=actor)


def stop_or_take_back(action: str, channel: str, login: User, *, actor: Actor, now: datetime) -> None:
    """Opt the login's address on a channel out, or withdraw the opt-out."""
    if channel not in personal_channels():
        raise NotFound
    address = personal(channel).address_of_login(login)
    if action == "stop":
        opt_out_as(channel=channel, address=address, actor=actor, now=now)
    else:
        withdraw_own_opt_out(channel=channel, address=address, actor=actor, now=now)


def addresses(client: Client, login: User, actor: Actor) -> list[dict[str, Any]]:
    """Return the client's addresses, the obstacles to using them, and whether the client can remove these here."""
    return [
        {
            "name": row.channel,
            "channel": personal(row.channel).label,
            "address": row.address,
            "is_told": row.is_told,
            "standing": row.opt_out,
            "theirs": row.address == personal(row.channel).address_of_login(login),
            "words": personal(row.channel).opt_out_words,
            "withheld": reason_in_words(personal(row.channel).refusal(client)),
            "stopped_by_sms": row.opt_out is not None and row.opt_out.source == OptOutSource.SMS,
        }
        for row in addresses_of(client, actor)
    ]

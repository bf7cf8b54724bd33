"""One-click unsubscribe. GET shows and POST changes, so that programs that prefetch a link change nothing."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from reminders.channels.registry import personal
from reminders.enums import OptOutSource
from reminders.preferences.links import opting_out
from reminders.preferences.operations import opt_out, standing_opt_out, withdraw_standing
from scheduler_project.common.pages.base import secret_page


@csrf_exempt
@secret_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Opt the link's address out, or withdraw the opt-out.

    A mail program posts `List-Unsubscribe=One-Click` without cookies, and so without a CSRF token (RFC 8058 §3.1); the
    signed address authorizes it. Browsers post the form.
    """
    channel, address = opting_out(token)
    if request.method == "POST" and request.POST.get("List-Unsubscribe") == "One-Click":
        opt_out(channel=channel, address=address, source=OptOutSource.ONE_CLICK, now=timezone.now())
        return HttpResponse(status=200)
    return form(request, channel, address)


@csrf_protect
def form(request: HttpRequest, channel: str, address: str) -> HttpResponse:
    now = timezone.now()
    standing = standing_opt_out(channel=channel, address=address)
    if request.method == "POST":
        action = request.POST.get("do")
        if action == "stop":
            opt_out(channel=channel, address=address, source=OptOutSource.LINK, now=now)
        elif action == "back" and standing is not None:
            withdraw_standing(standing, now=now)
        return HttpResponseRedirect(request.path)
    context = {
        "address": address,
        "words": personal(channel).opt_out_words,
        "stops_all": personal(channel).opt_out_stops_notices,
        "standing": standing,
        "can_take_back": standing is not None and standing.source != OptOutSource.SMS,
    }
    return render(request, "reminders/unsubscribe.html", context)

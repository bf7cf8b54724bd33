"""The secret address by which programs subscribe to a calendar, a provider's or a client's: made, renewed, revoked."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Client
from booking.links import feed_link
from booking.models import CalendarFeed, Schedule
from booking.operations.feeds import close_feed, open_feed, renew_feed
from booking.views.access import actor_of, client_page, desk_page


@client_page
def mine(request: HttpRequest, client: Client) -> HttpResponse:
    return _subscribing(request, "booking/mine/calendar.html", client_id=client.pk)


@desk_page
def desk(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    return _subscribing(request, "booking/desk/calendar_address.html", provider_id=schedule.provider_id)


def _subscribing(request: HttpRequest, template: str, **owner: Any) -> HttpResponse:
    feed = CalendarFeed.objects.filter(**owner).first()
    if request.method == "POST":
        deed, now, actor = request.POST.get("do"), timezone.now(), actor_of(request)
        if deed == "open":
            open_feed(**owner, actor=actor, now=now)
        elif deed == "renew" and feed:
            renew_feed(feed_id=feed.pk, actor=actor, now=now)
            messages.success(request, _("The old address leads nowhere from now on. Give your programs the new one."))
        elif deed == "close" and feed:
            close_feed(feed_id=feed.pk, actor=actor)
            messages.success(request, _("The address leads nowhere from now on."))
        return HttpResponseRedirect(request.path)
    return render(request, template, {"feed": feed, "address": feed and feed_link(feed)})

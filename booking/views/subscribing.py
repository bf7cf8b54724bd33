"""A client's own calendar feed: its secret address."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Client
from booking.links import feed_link
from booking.models import CalendarFeed
from booking.operations.feeds import close_feed, open_feed, renew_feed
from booking.views.access import actor_of, client_page


@client_page
def calendar(request: HttpRequest, client: Client) -> HttpResponse:
    """Open, renew and close the feed."""
    now = timezone.now()
    actor = actor_of(request)
    feed = CalendarFeed.objects.filter(client=client).first()
    if request.method == "POST":
        deed = request.POST.get("do")
        if deed == "open":
            open_feed(client_id=client.pk, actor=actor, now=now)
        elif deed == "renew" and feed:
            renew_feed(feed_id=feed.pk, actor=actor, now=now)
            messages.success(request, _("The old address leads nowhere from now on. Give your programs the new one."))
        elif deed == "close" and feed:
            close_feed(feed_id=feed.pk, actor=actor)
            messages.success(request, _("The address leads nowhere from now on."))
        return HttpResponseRedirect(reverse("my-calendar"))
    return render(request, "booking/mine/calendar.html", {"feed": feed, "address": feed and feed_link(feed)})

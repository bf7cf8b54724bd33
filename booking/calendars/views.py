"""The addresses of calendar feeds, and the pages of a provider and a client about theirs."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import etag, require_safe

from accounts.models import Client
from booking.calendars.icalendar import to_feed
from booking.calendars.operations import close_feed, open_feed, renew_feed
from booking.calendars.queries import feed_appointments, feed_etag
from booking.links import feed_link
from booking.models import CalendarFeed, Schedule
from booking.views.access import actor_of, client_page, provider_page


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """Answer a calendar feed. If the ETag is unchanged, answer 304 without writing the file."""
    now = timezone.now()
    row = CalendarFeed.objects.readable().select_related("provider", "client").filter(token=token).first()
    if row is None:
        raise Http404
    tag = feed_etag(row, now)

    @etag(lambda *_: tag)
    def answer(request: HttpRequest) -> HttpResponse:
        rows = feed_appointments(row, now).detailed().order_by("reservation__starts_at", "pk")
        return HttpResponse(
            to_feed(row, rows),
            content_type="text/calendar; charset=utf-8",
            headers={"Content-Disposition": 'inline; filename="calendar.ics"'},
        )

    response = answer(request)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@client_page
def client_feed(request: HttpRequest, client: Client) -> HttpResponse:
    return _subscribing(request, "booking/client/calendar.html", client_id=client.pk)


@provider_page
def provider_feed(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    return _subscribing(request, "booking/dashboard/calendar_address.html", provider_id=schedule.provider_id)


def _subscribing(request: HttpRequest, template: str, **owner: Any) -> HttpResponse:
    feed = CalendarFeed.objects.filter(**owner).first()
    if request.method == "POST":
        action, now, actor = request.POST.get("do"), timezone.now(), actor_of(request)
        if action == "open":
            open_feed(**owner, actor=actor, now=now)
        elif action == "renew" and feed:
            renew_feed(feed_id=feed.pk, actor=actor, now=now)
            messages.success(
                request, _("Link reset. The old link no longer works: add the new one to your calendar apps.")
            )
        elif action == "close" and feed:
            close_feed(feed_id=feed.pk, actor=actor)
            messages.success(request, _("Link removed. It no longer works."))
        return HttpResponseRedirect(request.path)
    return render(request, template, {"feed": feed, "address": feed and feed_link(feed)})

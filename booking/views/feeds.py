"""Calendars to subscribe to."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import etag, require_safe

from booking import queries
from booking.calendars import to_feed
from booking.models import CalendarFeed


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """A calendar to subscribe to. Who has it already, by its ETag, is told so without its being written anew."""
    now = timezone.now()
    row = CalendarFeed.objects.readable().select_related("provider", "client").filter(token=token).first()
    if row is None:
        raise Http404
    tag = queries.feed_etag(row, now)

    @etag(lambda *_: tag)
    def answer(request: HttpRequest) -> HttpResponse:
        rows = queries.feed_appointments(row, now).detailed().order_by("reservation__starts_at", "pk")
        return HttpResponse(
            to_feed(row, rows),
            content_type="text/calendar; charset=utf-8",
            headers={"Content-Disposition": 'inline; filename="calendar.ics"'},
        )

    response = answer(request)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response

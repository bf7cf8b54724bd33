"""Extending series up to the horizon."""

from datetime import datetime

from accounts.actors import Actor
from booking.availability.locks import locked_schedule
from booking.models import AppointmentSeries
from booking.reservations.claims import offered
from booking.series.operations.booker import SeriesBooker, end_of_booking
from booking.services.errors import ServiceNotOffered
from scheduler_project.common.operations import each_by_itself, operation


@operation
def extend_series(*, series_id: int, now: datetime, actor: Actor) -> int:
    """Book what has come within the booking horizon since last time. Return the number of appointments booked.

    Conflicts are skipped and noted in `gaps`. A second call does nothing. Series of a provider who takes no bookings
    wait until they do. Neither side is notified: both asked for the series, and are reminded.
    """
    series = AppointmentSeries.objects.detailed().filter(pk=series_id).first()
    if series is None:
        return 0
    schedule = locked_schedule(series.provider_id)
    series.refresh_from_db()
    until = end_of_booking(schedule, now)
    takes_bookings = schedule.provider_is_active and schedule.provider_is_vetted
    if series.cancelled_at or not takes_bookings or until <= series.generated_until:
        return 0
    service, refused = None, None
    try:
        service = offered(schedule, series.service_id, actor)
    except ServiceNotOffered as refusal:
        refused = refusal
    work = SeriesBooker(schedule, series, service, actor, now)
    work.book_between(series.generated_until, until, refused)
    series.generated_until = until
    work.write_gaps()
    series.save(update_fields=["generated_until", "gaps"])
    return len(work.change.booked)


def extend_all_series(*, now: datetime, actor: Actor) -> int:
    """Extend every active series, each in its own transaction. Return the number of appointments booked.

    A series that fails waits for the next round.
    """

    def extend(key: int) -> int:
        return extend_series(series_id=key, now=now, actor=actor)

    keys = list(AppointmentSeries.objects.active(now=now).order_by("pk").values_list("pk", flat=True))
    return sum(each_by_itself(extend, keys, what="Extending series").values())

"""One answer to how long a meeting is."""

from datetime import timedelta

import pytest

from booking.models import Schedule, Service
from booking.services.models import with_length
from tests.factories import ReservationFactory, ServiceFactory, minutes

HOUR = Service(duration_minutes=60, buffer_before_minutes=5, buffer_after_minutes=10)


@pytest.mark.parametrize(
    ("service", "said", "lasts"), [(None, None, 20), (HOUR, None, 60), (HOUR, 45, 45), (None, 45, 45)]
)
def test_meeting_takes_what_is_said_or_the_service_or_one_slot(service, said, lasts):
    assert Schedule(slot_minutes=20).length_for(service, said) == minutes(lasts)


@pytest.mark.parametrize("said", [None, 45])
def test_change_keeps_the_length_unless_the_service_or_a_length_is_another(db, said):
    own, other = ServiceFactory(duration_minutes=30), ServiceFactory(duration_minutes=60)
    reservation = ReservationFactory(service=own)
    reservation.ends_at = reservation.starts_at + minutes(50)

    kept = [reservation.length_for(service, said) for service in (own, None, other)]

    assert kept == [minutes(said or 50), minutes(said or 50), minutes(said or 60)]


@pytest.mark.parametrize(("service", "buffers"), [(HOUR, (5, 10)), (None, (0, 0))])
def test_search_for_a_length_keeps_the_buffers_of_the_service(service, buffers):
    made = with_length(timedelta(minutes=25), service)

    assert (made.duration_minutes, made.buffer_before_minutes, made.buffer_after_minutes) == (25, *buffers)

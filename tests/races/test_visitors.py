"""Two visitors take the same time on the pages."""

import pytest
import time_machine
from django.test import Client as Browser

from booking.models import Reservation
from tests.factories import NOON, ServiceFactory, open_provider
from tests.html import times_of
from tests.looking import broken_promises
from tests.races.running import together

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_of_two_visitors_gets_the_time_and_the_other_is_offered_others():
    with time_machine.travel(NOON, tick=False):
        provider = open_provider(horizon_days=3)
        service = ServiceFactory(providers=[provider])
        path, sent = f"/p/{provider.slug}/book/{service.pk}/", {"at": f"{provider.pk}@2026-03-03T12:00:00Z"}

        answers = together(*[lambda: Browser().post(path, sent)] * 2)

    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (302, 409)
    assert won.headers["Location"].startswith("/h/")
    assert len(times_of(lost)) == 3
    assert Reservation.objects.count() == 1
    assert broken_promises() == {}

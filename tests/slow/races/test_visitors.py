"""Two visitors take the same time on the pages, one takes two times at once, and a network takes many."""

import pytest
import time_machine
from django.test import Client as Browser

from booking.models import Reservation
from booking.reservations import claims
from booking.reservations import operations as reservations
from booking.reservations.guests import hold_as_visitor
from booking.reservations.operations import reserve
from scheduler_project.common.db.references import new_reference
from tests.factories import NOON, ClientFactory, ServiceFactory, actor_of, at, minutes, open_provider
from tests.html import times_of
from tests.looking import broken_promises
from tests.slow.races.running import everybody_looks_first, nobody_commits_first, together

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


# --- Two taps at once -------------------------------------------------------------------------------------------------

TIMES = [at("2026-03-04 09:00") + minutes(60 * number) for number in range(4)]


def taps(visitor, starts, providers=None):
    """Return functions for one visitor's taps on all of these times at once."""
    providers = providers or [open_provider(horizon_days=3)] * len(starts)
    return [
        lambda provider=provider, start=start: hold_as_visitor(
            provider_id=provider.pk, service_id=None, starts_at=start, visitor=visitor, timezone="UTC", now=NOON
        )
        for provider, start in zip(providers, starts, strict=True)
    ]


def test_visitor_who_taps_times_at_once_for_the_first_time_ends_with_one_hold():
    answers = together(*taps(new_reference(), TIMES))

    assert (answers.kinds(), answers.sqlstates) == ({"Reservation": 4}, [])
    assert Reservation.objects.held(now=NOON).count() == 1
    assert broken_promises() == {}


def test_control_visitors_who_tap_at_once_end_with_a_hold_each():
    provider = open_provider(horizon_days=3)

    together(*[taps(new_reference(), [start], [provider])[0] for start in TIMES])

    assert Reservation.objects.held(now=NOON).count() == 4


def tap_twice_at_once(*, locks):
    """A visitor who holds a time taps two others at once."""
    visitor, providers = new_reference(), [open_provider(horizon_days=3) for _ in range(3)]
    [first, *others] = taps(visitor, TIMES[:3], providers)
    first()
    if locks:
        return together(*others)
    with everybody_looks_first(reservations, "release_claim", 2):
        return together(*others, locks=False)


def test_visitor_who_taps_two_others_at_once_ends_with_one_hold():
    answers = tap_twice_at_once(locks=True)

    assert (answers.kinds(), answers.sqlstates) == ({"Reservation": 2}, [])
    assert Reservation.objects.held(now=NOON).count() == 1
    assert broken_promises() == {}


def test_control_without_lock_a_visitor_who_taps_two_others_at_once_holds_both():
    tap_twice_at_once(locks=False)

    assert Reservation.objects.held(now=NOON).count() == 2


def test_visitors_who_swap_providers_never_deadlock():
    providers = [open_provider(horizon_days=3) for _ in range(2)]
    crossing = []
    for number, start in enumerate(TIMES):
        [here, there] = taps(new_reference(), [start, start + minutes(15)], providers[:: 1 if number % 2 else -1])
        here()
        crossing.append(there)

    answers = together(*crossing)

    assert (answers.kinds(), answers.sqlstates) == ({"Reservation": 4}, [])
    assert broken_promises() == {}


# --- One network ------------------------------------------------------------------------------------------------------


def hold_from_one_network(number):
    """That many clients of one network, about to hold a time of another provider each."""

    def holding(provider, client, actor):
        return lambda: reserve(
            provider_id=provider.pk,
            client_id=client.pk,
            starts_at=TIMES[0],
            actor=actor,
            now=NOON,
            network="192.0.2.1",
        )

    return [
        holding(open_provider(horizon_days=3, slot_minutes=60), client, actor_of(client))
        for client in ClientFactory.create_batch(number)
    ]


def test_network_that_holds_many_times_at_once_gets_as_many_as_it_may(settings):
    settings.MAX_LIVE_HOLDS_PER_NETWORK = 3

    answers = together(*hold_from_one_network(6))

    assert answers.kinds() == {"Reservation": 3, "TooManyHoldsInNetwork": 3}
    assert answers.sqlstates == []


def test_control_without_lock_a_network_gets_as_many_holds_as_it_asks_for_at_once(settings, monkeypatch):
    settings.MAX_LIVE_HOLDS_PER_NETWORK = 3
    unlocked = "SELECT id FROM accounts_client WHERE %s IS NOT NULL AND id = %s"
    monkeypatch.setattr(claims, "LOCK_CLIENT_AND_NETWORK", unlocked)
    functions = hold_from_one_network(6)

    with nobody_commits_first(claims, "_take", 6):
        answers = together(*functions)

    assert answers.kinds() == {"Reservation": 6}

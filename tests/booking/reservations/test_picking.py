"""A visitor choosing on a page holds one time until they decide (R9), and a network has a maximum of holds (R19)."""

import pytest
from django.db import IntegrityError

from accounts.actors import Actor, Source
from accounts.models import Client
from booking.appointments.operations import confirm
from booking.models import Reservation
from booking.reservations.errors import OutsideHours, SlotTaken, TooManyHolds, TooManyHoldsInNetwork
from booking.reservations.guests import give_details, hold_as_visitor
from booking.reservations.operations import expire_due, pick, release, reserve
from reminders.models import Message
from scheduler_project.common.db.references import new_reference
from tests.factories import (
    NOON,
    ClientFactory,
    ServiceFactory,
    actor_of,
    at,
    hold,
    minutes,
    open_provider,
)
from tests.looking import broken_promises

pytestmark = pytest.mark.django_db

NINE, TEN = at("2026-03-04 09:00"), at("2026-03-04 10:00")
OFFICE = "192.0.2.1"


@pytest.fixture
def visitor():
    return new_reference()


def visit(provider, start, visitor, **arguments):
    arguments = {"service_id": None, "timezone": "UTC", "now": NOON} | arguments
    return hold_as_visitor(provider_id=provider.pk, starts_at=start, visitor=visitor, **arguments)


def decide(held, now=NOON, email="ada@example.org"):
    said = {"name": "Ada", "email": email, "phone": "", "note": "", "by_sms": False, "language": "en"}
    return give_details(reservation_id=held.pk, now=now, **said)


def held_starts():
    return list(Reservation.objects.held(now=NOON).order_by("starts_at").values_list("starts_at", flat=True))


# --- One undecided hold -----------------------------------------------------------------------------------------------


def test_second_pick_moves_the_hold(provider, visitor):
    first = visit(provider, NINE, visitor)

    second = visit(provider, TEN, visitor)

    assert held_starts() == [TEN]
    assert second.client == first.client
    assert Reservation.objects.get(pk=first.pk).status == "released"
    assert broken_promises() == {}


def test_second_pick_moves_the_hold_to_another_provider(provider, visitor):
    other = open_provider(horizon_days=5)
    visit(provider, NINE, visitor)

    visit(other, NINE, visitor)

    assert Reservation.objects.held(now=NOON).get().provider == other
    assert broken_promises() == {}


def test_second_pick_may_overlap_the_first(provider, visitor):
    service = ServiceFactory(duration_minutes=60, providers=[provider])
    visit(provider, NINE, visitor, service_id=service.pk)

    visit(provider, NINE + minutes(15), visitor, service_id=service.pk)

    assert held_starts() == [NINE + minutes(15)]
    assert broken_promises() == {}


def test_same_pick_finds_the_hold_as_it_is(provider, visitor):
    first = visit(provider, NINE, visitor)

    again = visit(provider, NINE, visitor, now=NOON + minutes(5))

    assert (again, again.expires_at) == (first, first.expires_at)
    assert Reservation.objects.count() == 1


def test_same_time_for_another_service_moves_the_hold(provider, visitor):
    service = ServiceFactory(duration_minutes=60, providers=[provider])
    first = visit(provider, NINE, visitor)

    second = visit(provider, NINE, visitor, service_id=service.pk)

    assert second != first
    assert held_starts() == [NINE]


def test_pick_that_is_refused_leaves_the_first_as_it_was(provider, visitor):
    first = visit(provider, NINE, visitor)
    hold(provider, TEN)

    with pytest.raises(SlotTaken):
        visit(provider, TEN, visitor)

    assert Reservation.objects.held(now=NOON).filter(pk=first.pk).exists()
    assert broken_promises() == {}


def test_pick_with_another_provider_that_is_refused_leaves_the_first_as_it_was(provider, visitor):
    closed = open_provider(horizon_days=5)
    first = visit(provider, NINE, visitor)

    with pytest.raises(OutsideHours):
        visit(closed, at("2026-03-04 20:00"), visitor)

    assert held_starts() == [NINE]
    assert first.slots.count() == 1


def test_refusal_offers_the_time_that_is_held(provider, visitor):
    visit(provider, NINE, visitor)
    hold(provider, NINE + minutes(15))

    with pytest.raises(SlotTaken) as refused:
        visit(provider, NINE + minutes(15), visitor)

    starts = [time["start_time"] for time in refused.value.details["alternatives"]]
    assert "2026-03-04T09:00:00Z" in starts


def test_time_decided_on_stays_when_another_is_picked(provider, visitor):
    decide(visit(provider, NINE, visitor))

    visit(provider, TEN, visitor)

    assert held_starts() == [NINE, TEN]


def test_same_pick_finds_a_hold_that_was_decided_on(provider, visitor):
    decided = decide(visit(provider, NINE, visitor))

    assert visit(provider, NINE, visitor) == decided


def test_visitors_hold_that_ran_out_is_not_found_again(provider, visitor):
    first = visit(provider, NINE, visitor)

    again = visit(provider, NINE, visitor, now=NOON + minutes(10))

    assert again != first


def test_pick_of_a_client_moves_their_hold(provider, booker):
    for start in (NINE, TEN):
        pick(
            provider_id=provider.pk,
            client_id=booker.pk,
            starts_at=start,
            actor=Actor(actor_of(booker).user, Source.PAGE),
            now=NOON,
        )

    assert held_starts() == [TEN]


def test_pick_of_a_client_leaves_what_programs_hold_for_them(provider, booker):
    hold(provider, NINE, client=booker)

    pick(
        provider_id=provider.pk,
        client_id=booker.pk,
        starts_at=TEN,
        actor=Actor(actor_of(booker).user, Source.PAGE),
        now=NOON,
    )

    assert held_starts() == [NINE, TEN]


def test_picks_cost_no_more_than_may_be_held(provider, visitor, settings):
    settings.MAX_LIVE_HOLDS = 1

    for number in range(4):
        visit(provider, NINE + minutes(15 * number), visitor)

    assert len(held_starts()) == 1


def test_visitor_whose_reference_somebody_else_has_is_another(provider, booker):
    held = visit(provider, NINE, booker.reference)

    assert held.client != booker
    assert Client.objects.filter(name="").count() == 1


# --- How long it lasts ------------------------------------------------------------------------------------------------


def test_visitors_hold_lasts_ten_minutes(provider, visitor):
    assert visit(provider, NINE, visitor).expires_at == NOON + minutes(10)


def test_visitors_hold_lasts_no_longer_than_the_calendars(visitor):
    provider = open_provider(horizon_days=5, hold_minutes=5)

    assert visit(provider, NINE, visitor).expires_at == NOON + minutes(5)


def test_hold_of_a_client_lasts_as_long_as_the_calendar_says(provider):
    assert hold(provider, NINE).expires_at == NOON + minutes(30)


def test_hold_lasts_as_long_as_the_calendar_says_once_the_visitor_said_who_they_are(provider, visitor):
    held = decide(visit(provider, NINE, visitor), now=NOON + minutes(9))

    assert held.expires_at == NOON + minutes(39)
    assert Message.objects.get(kind="hold").useful_until == held.expires_at


def test_hold_lasts_no_longer_for_asking_twice(provider, visitor):
    held = visit(provider, NINE, visitor)
    decide(held, email="adda@example.org")

    assert decide(held, now=NOON + minutes(9)).expires_at == NOON + minutes(30)


# --- Networks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def _two_each(settings):
    settings.MAX_LIVE_HOLDS_PER_NETWORK = 2


def from_network(provider, number, network=OFFICE, **arguments):
    """A hold of another client each time."""
    client = arguments.pop("client", None) or ClientFactory()
    return reserve(
        provider_id=provider.pk,
        client_id=client.pk,
        starts_at=NINE + minutes(15 * number),
        actor=arguments.pop("actor", None) or actor_of(client),
        now=NOON,
        network=network,
        **arguments,
    )


@pytest.mark.usefixtures("_two_each")
def test_network_holds_only_so_many(provider):
    from_network(provider, 0)
    from_network(provider, 1)

    with pytest.raises(TooManyHoldsInNetwork):
        from_network(provider, 2)

    assert from_network(provider, 2, "192.0.2.2").status == "held"


@pytest.mark.usefixtures("_two_each")
def test_network_is_refused_in_the_words_of_networks_only_when_the_client_has_room(provider, booker, settings):
    settings.MAX_LIVE_HOLDS = 2
    from_network(provider, 0, client=booker)
    from_network(provider, 1, client=booker)

    with pytest.raises(TooManyHolds) as refused:
        from_network(provider, 2, client=booker)

    assert refused.value.code == "too_many_holds"


@pytest.mark.usefixtures("_two_each")
def test_pick_that_moves_a_hold_is_counted_once(provider, visitor):
    from_network(provider, 0)
    for number in (1, 2, 3):
        visit(provider, NINE + minutes(15 * number), visitor, network=OFFICE)

    assert len(held_starts()) == 2


@pytest.mark.usefixtures("_two_each")
@pytest.mark.parametrize("ending", ["confirmed", "released", "expired"])
def test_network_is_forgotten_when_the_hold_ends(provider, ending):
    client = ClientFactory()
    held = from_network(provider, 0, client=client)
    assert held.network

    if ending == "confirmed":
        confirm(reservation_id=held.pk, actor=actor_of(client), now=NOON)
    elif ending == "released":
        release(reservation_id=held.pk, actor=actor_of(client), now=NOON)
    else:
        expire_due(now=NOON + minutes(30))

    held.refresh_from_db()
    assert (held.status, held.network) == (ending, None)


def test_network_stands_beside_holds_only(provider):
    held = hold(provider, NINE)

    with pytest.raises(IntegrityError, match="reservation_network_while_held"):
        Reservation.objects.filter(pk=held.pk).update(status="released", network=1)


@pytest.mark.usefixtures("_two_each")
def test_network_of_holds_that_ran_out_has_room_again(provider):
    for number in range(2):
        from_network(provider, number)

    later = {"now": NOON + minutes(30)}
    client = ClientFactory()
    assert reserve(
        provider_id=provider.pk, client_id=client.pk, starts_at=TEN, actor=actor_of(client), network=OFFICE, **later
    )


@pytest.mark.usefixtures("_two_each")
def test_network_of_the_provider_and_staff_is_not_counted(provider, staff):
    for number in range(2):
        from_network(provider, number, actor=actor_of(provider))
    from_network(provider, 2, actor=actor_of(staff))

    assert from_network(provider, 3).status == "held"


def test_network_may_hold_any_number_where_there_is_no_limit(provider, settings):
    settings.MAX_LIVE_HOLDS_PER_NETWORK = 0

    assert {from_network(provider, number).network for number in range(12)} == {None}


def test_network_that_is_not_known_is_not_counted(provider, settings):
    settings.MAX_LIVE_HOLDS_PER_NETWORK = 1

    assert {from_network(provider, number, "").network for number in range(2)} == {None}


def test_network_is_kept_as_a_number_that_depends_on_the_secret_key(provider, settings):
    one = from_network(provider, 0).network
    settings.SECRET_KEY = "another"

    assert one
    assert from_network(provider, 1).network not in (one, None)

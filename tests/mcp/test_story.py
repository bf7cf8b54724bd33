"""A newcomer's story with the package's own client: find, hold, confirm, move, cancel."""

import pytest
from django.utils import timezone

from accounts.keys.scopes import Scope
from booking.models import Appointment, Reservation
from tests.accounts.keys.helpers import new_key
from tests.factories import ClientFactory, ServiceFactory, open_provider
from tests.mcp.talking import by_http, by_stdio, done, talk

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


async def story(client):
    [provider] = (await done(client, "find_providers", search="Maya"))["results"]
    [service] = (await done(client, "find_services", provider=provider["id"]))["results"]
    what = {"provider": provider["id"], "service": service["id"]}
    times = (await done(client, "find_free_times", **what))["results"]
    first, later = times[0]["start_time"], times[-1]["start_time"]
    dry = await done(client, "hold_time", **what, start_time=first, dry_run=True)
    held = await done(client, "hold_time", **what, start_time=first)
    booked = await done(client, "confirm_hold", id=held["id"], confirmed=True)
    moved = await done(client, "move_appointment", id=booked["id"], start_time=later)
    cancelled = await done(client, "cancel_appointment", id=booked["id"], reason="A cold")
    [listed] = (await done(client, "list_appointments", status="cancelled"))["results"]
    return first, later, dry, held, booked, moved, cancelled, listed


@pytest.fixture(params=["auto", "legacy", "stdio"])
def conversation(request, live_server):
    """The three ways to talk to the server: the protocol of 2026 and the one before it by HTTP, and stdio."""
    key = new_key(ClientFactory().user, Scope.READ, Scope.BOOK).text
    return by_stdio(key) if request.param == "stdio" else by_http(live_server.url, key, request.param)


def test_newcomer_books_moves_and_cancels(conversation):
    provider = open_provider(now=timezone.now(), horizon_days=14, provider__name="Maya")
    ServiceFactory(providers=[provider])

    first, later, dry, held, booked, moved, cancelled, listed = talk(conversation, story)

    assert (dry["dry_run"], dry["status"], "id" in dry) == (True, "held", False)
    assert (held["start_time"], held["allowed_actions"]) == (first, ["confirm", "release"])
    assert (booked["start_time"], booked["allowed_actions"]) == (first, ["reschedule", "cancel"])
    assert (moved["id"], moved["start_time"]) == (booked["id"], later)
    assert (cancelled["status"], cancelled["allowed_actions"]) == ("cancelled", [])
    assert listed["id"] == booked["id"]
    assert Appointment.objects.get().cancellation_reason == "A cold"
    assert Reservation.objects.count() == 2

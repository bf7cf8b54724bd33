"""`/api/me/preferences`, `/api/clients/{id}/preferences` and `/api/opt-outs`."""

import pytest
import time_machine

from reminders.models import OptOut
from reminders.preferences.operations import opt_out
from tests.booking.answers import ids, refusal
from tests.conftest import logged_in
from tests.factories import NOON, ClientFactory, ProviderFactory, verified

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


MINE = "/api/me/preferences"


@pytest.fixture(autouse=True)
def _clock(db):
    with time_machine.travel(NOON, tick=False):
        yield


def of(client):
    return f"/api/clients/{client.pk}/preferences"


def out(address, channel="email", source="link"):
    return opt_out(channel=channel, address=address, source=source, now=NOON)


# --- Preferences ------------------------------------------------------------------------------------------------------


def test_preferences_of_somebody_who_never_chose():
    client = ClientFactory(email="ada@example.org", phone="+4930901820", timezone="Europe/Berlin")

    answer = logged_in(client.user).get(MINE)

    assert answer.json() == {
        "channels": None,
        "language": "",
        "quiet_from": None,
        "quiet_until": None,
        "timezone": "Europe/Berlin",
        "addresses": [
            {"channel": "email", "address": "ada@example.org", "opted_out": None, "since": None, "source": None},
            {"channel": "sms", "address": "+4930901820", "opted_out": None, "since": None, "source": None},
        ],
        "updated_at": None,
    }


def test_preferences_can_be_changed_and_read_again(booker, booker_api):
    wanted = {"channels": ["email", "sms"], "language": "de", "quiet_from": "22:00", "quiet_until": "24:00"}

    changed = booker_api.patch(MINE, wanted)

    assert changed.status_code == 200
    told = {**wanted, "updated_at": "2026-03-02T12:00:00Z"}
    assert {name: changed.json()[name] for name in told} == told
    assert booker_api.get(MINE).json() == booker_api.get(of(booker)).json() == changed.json()


def test_preferences_tell_of_an_opt_out():
    booker = ClientFactory(email="ada@example.org", user__email="ada@example.org")
    out(booker.email.upper(), source="one_click")
    verified(booker.user)

    [address] = logged_in(booker.user).get(MINE).json()["addresses"]

    assert address == {
        "channel": "email",
        "address": booker.email,
        "opted_out": True,
        "since": "2026-03-02T12:00:00Z",
        "source": "one_click",
    }


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"channels": ["pigeon"]}, "invalid_choice", "channels.0"),
        ({"channels": ["webhook"]}, "invalid_choice", "channels.0"),
        ({"language": "tlh"}, "invalid_choice", "language"),
        ({"quiet_from": "22:00"}, "quiet_hours_have_two_ends", "quiet_until"),
        ({"quiet_from": "00:00", "quiet_until": "24:00"}, "quiet_hours_without_length", "quiet_until"),
        ({"quiet_from": "10 pm", "quiet_until": "07:00"}, "invalid", "quiet_from"),
    ],
)
def test_preferences_refuse_what_cannot_be(booker_api, body, code, field):
    assert refusal(booker_api.patch(MINE, body)) == (400, code, field)


def test_preferences_refuse_a_whole_day_of_quiet_and_say_what_to_do_instead(booker_api):
    answer = booker_api.patch(MINE, {"quiet_from": "00:00", "quiet_until": "24:00"})

    assert "To get no reminders, choose no channels" in answer.json()["errors"][0]["detail"]


def test_preferences_of_ones_own_are_for_clients(provider_api, staff_api, api):
    assert refusal(provider_api.get(MINE)) == (403, "not_a_client", None)
    assert refusal(staff_api.patch(MINE, {})) == (403, "not_a_client", None)
    assert refusal(api.get(MINE)) == (401, "not_authenticated", None)


def test_preferences_of_a_client_are_for_owner_and_staff(staff_api):
    owner = ProviderFactory()
    client = ClientFactory(owner=owner, user=None)

    for caller in (logged_in(owner.user), staff_api):
        assert caller.patch(of(client), {"language": "de"}).status_code == 200
    for stranger in (ProviderFactory(), ClientFactory()):
        caller = logged_in(stranger.user)
        assert refusal(caller.get(of(client)))[0] == 404
        assert refusal(caller.patch(of(client), {"language": "fr"}))[0] == 404
    assert staff_api.get(of(client)).json()["language"] == "de"


# --- Opting out -------------------------------------------------------------------------------------------------------


def test_opt_out_of_ones_own_email_and_back(booker, booker_api):
    verified(booker.user)
    made = booker_api.post("/api/opt-outs", {"channel": "email", "address": booker.user.email.upper()})
    again = booker_api.post("/api/opt-outs", {"channel": "email", "address": booker.user.email})

    assert made.status_code == 201
    assert (
        made.json()
        == again.json()
        == {
            "id": made.json()["id"],
            "channel": "email",
            "address": booker.user.email,
            "since": "2026-03-02T12:00:00Z",
            "source": "api",
            "ended_at": None,
        }
    )
    assert booker_api.delete(f"/api/opt-outs/{made.json()['id']}").status_code == 204
    assert booker_api.delete(f"/api/opt-outs/{made.json()['id']}").status_code == 204
    assert booker_api.get(f"/api/opt-outs/{made.json()['id']}").json()["ended_at"] == "2026-03-02T12:00:00Z"


def test_opt_out_of_somebody_elses_address_is_refused(booker_api, provider_api):
    for caller in (booker_api, provider_api):
        for body in ({"channel": "email", "address": "a@example.org"}, {"channel": "sms", "address": "+4930901820"}):
            assert refusal(caller.post("/api/opt-outs", body)) == (403, "not_your_address", "address")


def test_opt_out_by_staff_is_about_anybody_and_spelled_one_way(staff_api):
    made = staff_api.post("/api/opt-outs", {"channel": "sms", "address": "+49 30 / 901820"})

    assert (made.json()["address"], made.json()["source"]) == ("+4930901820", "staff")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"channel": "email", "address": "+4930901820"}, "invalid", "address"),
        ({"channel": "sms", "address": "a@example.org"}, "invalid", "address"),
        ({"channel": "webhook", "address": "https://example.org"}, "invalid_choice", "channel"),
        ({"channel": "email"}, "required", "address"),
    ],
)
def test_opt_out_refuses_what_is_no_address(staff_api, body, code, field):
    assert refusal(staff_api.post("/api/opt-outs", body)) == (400, code, field)


def test_opt_outs_are_seen_by_staff_and_by_whose_email_it_is(booker, booker_api, provider_api, staff_api):
    own, other = out(verified(booker.user).email), out("other@example.org")
    stopped = out("+4930901820", "sms", "sms")

    assert ids(staff_api.get("/api/opt-outs")) == [stopped.pk, other.pk, own.pk]
    assert ids(booker_api.get("/api/opt-outs")) == [own.pk]
    assert ids(provider_api.get("/api/opt-outs")) == []
    assert refusal(provider_api.delete(f"/api/opt-outs/{own.pk}"))[0] == 404


def test_opt_outs_can_be_narrowed(staff_api):
    ended, stands, stopped = out("a@example.org"), out("b@example.org"), out("+4930901820", "sms", "sms")
    OptOut.objects.filter(pk=ended.pk).update(ended_at=NOON)

    assert ids(staff_api.get("/api/opt-outs?channel=sms")) == [stopped.pk]
    assert ids(staff_api.get("/api/opt-outs?standing=true")) == [stopped.pk, stands.pk]
    assert ids(staff_api.get("/api/opt-outs?standing=false&search=EXAMPLE")) == [ended.pk]


def test_opt_out_by_stop_is_not_taken_back_here(staff_api):
    stopped = out("+4930901820", "sms", "sms")

    assert refusal(staff_api.delete(f"/api/opt-outs/{stopped.pk}")) == (409, "stopped_by_sms", None)


def test_opt_outs_cost_a_constant_number_of_queries(staff_api, django_assert_num_queries):
    for number in range(5):
        out(f"{number}@example.org")

    with django_assert_num_queries(2):
        staff_api.get("/api/opt-outs")

"""Calls of tools: they do what the API does, with its rights and limits, and once."""

from datetime import timedelta

import pytest
import time_machine

from accounts.actors import Actor, Source
from accounts.keys.operations import revoke_key
from accounts.keys.scopes import Scope
from accounts.models import ApiKey
from booking.models import AppointmentEvent, Reservation
from reminders.enums import MessageStatus
from reminders.models import Message
from scheduler_project.mcp.schemas import PAGE_SIZE, arguments_of, input_schema
from scheduler_project.mcp.tools import TOOLS
from scheduler_project.reference.errors import check_codes, domain_errors
from tests.accounts.keys.helpers import new_key
from tests.factories import (
    NOON,
    ClientFactory,
    ProviderFactory,
    ServiceFactory,
    appoint,
    at,
    hold,
)
from tests.looking import dump
from tests.mcp.talking import asked, refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_people")]

NINE, TEN = "2026-03-04T09:00:00Z", "2026-03-04T10:00:00Z"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def key(booker):
    """The key of a client."""
    return new_key(booker.user).text


@pytest.fixture
def provider_key(provider):
    return new_key(provider.user).text


# --- What tools are -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_tool_names_only_what_its_operation_knows(tool):
    known = arguments_of(tool.method, tool.path)

    assert tool.left_out | set(tool.instead) <= set(known.path) | set(known.query) | set(known.body)


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.changes], ids=lambda tool: tool.name)
def test_every_change_can_be_tried_dry(tool):
    assert input_schema(tool)["properties"]["dry_run"]["type"] == "boolean"


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_schema_stands_alone_and_is_closed(tool):
    schema = input_schema(tool)

    assert "$ref" not in str(schema)
    assert schema["additionalProperties"] is False


# --- Reading --------------------------------------------------------------------------------------------------------


def test_page_has_twenty_rows_unless_said_otherwise(key, provider):
    assert len(asked(key, "find_free_times", provider=provider.pk)["results"]) == PAGE_SIZE
    assert len(asked(key, "find_free_times", provider=provider.pk, page_size=3)["results"]) == 3


def test_page_has_two_hundred_rows_at_most(key, provider):
    assert refused(key, "find_providers", page_size=201) == (400, "max_value", "page_size")


def test_lists_and_truth_values_are_read(key, provider):
    service = ServiceFactory(providers=[provider])

    answer = asked(key, "find_services", fields=["id", "name"], is_active=True)

    assert answer["results"] == [{"id": service.pk, "name": service.name}]


def test_lists_name_what_may_be_done(key, provider, booker):
    appoint(provider, at("2026-03-04 09:00"), client=booker)

    [row] = asked(key, "list_appointments", status="upcoming")["results"]

    assert row["allowed_actions"] == ["reschedule", "cancel"]


def test_clients_are_found_by_their_provider(provider_key, provider):
    client = ClientFactory(owner=provider, user=None, name="Zoe")

    assert [row["id"] for row in asked(provider_key, "find_clients", search="Zoe")["results"]] == [client.pk]


# --- What is not understood -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("find_providers", {"colour": "red"}, (400, "unknown_field", "colour")),
        ("find_providers", {"dry_run": True}, (400, "unknown_field", "dry_run")),
        ("find_providers", {"search": None}, (400, "invalid", "search")),
        ("find_providers", {"search": {"a": 1}}, (400, "invalid", "search")),
        ("hold_time", {"colour": "red", "provider": 1, "start_time": NINE}, (400, "unknown_field", "colour")),
        ("hold_time", {"provider": 1}, (400, "required", "start_time")),
        ("hold_time", {"provider": 1, "start_time": NINE, "dry_run": "yes"}, (400, "invalid", "dry_run")),
        ("hold_time", {"provider": 1, "start_time": NINE, "preview": True}, (400, "unknown_field", "preview")),
        ("hold_time", {"provider": 1, "start_time": "\ud800"}, (400, "parse_error", None)),
        ("cancel_appointment", {}, (400, "required", "id")),
        ("cancel_appointment", {"id": True}, (400, "invalid", "id")),
        ("cancel_appointment", {"id": "1/../2"}, (400, "invalid", "id")),
        ("cancel_appointment", {"id": 2**63}, (400, "invalid", "id")),
        ("cancel_appointment", {"id": 10**9}, (404, "not_found", None)),
        ("erase_client", {"id": 1}, (400, "invalid_choice", "name")),
        ("explain_refusal", {}, (400, "required", "code")),
        ("explain_refusal", {"code": "no_such"}, (400, "invalid_choice", "code")),
        ("explain_refusal", {"code": "slot_taken", "colour": "red"}, (400, "unknown_field", "colour")),
    ],
)
def test_what_is_not_understood_is_refused(key, name, arguments, expected):
    assert refused(key, name, **arguments) == expected


def test_refusal_says_what_helps_along(key, provider):
    hold(provider, at("2026-03-04 09:00"))

    answer = asked(key, "hold_time", provider=provider.pk, start_time=NINE)

    assert answer["details"]["alternatives"][0]["start_time"] == "2026-03-04T09:15:00Z"
    assert answer["do"] == "Read again, choose one of `details`, and send anew."


@pytest.mark.parametrize("code", sorted({*check_codes(), *(error.code for error in domain_errors()), "throttled"}))
def test_every_code_is_explained(key, code):
    meanings = asked(key, "explain_refusal", code=code)["meanings"]

    assert all(meaning["message"] and meaning["status"] for meaning in meanings)


# --- Dry runs -------------------------------------------------------------------------------------------------------


@pytest.fixture
def failed(provider, booker):
    """A reminder of an appointment that failed."""
    appointment = appoint(provider, at("2026-03-04 11:00"), client=booker)
    message = Message.objects.filter(appointment=appointment, kind="reminder").earliest("due_at")
    Message.objects.filter(pk=message.pk).update(status=MessageStatus.FAILED, failures=3)
    return message


@pytest.fixture
def changes(provider, booker, failed):
    """A call of each tool that changes something."""
    held, made = hold(provider, at("2026-03-05 09:00"), client=booker), failed.appointment_id
    what = {"provider": provider.pk, "client": booker.pk, "start_time": NINE}
    return {
        "hold_time": what,
        "confirm_hold": {"id": held.pk, "confirmed": True},
        "book_appointment": what,
        "move_appointment": {"id": made, "start_time": NINE},
        "cancel_appointment": {"id": made},
        "remind_again": {"id": failed.pk},
    }


@pytest.mark.parametrize("name", [tool.name for tool in TOOLS if tool.changes])
def test_dry_run_answers_the_change_and_changes_nothing(provider, changes, name):
    key = new_key(provider.user).text
    ApiKey.objects.update(last_used_at=NOON)
    before = dump()

    dry = asked(key, name, **changes[name], dry_run=True)

    assert dump() == before
    answer = asked(key, name, **changes[name])
    assert dry.pop("dry_run") is True
    assert dry == {name: answer[name] for name in dry}


def test_dry_run_names_no_row_that_is_not_there(provider_key, changes):
    for name, made in (("hold_time", {"id"}), ("book_appointment", {"id", "uid", "reservation"})):
        assert made.isdisjoint(asked(provider_key, name, **changes[name], dry_run=True))


def test_dry_run_is_refused_as_the_change_is(key, provider):
    hold(provider, at("2026-03-04 09:00"))

    assert refused(key, "hold_time", provider=provider.pk, start_time=NINE, dry_run=True) == (
        409,
        "slot_taken",
        "start_time",
    )


# --- Once -----------------------------------------------------------------------------------------------------------


def test_same_call_twice_is_carried_out_once(key, provider):
    first = asked(key, "hold_time", provider=provider.pk, start_time=NINE)
    second = asked(key, "hold_time", start_time=NINE, provider=provider.pk)

    assert second == {**first, "replayed": True}
    assert Reservation.objects.count() == 1


def test_same_call_with_another_key_is_another_call(key, booker, provider):
    asked(key, "hold_time", provider=provider.pk, start_time=NINE)

    other = new_key(booker.user).text

    assert refused(other, "hold_time", provider=provider.pk, start_time=NINE)[:2] == (409, "slot_taken")


def test_hold_that_has_ended_is_held_anew(key, provider, clock):
    first = asked(key, "hold_time", provider=provider.pk, start_time=NINE)
    clock.shift(timedelta(minutes=30))

    second = asked(key, "hold_time", provider=provider.pk, start_time=NINE)

    assert (second["status"], "replayed" in second) == ("held", False)
    assert second["id"] != first["id"]


def test_refused_call_is_tried_anew(key, provider, clock):
    hold(provider, at("2026-03-04 09:00"))
    assert refused(key, "hold_time", provider=provider.pk, start_time=NINE)[1] == "slot_taken"
    clock.shift(timedelta(minutes=30))

    assert asked(key, "hold_time", provider=provider.pk, start_time=NINE)["status"] == "held"


def test_move_there_back_and_there_again_moves_each_time(key, provider, booker):
    made = appoint(provider, at("2026-03-04 09:00"), client=booker).pk

    moved = [asked(key, "move_appointment", id=made, start_time=to) for to in (TEN, NINE, TEN, TEN)]

    assert [row["start_time"] for row in moved] == [TEN, NINE, TEN, TEN]
    assert ["replayed" in row for row in moved] == [False, False, False, True]
    assert AppointmentEvent.objects.filter(event="rescheduled").count() == 3


def test_repeated_answer_in_local_time_still_holds(key, provider):
    what = {"provider": provider.pk, "start_time": NINE, "timezone": "Europe/Berlin"}
    asked(key, "hold_time", **what)

    again = asked(key, "hold_time", **what)

    assert (again["replayed"], again["start_time"]) == (True, "2026-03-04T10:00:00+01:00")


def test_key_that_may_not_read_gets_the_first_answer_again(booker, provider):
    key = new_key(booker.user, Scope.BOOK).text
    first = asked(key, "hold_time", provider=provider.pk, start_time=NINE)

    assert asked(key, "hold_time", provider=provider.pk, start_time=NINE) == {**first, "replayed": True}


def test_repeated_call_beyond_the_limit_is_refused_and_not_carried_out(throttle, key, provider, booker):
    made = appoint(provider, at("2026-03-04 09:00"), client=booker).pk
    throttle["key"] = "2/min"
    asked(key, "move_appointment", id=made, start_time=TEN)

    assert refused(key, "move_appointment", id=made, start_time=TEN) == (429, "throttled", None)
    assert AppointmentEvent.objects.filter(event="rescheduled").count() == 1


def test_call_that_is_undone_each_time_is_carried_out_each_time(key, provider):
    def taken_and_given_back():
        held = asked(key, "hold_time", provider=provider.pk, start_time=NINE)["id"]
        assert asked(key, "confirm_hold", id=held, confirmed=False)["status"] == "released"
        return held

    assert len({taken_and_given_back() for _ in range(12)}) == 12


# --- As whom --------------------------------------------------------------------------------------------------------


def test_scope_is_asked_for(booker, provider):
    reads = new_key(booker.user, Scope.READ).text

    assert refused(reads, "hold_time", provider=provider.pk, start_time=NINE) == (403, "scope_missing", None)


def test_ended_key_is_refused(booker):
    made = new_key(booker.user)
    revoke_key(key_id=made.row.pk, actor=Actor.of(booker.user, Source.PAGE), now=NOON)

    assert refused(made.text, "list_appointments") == (401, "key_revoked", None)


def test_appointment_of_somebody_else_is_not_there(key, provider):
    made = appoint(provider, at("2026-03-04 09:00"))

    assert refused(key, "cancel_appointment", id=made.pk) == (404, "not_found", None)
    assert asked(key, "list_appointments")["results"] == []


def test_key_for_one_provider_finds_nothing_of_others(staff, boss, provider):
    made = appoint(provider, at("2026-03-04 09:00"))
    key = new_key(boss, provider_id=ProviderFactory().pk).text

    assert refused(key, "cancel_appointment", id=made.pk)[0] == 404
    assert refused(key, "find_free_times", provider=provider.pk)[0] == 404


def test_history_names_owner_and_key(key, provider, booker):
    asked(key, "book_appointment", provider=provider.pk, start_time=NINE)

    event = AppointmentEvent.objects.get()
    assert (event.face, event.by) == ("api", f"{booker.user.name}, key “Website”")


def test_calls_count_as_requests_with_the_key(throttle, key):
    throttle["key"] = "2/min"
    asked(key, "list_appointments")
    asked(key, "list_appointments")

    answer = asked(key, "list_appointments")

    assert answer["errors"][0]["code"] == "throttled"
    assert 0 < answer["retry_after"] <= 60


def test_failed_reminder_is_sent_again(provider_key, failed):
    [row] = asked(provider_key, "list_reminders", id=failed.appointment_id, status="failed")["results"]

    answer = asked(provider_key, "remind_again", id=row["id"])

    failed.refresh_from_db()
    assert (answer["status"], failed.status) == ("scheduled", MessageStatus.PENDING)


def test_client_may_not_send_a_reminder_again(key, failed):
    assert refused(key, "remind_again", id=failed.pk)[1] == "not_allowed"

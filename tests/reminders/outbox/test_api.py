"""`/api/reminders`: past and future messages."""

import pytest
import time_machine

from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from reminders.enums import MessageStatus
from reminders.models import Message
from scheduler_project.common.outages import open_outage
from tests.booking.answers import ids, refusal
from tests.conftest import logged_in
from tests.factories import NOON, SYSTEM, ClientFactory, DeliveryAttemptFactory, appoint, at, open_provider
from tests.reminders.helpers import send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]
NINE = at("2026-03-05 09:00")


@pytest.fixture
def made(provider, booker):
    return appoint(provider, NINE, client=booker)


def first(made, **fields):
    message = Message.objects.filter(appointment=made, kind="reminder").earliest("due_at")
    Message.objects.filter(pk=message.pk).update(**fields)
    return message


def failed(made):
    return first(made, status=MessageStatus.FAILED, failures=3, error="The mail server hung up")


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_list_shows_what_is_owed(booker_api, made):
    message = first(made)

    row = booker_api.get("/api/reminders", {"ordering": "due_at"}).json()["results"][0]

    assert row == {
        "id": message.pk,
        "kind": "reminder",
        "channel": "email",
        "recipient": "client",
        "appointment": made.pk,
        "reservation": made.reservation_id,
        "offset": "1 day",
        "status": "scheduled",
        "due_at": "2026-03-04T09:00:00Z",
        "next_try_at": "2026-03-04T09:00:00Z",
        "sent_at": None,
        "failures": 0,
        "error": "",
    }


def test_list_writes_times_in_the_zone_asked_for(booker_api, made):
    rows = booker_api.get("/api/reminders", {"ordering": "due_at", "timezone": "Europe/Berlin"}).json()["results"]

    assert rows[0]["due_at"] == "2026-03-04T10:00:00+01:00"


def test_list_is_of_reminders_unless_other_messages_are_asked_for(provider_api, made):
    def kinds(**query):
        return sorted(row["kind"] for row in provider_api.get("/api/reminders", query).json()["results"])

    assert kinds() == ["reminder"] * 2
    assert kinds(kind="booked") == ["booked"] * 2
    assert kinds(kind="any") == ["booked"] * 2 + ["reminder"] * 2


def test_list_shows_each_side_only_what_is_theirs(made, booker_api, provider_api, staff_api, booker):
    stranger = logged_in(ClientFactory().user)
    elsewhere = logged_in(open_provider().user)

    counts = [api.get("/api/reminders", {"kind": "any"}) for api in (booker_api, provider_api, staff_api)]
    assert [answer.json()["count"] for answer in counts] == [3, 4, 4]
    assert [api.get("/api/reminders", {"kind": "any"}).json()["count"] for api in (stranger, elsewhere)] == [0, 0]


def test_list_shows_a_provider_who_is_a_client_elsewhere_only_what_is_for_them(provider, made, booker):
    both = open_provider(provider__user=booker.user, horizon_days=3)

    rows = logged_in(booker.user).get("/api/reminders", {"kind": "any"}).json()["results"]

    assert both.user_id == booker.user_id
    assert {row["recipient"] for row in rows} == {"client"}


@pytest.mark.parametrize(
    ("query", "offsets"),
    [
        ({"status": "failed"}, ["1 day"]),
        ({"status": "scheduled"}, ["1 hour"]),
        ({"status": "pending"}, ["1 hour"]),
        ({"channel": "sms"}, []),
        ({"due_before": "2026-03-05"}, ["1 day"]),
        ({"due_after": "2026-03-05"}, ["1 hour"]),
        ({"due_after": "2026-03-04T09:00:00Z", "due_before": "2026-03-04T09:00:01Z"}, ["1 day"]),
    ],
)
def test_list_is_narrowed_by_status_channel_and_time(provider_api, made, query, offsets):
    failed(made)

    assert [row["offset"] for row in provider_api.get("/api/reminders", query).json()["results"]] == offsets


@pytest.mark.parametrize("path", ["/api/reminders", "/api/admin/reminders", "/api/appointments/{0}/reminders"])
def test_list_takes_the_former_word_for_scheduled_and_says_that_it_is_deprecated(staff_api, made, path):
    former, current = (staff_api.get(path.format(made.pk), {"status": status}) for status in ("pending", "scheduled"))

    assert ids(former) == ids(current) != []
    assert {row["status"] for row in former.json()["results"]} == {"scheduled"}
    assert (former.headers["Deprecation"], "Deprecation" in current.headers) == ("@1795910400", False)


def test_list_costs_the_same_at_one_and_at_many(provider, provider_api, django_assert_num_queries):
    for hour in (9, 10, 11):
        appoint(provider, at(f"2026-03-05 {hour:02}:00"))

    with django_assert_num_queries(2):
        provider_api.get("/api/reminders", {"kind": "any"})


def test_retrieve_finds_any_kind_of_message(provider_api, made):
    notice = Message.objects.filter(kind="booked").first()

    assert provider_api.get(f"/api/reminders/{notice.pk}").json()["kind"] == "booked"


def test_retrieve_does_not_know_a_strangers(made):
    stranger = logged_in(ClientFactory().user)

    assert refusal(stranger.get(f"/api/reminders/{first(made).pk}")) == (404, "not_found", None)


def test_attempts_are_shown_one_by_one(provider_api, made, mailoutbox):
    send("2026-03-04 09:00")

    [row] = provider_api.get(f"/api/reminders/{first(made).pk}/attempts").json()["results"]

    assert (row["at"], row["outcome"], row["address"], row["error"]) == (
        "2026-03-04T09:00:00Z",
        "sent",
        made.client.email,
        "",
    )
    assert row["reference"] == mailoutbox[-1].extra_headers["Message-ID"]


RAW = "550 5.7.1 mx4.internal.example.org says no to 192.0.2.7"


@pytest.mark.parametrize("path", ["/api/reminders/{0}", "/api/appointments/{1}/reminders?kind=any&status=failed"])
def test_client_is_told_in_words_what_went_wrong_and_the_provider_what_was_answered(
    booker_api, provider_api, staff_api, made, path
):
    message = first(made, status=MessageStatus.FAILED, error=RAW)
    path = path.format(message.pk, made.pk)

    def error(api):
        answer = api.get(path).json()
        return answer.get("results", [answer])[0]["error"]

    assert error(booker_api) == "We couldn't deliver it."
    assert (error(provider_api), error(staff_api)) == (RAW, RAW)


def test_attempts_tell_a_client_how_they_ended_and_not_what_a_server_said(booker_api, provider_api, made):
    message = first(made, status=MessageStatus.FAILED, error=RAW)
    DeliveryAttemptFactory(message=message, outcome="refused", error=RAW, reference="<1@internal>")

    [theirs] = booker_api.get(f"/api/reminders/{message.pk}/attempts").json()["results"]
    [ours] = provider_api.get(f"/api/reminders/{message.pk}/attempts").json()["results"]

    assert (theirs["outcome"], theirs["error"], theirs["reference"]) == ("refused", "", "")
    assert (ours["error"], ours["reference"]) == (RAW, "<1@internal>")


def test_what_is_due_says_that_it_waits_for_the_mail_server(booker_api, provider_api, made):
    message = first(made, next_at=NOON)
    other = Message.objects.filter(kind="reminder").latest("due_at")
    open_outage("email", error="The mail server cannot be reached", now=NOON)

    def errors(api):
        return {row["id"]: row["error"] for row in api.get("/api/reminders").json()["results"]}

    assert errors(provider_api) == {message.pk: "The mail server cannot be reached", other.pk: ""}
    assert errors(booker_api) == {message.pk: "We couldn't deliver it yet and will try again.", other.pk: ""}


def test_appointment_lists_its_reminders(booker_api, made, provider):
    other = appoint(provider, at("2026-03-05 11:00"))

    rows = booker_api.get(f"/api/appointments/{made.pk}/reminders").json()["results"]

    assert [row["offset"] for row in rows] == ["1 day", "1 hour"]
    assert refusal(booker_api.get(f"/api/appointments/{other.pk}/reminders"))[0] == 404


def test_admin_list_is_for_staff(staff_api, booker_api, made):
    assert staff_api.get("/api/admin/reminders").json()["count"] == 2
    assert refusal(booker_api.get("/api/admin/reminders"))[0] == 403


# --- Retrying ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["provider", "staff"])
def test_retry_sends_a_failed_one_again_with_the_same_key(made, who, provider_api, staff_api, mailoutbox):
    message = failed(made)

    answer = {"provider": provider_api, "staff": staff_api}[who].post(f"/api/reminders/{message.pk}/retry")

    assert (answer.status_code, answer.json()["status"], answer.json()["failures"]) == (200, "scheduled", 0)
    send(NOON)
    assert f"<{message.key}@" in mailoutbox[-1].extra_headers["Message-ID"]


def test_retry_is_not_for_the_client(booker_api, made):
    assert refusal(booker_api.post(f"/api/reminders/{failed(made).pk}/retry"))[:2] == (403, "not_allowed")


def test_retry_refuses_one_that_did_not_fail(provider_api, made):
    assert refusal(provider_api.post(f"/api/reminders/{first(made).pk}/retry"))[:2] == (409, "not_retryable")


def test_retry_refuses_one_that_helps_nobody_any_more(provider_api, made):
    message = failed(made)

    with time_machine.travel(NINE, tick=False):
        assert refusal(provider_api.post(f"/api/reminders/{message.pk}/retry"))[:2] == (410, "too_late")


def test_retry_does_not_bring_back_what_is_no_longer_so(provider_api, made, mailoutbox):
    message = failed(made)
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    provider_api.post(f"/api/reminders/{message.pk}/retry")
    send(NOON)

    message.refresh_from_db()
    assert (message.status, message.error) == ("cancelled", "No longer applies.")


# --- Offsets ----------------------------------------------------------------------------------------------------------


def test_offsets_are_set_with_a_booking(provider_api, provider):
    client = ClientFactory(owner=provider, user=None)
    body = {"provider": provider.pk, "client": client.pk, "start_time": "2026-03-05T09:00:00Z"}

    made = provider_api.post("/api/appointments", {**body, "reminder_offsets": ["PT2H", "1 day"]}).json()

    assert made["reminder_offsets"] == ["1 day", "2 hours"]
    rows = provider_api.get(f"/api/appointments/{made['id']}/reminders").json()["results"]
    assert [row["offset"] for row in rows] == ["1 day", "2 hours"]


def test_offsets_are_changed_with_the_policy(provider_api, provider, made):
    provider_api.patch(f"/api/providers/{provider.pk}/schedule", {"reminder_offsets": ["3 hours"]})

    rows = provider_api.get("/api/reminders", {"status": "scheduled"}).json()["results"]
    assert [row["offset"] for row in rows] == ["3 hours"]


def test_offsets_changed_in_a_preview_change_nothing(provider_api, provider, made):
    provider_api.patch(f"/api/providers/{provider.pk}/schedule?preview=true", {"reminder_offsets": ["3 hours"]})

    assert ids(provider_api.get("/api/reminders", {"status": "cancelled"})) == []


@pytest.mark.parametrize("offsets", [["soon"], ["0 days"], "1 day", [1], [["1 day"]], [None]])
def test_offsets_that_are_none_are_refused(provider_api, provider, offsets):
    answer = provider_api.patch(f"/api/providers/{provider.pk}/schedule", {"reminder_offsets": offsets})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"].startswith("reminder_offsets")


# --- Replaying --------------------------------------------------------------------------------------------------------

REPLAY = "/api/admin/reminders/replay"


def statuses():
    return list(Message.objects.filter(kind="reminder").order_by("due_at").values_list("status", flat=True))


def test_replay_sends_all_failed_ones_again(staff_api, made):
    Message.objects.filter(kind="reminder").update(status="failed", failures=3, error="550")

    answer = staff_api.post(REPLAY)

    assert (answer.status_code, answer.json()) == (200, {"replayed": 2, "too_late": 0})
    replayed = Message.objects.filter(kind="reminder").values_list("status", "failures", "error", "next_at")
    assert set(replayed) == {("pending", 0, "", NOON)}


def test_replay_leaves_what_is_too_late_and_what_did_not_fail(staff_api, made):
    one, two = Message.objects.filter(kind="reminder").order_by("due_at")
    Message.objects.filter(pk=one.pk).update(status="failed", useful_until=NOON)
    Message.objects.filter(pk=two.pk).update(status="cancelled")

    assert staff_api.post(REPLAY).json() == {"replayed": 0, "too_late": 1}
    assert statuses() == ["failed", "cancelled"]


def test_replay_takes_the_filters_of_the_list(staff_api, made):
    Message.objects.filter(kind="reminder").update(status="failed")
    last = Message.objects.filter(kind="reminder").latest("due_at")

    answer = staff_api.post(f"{REPLAY}?due_after={last.due_at:%Y-%m-%dT%H:%M:%SZ}&provider={made.provider.pk}")

    assert answer.json() == {"replayed": 1, "too_late": 0}
    assert statuses() == ["failed", "pending"]


def test_replay_shows_first_what_it_would_do(staff_api, made):
    Message.objects.filter(kind="reminder").update(status="failed")

    assert staff_api.post(f"{REPLAY}?preview=true").json() == {"replayed": 2, "too_late": 0}
    assert statuses() == ["failed", "failed"]


def test_replay_refuses_a_filter_that_is_none(staff_api, made):
    assert refusal(staff_api.post(f"{REPLAY}?channel=pigeon")) == (400, "invalid_choice", "channel")


def test_replay_is_for_staff(provider_api, made):
    Message.objects.filter(kind="reminder").update(status="failed")

    assert refusal(provider_api.post(REPLAY))[0] == 403
    assert statuses() == ["failed", "failed"]

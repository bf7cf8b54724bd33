"""Guests hold, give their details and confirm by API, as visitors do on the pages (R9, R10)."""

from datetime import timedelta

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.models import VETTED, Client, Provider
from accounts.privacy.operations import erase_client, export_person
from booking.links import details_token, guest_token, hold_link
from booking.models import Appointment, AppointmentEvent, Reservation
from booking.reservations.codes import code_of
from reminders.models import Message
from reminders.templates.composer import compose, text_if_sent_now
from scheduler_project.common.models import IdempotentRequest
from tests.booking.answers import refusal
from tests.factories import NOON, SYSTEM, ServiceFactory, at, hold, minutes
from tests.looking import broken_promises
from tests.project.world import by_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]

NINE, TEN = "2026-03-04T09:00:00Z", "2026-03-04T10:00:00Z"
ADA = {"name": "Ada", "email": "ada@example.org"}


def reserve(provider, start=NINE, api=None, **more):
    return (api or APIClient()).post("/api/reservations", {"provider": provider.pk, "start_time": start, **more})


@pytest.fixture
def held(provider):
    """The answer to a hold without a login."""
    answer = reserve(provider)
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.fixture
def visitor(held):
    return by_token(held["guest_token"])


def path(held, action=""):
    return f"/api/reservations/{held['id']}" + (f"/{action}" if action else "")


def give(visitor, held, **more):
    return visitor.post(path(held, "details"), {**ADA, **more})


def code(held):
    return code_of(Reservation.objects.get(pk=held["id"]))


def confirm(visitor, held, **more):
    return visitor.post(path(held, "confirm"), {"confirmed": True, **more})


def wrong(held):
    return "000000" if code(held) != "000000" else "000001"


# --- Holding ----------------------------------------------------------------------------------------------------------


def test_hold_without_a_login_is_a_visitors_and_lasts_ten_minutes(provider):
    body = reserve(provider).json()

    assert (body["status"], body["expires_at"]) == ("held", "2026-03-02T12:10:00Z")
    made = Reservation.objects.get(pk=body["id"])
    assert (made.face, made.created_by, made.client.name, made.client.user) == ("api", None, "", None)
    assert made.client.timezone == provider.schedule.timezone


def test_slot_is_held_without_a_login(api, provider):
    slot = provider.slots.get(starts_at=at("2026-03-04 09:00"))

    answer = api.post(f"/api/slots/{slot.pk}/reserve", {})

    assert (answer.status_code, answer.json()["start_time"]) == (201, NINE)
    assert by_token(answer.json()["guest_token"]).get(path(answer.json())).json()["id"] == answer.json()["id"]


def test_token_is_only_in_the_answer_to_the_hold(held, visitor):
    assert "guest_token" not in visitor.get(path(held)).json()


def test_users_get_no_token(booker_api, provider):
    assert "guest_token" not in reserve(provider, api=booker_api).json()


def test_preview_of_a_hold_holds_nothing_and_gives_no_token(provider):
    answer = APIClient().post("/api/reservations?preview=true", {"provider": provider.pk, "start_time": NINE})

    assert (answer.status_code, answer.json()["status"], "guest_token" in answer.json()) == (200, "held", False)
    assert not Reservation.objects.exists()


def test_preview_of_confirming_leaves_the_hold(visitor, held):
    give(visitor, held)

    answer = visitor.post(path(held, "confirm") + "?preview=true", {"confirmed": True, "code": code(held)})

    assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")
    assert Reservation.objects.get().status == "held"


def test_preview_of_confirming_counts_wrong_codes(visitor, held):
    give(visitor, held)
    for _ in range(5):
        visitor.post(path(held, "confirm") + "?preview=true", {"confirmed": True, "code": "wrong"})

    assert refusal(confirm(visitor, held, code=code(held))) == (400, "wrong_code", "code")


def test_guest_may_confirm_and_release_their_hold(visitor, held):
    assert held["allowed_actions"] == visitor.get(path(held)).json()["allowed_actions"] == ["confirm", "release"]


def test_timezone_of_the_request_is_the_visitors(provider):
    reserve(provider, "2026-03-04T10:00:00", timezone="Europe/Berlin")

    assert Reservation.objects.get().client.timezone == "Europe/Berlin"


def test_second_hold_with_the_token_moves_the_undecided_one(provider, held, visitor):
    second = reserve(provider, TEN, visitor).json()

    assert visitor.get(path(held)).json()["status"] == "released"
    assert second["client"] == held["client"]
    assert broken_promises() == {}


def test_second_hold_without_the_token_is_another_visitors(provider, held):
    assert reserve(provider, TEN).json()["client"] != held["client"]
    assert Reservation.objects.held(now=NOON).count() == 2


def test_hold_with_details_stays_when_another_time_is_held(provider, held, visitor):
    give(visitor, held)

    reserve(provider, TEN, visitor)

    assert Reservation.objects.held(now=NOON).count() == 2


def test_token_reaches_a_hold_that_was_moved(provider, held, visitor):
    second = reserve(provider, TEN, visitor).json()

    assert visitor.get(path(second)).status_code == 200


def test_hold_of_a_user_is_not_moved_by_the_next(booker_api, provider):
    reserve(provider, NINE, booker_api)
    reserve(provider, TEN, booker_api)

    assert Reservation.objects.held(now=NOON).count() == 2


def test_taken_time_is_refused_with_the_nearest(provider, held):
    answer = reserve(provider)

    assert refusal(answer) == (409, "slot_taken", "start_time")
    assert answer.json()["details"]["alternatives"]
    assert Client.objects.filter(name="").count() == 1


def test_visitor_has_as_many_holds_as_a_client(provider, settings):
    settings.MAX_LIVE_HOLDS = 1
    held = reserve(provider).json()
    api = by_token(held["guest_token"])
    give(api, held)

    assert refusal(reserve(provider, TEN, api)) == (409, "too_many_holds", None)


def test_network_has_a_maximum_of_holds(provider, settings):
    settings.MAX_LIVE_HOLDS_PER_NETWORK = 1
    reserve(provider)

    assert refusal(reserve(provider, TEN)) == (409, "too_many_holds_in_network", None)


def test_holds_and_details_count_as_on_the_pages(provider, throttle):
    throttle["hold"] = "2/hour"
    held = reserve(provider).json()
    assert give(by_token(held["guest_token"]), held).status_code == 200

    answer = reserve(provider, TEN)

    assert refusal(answer) == (429, "throttled", None)
    assert answer.headers["Retry-After"]


def test_users_holds_count_as_writes(booker_api, provider, throttle):
    throttle["hold"] = "1/hour"

    assert [reserve(provider, start, booker_api).status_code for start in (NINE, TEN)] == [201, 201]


@pytest.mark.parametrize(
    ("field", "value"), [("client", 1), ("end_time", "2026-03-04T09:30:00Z"), ("override", ["notice"])]
)
def test_what_only_users_send_is_refused(provider, field, value):
    assert refusal(reserve(provider, **{field: value})) == (403, "not_allowed", field)
    assert not Reservation.objects.exists()


@pytest.mark.parametrize("fact", VETTED)
def test_provider_who_is_not_published_is_not_there(provider, fact):
    Provider.objects.filter(pk=provider.pk).update(**{fact: False})

    assert refusal(reserve(provider)) == (404, "not_found", "provider")


# --- The token --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Guest", "Guest a b", "Guest x", "guest x", "Guest \xff", f"Guest {'a' * 8000}"])
def test_token_that_is_none_is_refused_everywhere(api, provider, header):
    api.credentials(HTTP_AUTHORIZATION=header)

    for answer in (reserve(provider, api=api), api.get("/api/slots"), api.get("/api/providers"), api.get("/api/me")):
        assert refusal(answer) == (401, "guest_token_not_valid", None)
    assert not Reservation.objects.exists()


def test_token_of_the_details_page_is_none(held):
    token = details_token(Reservation.objects.get())

    assert refusal(by_token(token).get(path(held))) == (401, "guest_token_not_valid", None)


def test_token_expires_after_a_day(held, visitor):
    with time_machine.travel(NOON + timedelta(days=1, seconds=1), tick=False):
        assert refusal(visitor.get(path(held))) == (401, "guest_token_expired", None)


def test_token_of_another_visitor_leads_nowhere(provider, held):
    other = by_token(reserve(provider, TEN).json()["guest_token"])

    assert refusal(other.get(path(held))) == (404, "not_found", None)
    assert refusal(other.delete(path(held))) == (404, "not_found", None)
    assert refusal(give(other, held)) == (404, "not_found", None)
    assert refusal(confirm(other, held, code=code(held))) == (404, "not_found", None)
    assert Reservation.objects.held(now=NOON).count() == 2


def test_token_leads_to_no_registered_clients_hold(provider, booker):
    theirs = hold(provider, at("2026-03-04 10:00"), client=booker)
    token = guest_token(booker.reference, theirs)

    assert by_token(token).get(f"/api/reservations/{theirs.pk}").status_code == 404


def test_token_opens_nothing_else(visitor, held):
    assert refusal(visitor.get("/api/reservations")) == (403, "permission_denied", None)
    assert refusal(visitor.get("/api/appointments")) == (403, "permission_denied", None)
    assert refusal(visitor.get("/api/me")) == (403, "permission_denied", None)


def test_token_and_a_session_do_not_mix(booker, held, provider):
    browser = by_token(held["guest_token"])
    browser.force_login(booker.user)

    answer = reserve(provider, TEN, browser)

    assert answer.json()["client"] == held["client"]


# --- Details ----------------------------------------------------------------------------------------------------------


def test_details_extend_the_hold_and_mail_link_and_code(held, visitor):
    answer = give(visitor, held, note="First time", language="de")

    assert (answer.status_code, answer.json()["expires_at"]) == (200, "2026-03-02T12:30:00Z")
    made = Reservation.objects.select_related("client__preferences").get()
    assert (made.client.name, made.client.email, made.note) == ("Ada", "ada@example.org", "First time")
    assert made.client.preferences.language == "de"
    mail = compose(Message.objects.detailed().get(kind="hold"), custom_texts={}, now=NOON)
    assert "/r/" in mail.text
    assert code(held) in mail.text
    assert code(held) in mail.html


def test_mail_of_a_hold_on_a_page_has_no_code(held, visitor):
    give(visitor, held)
    Reservation.objects.update(face="page")

    assert code(held) not in compose(Message.objects.detailed().get(kind="hold"), custom_texts={}, now=NOON).text


def test_code_is_hidden_from_staff_who_read_the_mail(held, visitor):
    give(visitor, held)

    assert code(held) not in text_if_sent_now(Message.objects.detailed().get(kind="hold"), now=NOON)


def test_details_again_correct_the_address_and_end_the_first_code(held, visitor):
    give(visitor, held, email="aba@example.org")
    first = code(held)

    assert give(visitor, held).status_code == 200
    assert refusal(confirm(visitor, held, code=first)) == (400, "wrong_code", "code")
    assert confirm(visitor, held, code=code(held)).status_code == 200


def test_details_a_third_time_are_refused(held, visitor):
    give(visitor, held)
    give(visitor, held)

    assert refusal(give(visitor, held)) == (409, "asked_enough", "email")


def test_one_mailbox_gets_few_mails(provider, throttle):
    throttle["mail"] = "1/hour"
    first, second = (reserve(provider, start).json() for start in (NINE, TEN))
    give(by_token(first["guest_token"]), first)

    answer = give(by_token(second["guest_token"]), second, email="Ada+2@example.org")

    assert refusal(answer) == (429, "throttled", None)
    assert Message.objects.filter(kind="hold").count() == 1


def test_hold_that_is_over_counts_no_mail_to_a_mailbox(provider, throttle):
    throttle["mail"] = "1/hour"
    first, second = (reserve(provider, start).json() for start in (NINE, TEN))
    by_token(first["guest_token"]).delete(f"/api/v1/reservations/{first['id']}")

    assert refusal(give(by_token(first["guest_token"]), first))[0] in {409, 410}
    assert give(by_token(second["guest_token"]), second).status_code == 200


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"name": ""}, ("blank", "name")),
        ({"name": "https://example.org"}, ("link_in_name", "name")),
        ({"email": "ada"}, ("invalid", "email")),
        ({"phone": "123"}, ("invalid", "phone")),
        ({"by_sms": True}, ("required", "phone")),
        ({"language": "xx"}, ("invalid_choice", "language")),
        ({"notes": "x"}, ("unknown_field", "notes")),
    ],
)
def test_details_that_are_wrong_are_refused(held, visitor, sent, error):
    assert refusal(give(visitor, held, **sent)) == (400, *error)
    assert not Message.objects.exists()


def test_details_need_name_and_email(held, visitor):
    errors = visitor.post(path(held, "details"), {}).json()["errors"]

    assert {(error["code"], error["attr"]) for error in errors} == {("required", "name"), ("required", "email")}


def test_details_of_a_hold_that_has_expired(held, visitor):
    with time_machine.travel(NOON + minutes(10), tick=False):
        assert refusal(give(visitor, held)) == (410, "hold_expired", None)


def test_provider_cannot_give_details_for_a_visitor(provider_api, held):
    assert refusal(give(provider_api, held)) == (403, "not_allowed", None)


def test_reminders_by_text_message_as_on_the_page(held, visitor):
    give(visitor, held, phone="+4930123456", by_sms=True)

    assert Reservation.objects.get().client.preferences.channels == ["email", "sms"]


def test_no_text_messages_where_there_is_no_gateway(held, visitor, settings):
    settings.SMS_GATEWAY = "none"

    assert refusal(give(visitor, held, phone="+4930123456", by_sms=True)) == (400, "invalid", "by_sms")


# --- Confirming -------------------------------------------------------------------------------------------------------


def test_code_makes_the_appointment(held, visitor):
    give(visitor, held, note="First time")

    answer = confirm(visitor, held, code=code(held))

    assert (answer.status_code, answer.json()["status"], answer.json()["description"]) == (
        200,
        "scheduled",
        "First time",
    )
    assert by_token(answer.json()["guest_token"]).get(f"/api/appointments/{answer.json()['id']}").status_code == 200
    event = AppointmentEvent.objects.get()
    assert (event.event, event.face, event.user) == ("booked", "api", None)
    assert visitor.get(path(held)).json()["appointment"] == answer.json()["id"]
    assert broken_promises() == {}


def test_confirming_twice_answers_the_same_appointment(held, visitor):
    give(visitor, held)

    first, second = (confirm(visitor, held, code=code(held)) for _ in range(2))

    assert first.json() == second.json()
    assert Appointment.objects.count() == 1


def test_service_that_needs_approval_waits_for_it(provider):
    service = ServiceFactory(providers=[provider], needs_approval=True)
    held = reserve(provider, service=service.pk).json()
    visitor = by_token(held["guest_token"])
    give(visitor, held)

    assert confirm(visitor, held, code=code(held)).json()["status"] == "pending"


def test_without_the_code_it_is_said_what_to_do(held, visitor):
    give(visitor, held)

    answer = confirm(visitor, held)

    assert refusal(answer) == (403, "confirmation_required", None)
    assert answer.json()["details"]["steps"][-1] == "POST /api/v1/reservations/{id}/confirm"
    assert not Appointment.objects.exists()


def test_code_before_details_is_wrong(held, visitor):
    assert refusal(confirm(visitor, held, code=code(held))) == (400, "wrong_code", "code")


def test_after_five_wrong_codes_the_right_one_is_dead(held, visitor):
    give(visitor, held)
    for _ in range(5):
        assert refusal(confirm(visitor, held, code=wrong(held))) == (400, "wrong_code", "code")

    assert refusal(confirm(visitor, held, code=code(held))) == (400, "wrong_code", "code")
    assert not Appointment.objects.exists()


def test_four_wrong_codes_leave_one_try(held, visitor):
    give(visitor, held)
    for _ in range(4):
        confirm(visitor, held, code=wrong(held))

    assert confirm(visitor, held, code=code(held)).status_code == 200


def test_other_details_bring_no_new_tries(held, visitor):
    give(visitor, held, email="aba@example.org")
    for _ in range(5):
        confirm(visitor, held, code=wrong(held))
    give(visitor, held)

    assert refusal(confirm(visitor, held, code=code(held))) == (400, "wrong_code", "code")


def test_wrong_codes_with_a_key_to_repeat_count_too(held, visitor):
    give(visitor, held)
    for number in range(5):
        visitor.post(path(held, "confirm"), {"confirmed": True, "code": wrong(held)}, HTTP_IDEMPOTENCY_KEY=str(number))

    assert refusal(confirm(visitor, held, code=code(held))) == (400, "wrong_code", "code")


def test_code_of_another_hold_is_wrong(provider, held, visitor):
    other = reserve(provider, TEN).json()
    give(by_token(other["guest_token"]), other)
    give(visitor, held)

    assert code(other) != code(held)
    assert refusal(confirm(visitor, held, code=code(other))) == (400, "wrong_code", "code")


def test_code_ends_with_the_hold(held, visitor):
    give(visitor, held)

    with time_machine.travel(NOON + minutes(30), tick=False):
        assert refusal(confirm(visitor, held, code=code(held))) == (410, "hold_expired", None)


def test_link_in_the_mail_confirms_too(client, held, visitor):
    give(visitor, held)
    client.post(hold_link(Reservation.objects.get()).removeprefix("http://localhost:8000"), {"do": "confirm"})

    assert visitor.get(path(held)).json()["status"] == "confirmed"
    assert refusal(confirm(visitor, held)) == (409, "already_confirmed", None)
    assert confirm(visitor, held, code=code(held)).status_code == 200


def test_code_after_the_appointment_was_moved_answers_it(held, visitor):
    give(visitor, held)
    made = confirm(visitor, held, code=code(held)).json()
    by_token(made["guest_token"]).post(f"/api/appointments/{made['id']}/reschedule", {"start_time": TEN})

    assert confirm(visitor, held, code=code(held)).json()["start_time"] == TEN
    assert refusal(confirm(visitor, held)) == (410, "hold_released", None)


def test_users_send_no_code(booker_api, provider):
    held = reserve(provider, api=booker_api).json()

    assert refusal(confirm(booker_api, held, code="123456")) == (403, "not_allowed", "code")


# --- Releasing --------------------------------------------------------------------------------------------------------


def test_visitor_releases_their_hold(held, visitor):
    assert visitor.delete(path(held)).status_code == 204
    assert visitor.get(path(held)).json()["status"] == "released"


def test_visitor_gives_the_time_back_instead_of_confirming(held, visitor):
    answer = visitor.post(path(held, "confirm"), {"confirmed": False})

    assert (answer.status_code, answer.json()["status"]) == (200, "released")


def test_time_released_is_free_for_others(provider, held, visitor):
    visitor.delete(path(held))

    assert reserve(provider).status_code == 201


# --- Repeating --------------------------------------------------------------------------------------------------------


def test_first_hold_cannot_be_repeated_by_a_key(api, provider):
    answer = api.post("/api/reservations", {"provider": provider.pk, "start_time": NINE}, HTTP_IDEMPOTENCY_KEY="one")

    assert refusal(answer) == (400, "idempotency_key_unsupported", None)
    assert not IdempotentRequest.objects.exists()
    assert not Reservation.objects.exists()


def test_guests_repeat_a_write_by_a_key(held, visitor):
    first, second = (visitor.post(path(held, "details"), ADA, HTTP_IDEMPOTENCY_KEY="one") for _ in range(2))

    assert first.content == second.content
    assert second.headers["Idempotency-Replayed"] == "true"
    assert Message.objects.filter(kind="hold").count() == 1


def test_key_of_another_guest_is_another_key(provider, held, visitor):
    other = reserve(provider, TEN).json()
    visitor.post(path(held, "details"), ADA, HTTP_IDEMPOTENCY_KEY="one")

    answer = by_token(other["guest_token"]).post(path(other, "details"), ADA, HTTP_IDEMPOTENCY_KEY="one")

    assert (answer.status_code, answer.headers.get("Idempotency-Replayed")) == (200, None)


def test_tokens_are_not_kept_with_answers(held, visitor):
    give(visitor, held)
    first, second = (
        visitor.post(path(held, "confirm"), {"confirmed": True, "code": code(held)}, HTTP_IDEMPOTENCY_KEY="one")
        for _ in range(2)
    )

    assert first.json()["guest_token"]
    assert second.json() == {**first.json(), "guest_token": None}


# --- Archive and erasure ----------------------------------------------------------------------------------------------


def test_archive_of_a_guest_has_the_appointment(held, visitor):
    give(visitor, held, note="First time")
    made = confirm(visitor, held, code=code(held)).json()
    client = Client.objects.get(email="ada@example.org")

    [told] = export_person(client_id=client.pk)["appointments"]

    assert (told["id"], told["description"], told["history"][0]["through"]) == (made["id"], "First time", "api")


def test_erasing_a_guest_leaves_nothing_of_them(held, visitor):
    give(visitor, held, note="First time")
    body = {"confirmed": True, "code": code(held)}
    made = visitor.post(path(held, "confirm"), body, HTTP_IDEMPOTENCY_KEY="one").json()
    by_token(made["guest_token"]).post(f"/api/appointments/{made['id']}/cancel", {"reason": "Ill"})

    erase_client(client_id=made["client"]["id"], actor=SYSTEM, now=NOON)

    again = visitor.post(path(held, "confirm"), body, HTTP_IDEMPOTENCY_KEY="one")
    assert refusal(again) == (410, "answer_erased", None)
    appointment = Appointment.objects.get()
    assert (appointment.client.name, appointment.client.email) == ("Deleted", "")
    assert (appointment.description, appointment.cancellation_reason, appointment.reservation.note) == ("", "", "")

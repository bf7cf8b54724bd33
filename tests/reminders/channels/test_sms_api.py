"""Twilio's callbacks, accepted only with its signature."""

from urllib.parse import urlencode

import pytest
from rest_framework.test import APIClient
from twilio.request_validator import RequestValidator

from reminders.channels.sms import api
from reminders.enums import AttemptOutcome
from reminders.models import OptOut
from tests.factories import DeliveryAttemptFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

TOKEN = "12345"
SITE = "https://book.example.org"
FORM = "application/x-www-form-urlencoded"
DELIVERED = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+4930901820"}
STOP = {"From": "+4930901820", "Body": "STOP", "MessageSid": "SM9"}


@pytest.fixture(autouse=True)
def _signed_for(settings, monkeypatch):
    settings.TWILIO_AUTH_TOKEN = TOKEN
    settings.SITE_URL = SITE
    monkeypatch.setattr(api, "PAUSES", api.PAUSES[:1])


def post(path, form, *, signature=None, **headers):
    if signature is None:
        signature = RequestValidator(TOKEN).compute_signature(SITE + path, form)
    return APIClient().post(
        path, urlencode(form), content_type=FORM, headers={"X-Twilio-Signature": signature, **headers}
    )


@pytest.mark.parametrize("path", ["/api/sms/status", "/api/sms/status/", "/api/sms/status?from=here&x=%20"])
def test_status_is_written_down_once_however_often_it_is_told(path):
    attempt = DeliveryAttemptFactory(message__channel="sms", reference="SM1")

    answers = [post(path, DELIVERED) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    attempt.refresh_from_db()
    assert attempt.outcome == AttemptOutcome.DELIVERED


def test_loss_is_written_down_with_its_code():
    attempt = DeliveryAttemptFactory(message__channel="sms", reference="SM1")

    post("/api/sms/status", {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30006"})

    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.error) == (AttemptOutcome.REFUSED, "undelivered 30006")


@pytest.mark.parametrize("status", ["delivered", "undelivered"])
def test_report_that_is_quicker_than_our_own_note_waits_for_it(monkeypatch, status):
    notes = []

    def we_note_it(seconds):
        notes.append(DeliveryAttemptFactory(message__channel="sms", reference="SM1"))

    monkeypatch.setattr(api.time, "sleep", we_note_it)

    assert post("/api/sms/status", {**DELIVERED, "MessageStatus": status}).status_code == 204

    [attempt] = notes
    attempt.refresh_from_db()
    assert attempt.outcome == (AttemptOutcome.DELIVERED if status == "delivered" else AttemptOutcome.REFUSED)


def test_report_waits_well_within_the_time_that_twilio_does():
    assert sum(api.PAUSES) < 2


def test_report_of_what_is_not_final_does_not_wait(monkeypatch):
    monkeypatch.setattr(api.time, "sleep", None)

    assert post("/api/sms/status", {**DELIVERED, "MessageStatus": "sent"}).status_code == 204


@pytest.mark.parametrize("form", [DELIVERED, {}, {"MessageSid": "SM1"}, {"MessageStatus": "delivered"}])
def test_status_of_nothing_of_ours_is_fine(form):
    assert post("/api/sms/status", form).status_code == 204


@pytest.mark.parametrize(("text", "stands"), [({"Body": "Stop"}, True), ({"Body": "Hello"}, False), ({}, False)])
def test_answers_are_heard_and_not_answered(text, stands):
    answer = post("/api/sms/inbound", {"From": "+4930901820", **text})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml")
    assert answer.content == b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
    assert OptOut.objects.standing().exists() == stands


def test_word_of_another_language_is_what_twilio_takes_it_for():
    post("/api/sms/inbound", {"From": "+4930901820", "Body": "HALT", "OptOutType": "STOP"})

    assert OptOut.objects.standing().get().address == "+4930901820"


def test_start_ends_what_stop_began():
    post("/api/sms/inbound", STOP)
    post("/api/sms/inbound", {**STOP, "Body": "start"})

    assert not OptOut.objects.standing().exists()


FORGED = {
    "none": "",
    "nonsense": "x" * 28,
    "no ASCII": "ü" * 28,
    "of another token": RequestValidator("54321").compute_signature(f"{SITE}/api/sms/inbound", STOP),
    "of another address": RequestValidator(TOKEN).compute_signature(f"{SITE}/api/sms/status", STOP),
    "of another form": RequestValidator(TOKEN).compute_signature(f"{SITE}/api/sms/inbound", {**STOP, "From": "+1"}),
}


@pytest.mark.parametrize("signature", FORGED)
def test_what_is_not_signed_by_twilio_is_refused(signature):
    answer = post("/api/sms/inbound", STOP, signature=FORGED[signature])

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "bad_signature")
    assert not OptOut.objects.exists()


def test_signature_with_an_empty_token_is_refused(settings):
    settings.TWILIO_AUTH_TOKEN = ""
    signature = RequestValidator("").compute_signature(f"{SITE}/api/sms/inbound", STOP)

    assert post("/api/sms/inbound", STOP, signature=signature).status_code == 403


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"a=1", "multipart/form-data; boundary=x", 415),
        (b"x" * 2_000_000, FORM, 413),
        (b"a=1&" * 2000, FORM, 400),
        (b"\xff=%ff&%00=%ed%a0%80", FORM, 403),
        (b"", FORM, 403),
    ],
)
@pytest.mark.parametrize("path", ["/api/sms/status", "/api/sms/inbound"])
def test_what_is_no_form_is_refused(path, body, content_type, status):
    answer = APIClient().post(path, body, content_type=content_type)

    assert (answer.status_code, set(answer.json())) == (status, {"type", "errors"})


def test_gateway_is_told_no_limit(throttle):
    throttle["write"] = "2/min"

    assert [post("/api/sms/status", DELIVERED).status_code for _ in range(5)] == [204] * 5

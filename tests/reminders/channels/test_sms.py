"""SMS: what the own machine writes down, and Twilio's API as a real HTTP server tells it."""

import base64
import json
import logging
from urllib.parse import parse_qs
from uuid import UUID

import pytest

from reminders.channels.base import DeliveryError, OutgoingMessage, RefusedForGood, Unreachable
from reminders.channels.sms.channel import connect
from tests.reminders.servers import HANG, HANG_UP, answer, says, taking_less_than

KEY = UUID("11111111-2222-3333-4444-555555555555")
NUMBER = "+4930901820"


def outgoing(text: str = "See you tomorrow") -> OutgoingMessage:
    return OutgoingMessage(KEY, NUMBER, text=text)


def send(*parcels: OutgoingMessage) -> list[str]:
    with connect() as line:
        return [line.send(one) for one in parcels or (outgoing(),)]


# --- For the own machine ----------------------------------------------------------------------------------------------


def test_console_prints_and_leaves_nothing_in_the_log(settings, caplog, capsys):
    settings.SMS_GATEWAY = "console"

    with caplog.at_level(logging.DEBUG):
        assert send() == [""]

    assert capsys.readouterr().out == f"SMS to {NUMBER}: See you tomorrow\n"
    assert not caplog.messages


def test_without_a_gateway_it_says_that_none_is_set_up(settings):
    settings.SMS_GATEWAY = "none"

    with pytest.raises(Unreachable, match=r"No SMS gateway is set up \(SMS_GATEWAY\)."):
        send()


def test_file_is_made_and_added_to(settings, tmp_path):
    settings.SMS_GATEWAY = "file"
    settings.SMS_FILE = str(tmp_path / "new" / "sms.txt")

    send(outgoing("One"), outgoing("Zwölf"))

    assert (tmp_path / "new" / "sms.txt").read_text() == f"To: {NUMBER}\n\nOne\n\nTo: {NUMBER}\n\nZwölf\n\n"


def test_file_that_cannot_be_written_is_unreachable(settings, tmp_path):
    settings.SMS_GATEWAY = "file"
    settings.SMS_FILE = str(tmp_path)

    with pytest.raises(Unreachable):
        send()


# --- Twilio -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def twilio(settings, http_server):
    """Twilio's API, as far as we need it."""
    settings.SMS_GATEWAY = "twilio"
    settings.SEND_TIMEOUT_SECONDS = 1
    settings.SITE_URL = "https://book.example.org"
    settings.TWILIO_ACCOUNT_SID = "AC1"
    settings.TWILIO_AUTH_TOKEN = "token"
    settings.TWILIO_FROM = "+15005550006"
    settings.TWILIO_API_URL = http_server.url
    return http_server


def made(sid: str = "SM1"):
    return answer(201, json.dumps({"sid": sid, "status": "queued"}).encode())


def no(status: int, code: int, **headers: str):
    body = {"code": code, "message": "It says why", "status": status, "more_info": ""}
    return answer(status, json.dumps(body).encode(), **headers)


def refusal(twilio, trick) -> DeliveryError:
    twilio.tricks.append(trick)
    with taking_less_than(2), pytest.raises(DeliveryError) as caught:
        send()
    return caught.value


def test_twilio_is_told_whom_what_and_where_to_report(twilio):
    twilio.tricks.append(made("SM123"))

    assert send() == ["SM123"]

    [got] = twilio.got
    assert (got.method, got.path) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
    assert got.headers["authorization"] == f"Basic {base64.b64encode(b'AC1:token').decode()}"
    assert {name: value for name, [value] in parse_qs(got.body.decode()).items()} == {
        "To": NUMBER,
        "From": "+15005550006",
        "Body": "See you tomorrow",
        "StatusCallback": "https://book.example.org/api/v1/sms/status",
    }


def test_twilio_is_told_of_a_messaging_service(twilio, settings):
    settings.TWILIO_FROM = "MG9752274e9e519418a7406176694466fa"
    twilio.tricks.append(made())

    send()

    told = parse_qs(twilio.got[0].body.decode())
    assert (told["MessagingServiceSid"], "From" in told) == ([settings.TWILIO_FROM], False)


@pytest.mark.parametrize("code", [21610, 21211, 21614, 21408])
def test_number_twilio_will_not_write_to_is_refused(twilio, code):
    error = refusal(twilio, no(400, code))

    assert type(error) is RefusedForGood
    assert (str(error), error.gone) == (f"Twilio {code}: Unable to create record: It says why", False)


@pytest.mark.parametrize(("status", "code"), [(400, 21606), (404, 20404), (500, 20500), (503, 20503)])
def test_other_refusals_are_tried_again(twilio, status, code):
    error = refusal(twilio, no(status, code))

    assert type(error) is DeliveryError
    assert (str(error), error.retry_after) == (f"Twilio {code}: Unable to create record: It says why", None)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("soon", None), ("٣", None), ("9" * 50, None)])
def test_too_many_requests_say_when_to_ask_again(twilio, header, seconds):
    raw = f"HTTP/1.1 429 Too Many\r\nRetry-After: {header}\r\nContent-Length: 14\r\n\r\n".encode()

    error = refusal(twilio, says(raw, b'{"code":20429}'))

    assert (type(error), error.retry_after) == (DeliveryError, seconds)


def test_what_one_refusal_asked_for_is_not_kept_for_the_next(twilio):
    twilio.tricks.extend([no(429, 20429, Retry_After="7"), no(500, 20500)])
    with connect() as line:
        for seconds in (7, None):
            with pytest.raises(DeliveryError) as caught:
                line.send(outgoing())
            assert caught.value.retry_after == seconds


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (403, 20403)])
def test_account_that_is_not_let_in_is_unreachable(twilio, status, code):
    assert type(refusal(twilio, no(status, code))) is Unreachable


def test_problem_details_are_understood(twilio):
    body = {"type": "https://x", "title": "Refused", "status": 400, "code": 21610, "detail": "Opted out"}

    error = refusal(twilio, answer(400, json.dumps(body).encode()))

    assert (type(error), str(error)) == (RefusedForGood, "Twilio 21610: Opted out")


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"[]", b'{"code": null}'])
def test_refusals_that_cannot_be_read_are_tried_again(twilio, body):
    assert type(refusal(twilio, answer(502, body))) is DeliveryError


@pytest.mark.parametrize("body", [b"<html>", b"", b"{}"])
def test_answers_that_cannot_be_read_are_tried_again(twilio, body):
    assert type(refusal(twilio, answer(201, body))) is DeliveryError


@pytest.mark.parametrize(
    "trick",
    [
        HANG,
        HANG_UP,
        says(b"HTTP/1.1 2"),
        says(b"HTTP/1.1 201 Made\r\nContent-Length: 100\r\n\r\n{"),
        says(b"HTTP/1.1 201 Made\r\nContent-Length: 100\r\n\r\n{", ending="hang"),
    ],
)
def test_twilio_that_gives_no_whole_answer_is_unreachable(twilio, trick):
    error = refusal(twilio, trick)

    assert isinstance(error, Unreachable)
    assert error.handed_over


def test_twilio_that_is_not_there_is_unreachable(twilio, settings, closed_port):
    settings.TWILIO_API_URL = f"http://127.0.0.1:{closed_port}"

    error = refusal(twilio, made())

    assert isinstance(error, Unreachable)
    assert not error.handed_over


def test_twilio_takes_a_batch_over_one_line(twilio):
    twilio.tricks.extend([made("SM1"), no(400, 21610), made("SM2")])
    with connect() as line:
        assert line.send(outgoing()) == "SM1"
        with pytest.raises(RefusedForGood):
            line.send(outgoing())
        assert line.send(outgoing()) == "SM2"

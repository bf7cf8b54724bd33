"""`/api/me/phone`: a client verifies their phone."""

import re

import pytest

from accounts.models import Client
from reminders.models import PhoneCode
from reminders.phones.operations import send_due
from tests.booking.answers import refusal
from tests.conftest import logged_in
from tests.factories import NOON, ClientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


PHONE = "+12025550143"


@pytest.fixture
def texts(settings, tmp_path):
    path = tmp_path / "sms.txt"
    settings.SMS_GATEWAY, settings.SMS_FILE = "file", str(path)
    return path


def test_phone_is_verified_by_two_requests(booker, booker_api, texts, at_noon):
    asked = booker_api.post("/api/me/phone", {"phone": PHONE})
    send_due(clock=lambda: NOON)
    [code] = re.findall(r"\b[0-9]{6}\b", texts.read_text())

    answer = booker_api.post("/api/me/phone/verify", {"code": code})

    assert asked.status_code == 202
    assert (answer.status_code, answer.json()) == (200, {"phone": PHONE, "phone_is_verified": True})
    assert booker_api.get("/api/me/phone").json()["phone_is_verified"]


def test_asking_answers_the_same_for_a_number_that_gets_none(booker_api, at_noon):
    first = booker_api.post("/api/me/phone", {"phone": PHONE})
    Client.objects.update(verified_phone=PHONE)
    PhoneCode.objects.all().delete()

    second = booker_api.post("/api/me/phone")

    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert not PhoneCode.objects.exists()


@pytest.mark.parametrize("code", ["12345", "1234567", "١٢٣٤٥٦", "12 345", "123456\n", ""])
def test_code_is_six_digits(booker_api, code):
    assert booker_api.post("/api/me/phone/verify", {"code": code}).status_code == 400


def test_wrong_code_says_so(booker_api, at_noon):
    booker_api.post("/api/me/phone", {"phone": PHONE})

    assert refusal(booker_api.post("/api/me/phone/verify", {"code": "000000"})) == (400, "wrong_code", "code")


def test_asking_too_often_is_refused(booker_api, throttle, at_noon):
    throttle["code"] = "2/hour"

    answers = [booker_api.post("/api/me/phone", {"phone": PHONE}).status_code for _time in range(3)]

    assert answers == [202, 202, 429]


def test_provider_has_no_phone_to_verify(provider_api):
    assert refusal(provider_api.get("/api/me/phone")) == (403, "not_a_client", None)


def test_change_of_phone_by_the_client_takes_verification_back(at_noon):
    client = ClientFactory(phone=PHONE)
    api = logged_in(client.user)

    api.patch(f"/api/clients/{client.pk}", {"phone": "+12025550144"})

    assert api.get("/api/me/phone").json() == {"phone": "+12025550144", "phone_is_verified": False}

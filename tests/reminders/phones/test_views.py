"""Pages on which a phone is verified: a client's own, and a guest's by the link to their appointment."""

import re

import pytest

from accounts.models import Client
from booking.links import appointment_token
from reminders.phones.operations import send_due
from tests.factories import NOON, AppointmentFactory, ClientFactory
from tests.groups import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=14)]


PHONE = "+12025550143"


@pytest.fixture
def code(settings, tmp_path):
    """The code that goes out by SMS."""
    path = tmp_path / "sms.txt"
    settings.SMS_GATEWAY, settings.SMS_FILE = "file", str(path)

    def sent() -> str:
        send_due(clock=lambda: NOON)
        return re.findall(r"\b[0-9]{6}\b", path.read_text())[-1]

    return sent


class TestOwnPage:
    url = "/me/reminders/"

    def test_code_is_sent_and_taken(self, code):
        client = ClientFactory(phone=PHONE, verified_phone="")
        browser = browser_of(client.user)

        browser.post(self.url, {"do": "code"})
        browser.post(self.url, {"do": "verify", "code": code()})

        assert Client.objects.get().phone_is_verified

    def test_wrong_code_is_told_at_the_field(self):
        client = ClientFactory(phone=PHONE, verified_phone="")

        page = browser_of(client.user).post(self.url, {"do": "verify", "code": "000000"})

        assert "This code is wrong or has expired." in page.content.decode()
        assert not Client.objects.get().phone_is_verified

    def test_verified_phone_is_asked_for_no_code(self):
        assert "verify-phone" not in browser_of(ClientFactory(phone=PHONE).user).get(self.url).content.decode()

    def test_unverified_phone_is(self):
        client = ClientFactory(phone=PHONE, verified_phone="")

        page = browser_of(client.user).get(self.url).content.decode()

        assert "verify-phone" in page
        assert "The phone number is not verified." in page


class TestGuestsPage:
    @pytest.fixture
    def made(self):
        guest = ClientFactory(user=None, phone=PHONE, verified_phone="")
        return AppointmentFactory(reservation__client=guest)

    def test_code_is_sent_and_taken(self, client, made, code):
        url = f"/a/{appointment_token(made)}/phone/"

        client.post(url, {"do": "code"})
        answer = client.post(url, {"do": "verify", "code": code()})

        assert answer.headers["Location"] == f"/a/{appointment_token(made)}/"
        assert Client.objects.get().phone_is_verified

    def test_appointments_page_leads_there(self, client, made):
        token = appointment_token(made)

        assert f"/a/{token}/phone/" in client.get(f"/a/{token}/").content.decode()

    def test_page_without_a_good_link_is_not_there(self, client, made):
        assert client.get("/a/nonsense/phone/").status_code == 404

    def test_page_is_kept_by_nobody(self, client, made):
        answer = client.get(f"/a/{appointment_token(made)}/phone/")

        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")

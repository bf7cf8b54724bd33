"""A phone is verified by the code that was sent to it, and by nothing else."""

import re
from datetime import timedelta

import pytest

from accounts.actors import Actor, Source
from accounts.clients.operations import edit_client
from accounts.models import Client
from accounts.privacy.operations import erase_client
from reminders.channels.base import DeliveryError, RefusedForGood
from reminders.channels.sms import channel
from reminders.enums import OptOutSource
from reminders.models import PhoneCode
from reminders.phones import operations as phones
from reminders.phones.errors import CodeNotValid, CountryNotServed, NoPhone
from reminders.preferences.operations import opt_out
from scheduler_project.common.errors import NotAllowed
from tests.factories import NOON, SYSTEM, ClientFactory, actor_of, minutes

pytestmark = pytest.mark.django_db

PHONE, OTHER = "+12025550143", "+12025550144"


@pytest.fixture
def texts(settings, tmp_path):
    """Return the SMS sent."""
    path = tmp_path / "sms.txt"
    settings.SMS_GATEWAY, settings.SMS_FILE = "file", str(path)
    return lambda: path.read_text() if path.exists() else ""


@pytest.fixture
def kim(db) -> Client:
    """A client with a number of their own writing."""
    return ClientFactory(phone=PHONE, verified_phone="")


def ask(client, *, now=NOON, phone=None, network="192.0.2.1") -> None:
    phones.ask_code(client_id=client.pk, actor=actor_of(client), network=network, now=now, phone=phone)


def send(now=NOON) -> int:
    return phones.send_due(clock=lambda: now)


def code_in(texts) -> str:
    return re.findall(r"\b[0-9]{6}\b", texts())[-1]


def enter(client, code, *, now=NOON) -> Client:
    return phones.verify_phone(client_id=client.pk, code=code, actor=actor_of(client), now=now)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_code_of_the_text_message_verifies_the_phone(kim, texts):
    ask(kim)
    send()

    assert texts().startswith(f"To: {PHONE}")
    assert enter(kim, code_in(texts)).phone_is_verified
    assert Client.objects.get(pk=kim.pk).phone_is_verified


def test_code_is_not_kept(kim, texts):
    ask(kim)
    send()

    row = PhoneCode.objects.get()
    assert code_in(texts) not in "".join(str(value) for value in (row.digest, row.phone))


def test_code_works_once(kim, texts):
    ask(kim)
    send()
    enter(kim, code_in(texts))

    with pytest.raises(CodeNotValid):
        enter(kim, code_in(texts))


def test_wrong_code_verifies_nothing(kim, texts):
    ask(kim)
    send()

    with pytest.raises(CodeNotValid):
        enter(kim, wrong(code_in(texts)))
    assert not Client.objects.get(pk=kim.pk).phone_is_verified


@pytest.mark.parametrize(("tries", "good"), [(4, True), (5, False)])
def test_five_wrong_codes_end_it(kim, texts, tries, good):
    ask(kim)
    send()
    for _try in range(tries):
        with pytest.raises(CodeNotValid):
            enter(kim, wrong(code_in(texts)))

    assert verifies(kim, code_in(texts)) is good


@pytest.mark.parametrize(("after", "good"), [(minutes(10) - timedelta(seconds=1), True), (minutes(10), False)])
def test_code_is_good_for_ten_minutes(kim, texts, after, good):
    ask(kim)
    send()

    assert verifies(kim, code_in(texts), now=NOON + after) is good


def verifies(client, code, *, now=NOON) -> bool:
    try:
        return enter(client, code, now=now).phone_is_verified
    except CodeNotValid:
        return False


def test_code_for_another_number_verifies_nothing(kim, texts):
    ask(kim)
    send()
    edit_client(client_id=kim.pk, changes={"phone": OTHER}, actor=actor_of(kim))

    assert not verifies(kim, code_in(texts))


def test_code_of_somebody_else_verifies_nothing(kim, texts):
    other = ClientFactory(phone=PHONE, verified_phone="")
    ask(kim)
    send()
    code = code_in(texts)
    ask(other)

    assert not verifies(other, code)


def test_no_code_was_asked_for(kim):
    with pytest.raises(CodeNotValid):
        enter(kim, "000000")


def test_asking_again_ends_the_code_before(kim, texts):
    ask(kim)
    send()
    before = code_in(texts)
    ask(kim)

    assert not verifies(kim, before)


def test_asking_with_a_number_makes_it_ones_own(kim, texts):
    ask(kim, phone=OTHER)
    send()

    assert texts().startswith(f"To: {OTHER}")
    assert str(Client.objects.get(pk=kim.pk).phone) == OTHER


def test_asking_without_any_number_is_refused():
    with pytest.raises(NoPhone):
        ask(ClientFactory())


def test_asking_for_somebody_else_is_refused(kim):
    with pytest.raises(NotAllowed):
        phones.ask_code(client_id=kim.pk, actor=actor_of(ClientFactory()), network="", now=NOON)


def test_guest_asks_by_the_link_of_their_appointment(texts):
    guest = ClientFactory(user=None, phone=PHONE, verified_phone="")
    actor = Actor(None, Source.PAGE, guest=guest)
    phones.ask_code(client_id=guest.pk, actor=actor, network="", now=NOON)
    send()

    assert phones.verify_phone(client_id=guest.pk, code=code_in(texts), actor=actor, now=NOON).phone_is_verified


def test_country_that_is_not_served_is_refused(kim, settings):
    settings.SMS_COUNTRIES = ["DE"]

    with pytest.raises(CountryNotServed):
        ask(kim)


# --- Who gets none ----------------------------------------------------------------------------------------------------


def test_number_that_said_stop_gets_no_code(kim):
    opt_out(channel="sms", address=PHONE, source=OptOutSource.SMS, now=NOON)

    ask(kim)

    assert not PhoneCode.objects.exists()


def test_number_that_is_verified_gets_no_code(texts):
    ask(ClientFactory(phone=PHONE))

    assert (send(), texts()) == (0, "")


@pytest.mark.parametrize(
    ("scope", "same"),
    [
        ("code", {"phone": PHONE}),
        ("code_day", {"phone": PHONE}),
        ("code_network", {"network": "192.0.2.9"}),
        ("code_site", {}),
    ],
)
def test_too_many_codes_are_not_sent_whoever_asks(throttle, texts, scope, same):
    throttle |= {"code": "99/hour", "code_day": "99/day", "code_network": "99/hour", "code_site": "99/day"}
    throttle[scope] = "2/day"
    for number in range(4):
        asked = {"phone": f"+1202555014{number}", "network": f"192.0.2.{number}", **same}
        ask(ClientFactory(), **asked)

    assert send() == 2


def test_network_that_asked_too_often_uses_up_no_codes_of_a_number(throttle, texts):
    throttle |= {"code": "1/hour", "code_network": "1/hour"}
    ask(ClientFactory(), phone="+12025550140", network="192.0.2.9")
    ask(ClientFactory(), phone=PHONE, network="192.0.2.9")

    ask(ClientFactory(), phone=PHONE, network="192.0.2.10")

    assert send() == 2


def test_codes_within_the_limits_are_sent(throttle, texts):
    for number in range(3):
        ask(ClientFactory(), phone=f"+1202555014{number}", network=f"192.0.2.{number}")

    assert send() == 3


# --- Sending ----------------------------------------------------------------------------------------------------------


class Gateway:
    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return None

    def send(self, outgoing):
        self.sent.append(outgoing)
        if self.answers and (error := self.answers.pop(0)):
            raise error
        return ""


@pytest.fixture
def gateway(monkeypatch, settings):
    settings.SMS_GATEWAY = "test"

    def with_answers(*answers) -> Gateway:
        made = Gateway(*answers)
        monkeypatch.setitem(channel.GATEWAYS, "test", lambda: made)
        return made

    return with_answers


def test_code_that_could_not_be_sent_is_sent_again_as_another(kim, gateway):
    line = gateway(DeliveryError("busy"))
    ask(kim)
    send()

    assert send(NOON + minutes(1)) == 1
    assert enter(kim, line.sent[1].text[:6]).phone_is_verified


def test_code_for_a_number_nobody_has_is_given_up(kim, gateway):
    gateway(RefusedForGood("not a number"))
    ask(kim)
    send()

    assert not PhoneCode.objects.exists()


def test_code_is_sent_once(kim, gateway):
    line = gateway()
    ask(kim)
    send()
    send(NOON + minutes(5))

    assert len(line.sent) == 1


def test_codes_of_yesterday_go(kim, gateway):
    gateway()
    ask(kim)
    send()
    send(NOON + timedelta(days=1, minutes=1))

    assert not PhoneCode.objects.exists()


def test_erasing_takes_number_and_code_along(gateway):
    gateway()
    kim = ClientFactory(user=None, phone=PHONE)
    PhoneCode.objects.create(client=kim, phone=PHONE, asked_at=NOON, expires_at=NOON)

    erase_client(client_id=kim.pk, actor=SYSTEM, now=NOON)

    kim.refresh_from_db()
    assert (kim.phone, kim.verified_phone, PhoneCode.objects.count()) == ("", "", 0)

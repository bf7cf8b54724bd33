"""Rate limits."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from scheduler_project.common.limits import throttling
from scheduler_project.common.limits.throttling import Throttle, may, network, parsed
from scheduler_project.common.models import Tally
from scheduler_project.common.tasks import tidy
from tests.factories import UserFactory


class View(APIView):
    pass


class LoginView(APIView):
    throttle_scope = "login"


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    """A clock that stands still in the twentieth second of a minute."""
    monkeypatch.setattr(throttling.time, "time", lambda: 1_000_000_000.0 - 1_000_000_000 % 60 + 20)


@pytest.fixture
def rates(throttle):
    return throttle | {"read": "3/min", "write": "2/min", "login": "1/min"}


@pytest.fixture(autouse=True)
def _rates(settings, throttle):
    throttle.update(read="3/min", write="2/min", login="1/min")


def request(method="post", *, user=None, address="192.0.2.1", **headers):
    made = getattr(APIRequestFactory(), method)("/", REMOTE_ADDR=address, headers=headers)
    made.user = user or AnonymousUser()
    return made


def allowed(number, view=View, **arguments):
    """Return how many of that many requests are allowed."""
    return sum(Throttle().allow_request(request(**arguments), view()) for _ in range(number))


@pytest.mark.parametrize(
    ("rate", "meaning"), [("600/min", (600, 60)), ("10/s", (10, 1)), ("5/hour", (5, 3600)), ("1/day", (1, 86400))]
)
def test_parsed_rates(rate, meaning):
    assert parsed(rate) == meaning


def test_writes_are_counted_up_to_the_limit_and_not_beyond():
    assert allowed(5) == 2


@pytest.mark.django_db
def test_answer_of_the_api_says_what_is_left(client):
    answers = [client.get("/api/v1/providers") for _ in range(4)]

    assert [answer.headers["RateLimit"] for answer in answers] == [
        '"read";r=2;t=40',
        '"read";r=1;t=40',
        '"read";r=0;t=40',
        '"read";r=0;t=40',
    ]
    assert answers[3].headers["RateLimit-Policy"] == '"read";q=3;w=60'
    assert answers[3].headers["Retry-After"] == "40"


@pytest.mark.django_db
def test_answer_says_nothing_of_a_limit_that_is_not_counted(client, without_redis):
    assert "RateLimit" not in client.get("/api/v1/providers").headers


@pytest.mark.django_db
def test_page_says_nothing_of_a_limit(client):
    assert "RateLimit" not in client.get("/account/login/").headers


@pytest.mark.parametrize(("method", "number"), [("get", 3), ("head", 3), ("options", 3), ("delete", 2), ("put", 2)])
def test_reads_and_writes_have_limits_of_their_own(method, number):
    assert allowed(9, method=method) == number


def test_reads_do_not_use_up_the_writes():
    allowed(9, method="get")

    assert allowed(9) == 2


def test_a_view_may_name_its_own_scope(db):
    assert allowed(9, view=LoginView) == 1


def test_each_address_is_counted_alone():
    allowed(9)

    assert allowed(9, address="192.0.2.2") == 2


def test_an_address_cannot_be_made_up_in_a_header():
    allowed(9)

    assert allowed(9, **{"X-Forwarded-For": "198.51.100.7"}) == 0


def test_a_user_is_counted_wherever_they_are(db):
    user = UserFactory()
    allowed(9, user=user)

    assert allowed(9, user=user, address="192.0.2.2") == 0


def test_each_user_is_counted_alone(db):
    allowed(9, user=UserFactory())

    assert allowed(9, user=UserFactory()) == 2


def test_the_refused_are_told_how_long_to_wait():
    allowed(2)
    throttle = Throttle()

    assert (throttle.allow_request(request(), View()), throttle.wait()) == (False, 40)


def test_the_next_window_begins_anew(monkeypatch):
    allowed(9)
    monkeypatch.setattr(throttling.time, "time", lambda: 1_000_000_000.0 - 1_000_000_000 % 60 + 60)

    assert allowed(9) == 2


def test_no_limit_holds_when_throttling_is_off(settings):
    settings.THROTTLE = False

    assert allowed(9) == 9


@pytest.mark.usefixtures("without_redis")
def test_ordinary_requests_go_on_without_redis():
    assert allowed(9) == 9


@pytest.mark.usefixtures("without_redis")
def test_what_could_be_guessed_is_limited_without_redis_too(db):
    assert allowed(9, view=LoginView) == 1


def test_may_counts_by_subject_up_to_the_limit(db, throttle):
    throttle["mail"] = "2/d"

    assert [may("mail", subject) for subject in ("a", "a", "b", "a")] == [True, True, True, False]


def test_a_limit_of_none_lets_nobody_through(db, throttle):
    throttle["mail"] = "0/d"

    assert not may("mail", "a")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address", "not an address"),
    ],
)
def test_addresses_of_one_network_are_counted_together(address, counted):
    assert network(address) == counted


@pytest.mark.parametrize(("view", "together"), [(LoginView, 1), (View, 2)])
def test_networks_of_one_site_are_counted_together_where_others_are_concerned(db, view, together):
    addresses = ["2001:db8:1:1::1", "2001:db8:1:2::1"]

    assert sum(allowed(1, view=view, address=address) for address in addresses) == together


def test_tidy_forgets_windows_that_have_ended(db, now):
    for key, ends_at in (("old", now - timedelta(seconds=1)), ("current", now)):
        Tally.objects.create(key=key, count=1, ends_at=ends_at)

    with time_machine.travel(now, tick=False):
        tidy()

    assert list(Tally.objects.values_list("key", flat=True)) == ["current"]


def test_redis_that_does_not_answer_is_left_alone_for_a_while(without_redis):
    client = throttling.redis_client()
    assert allowed(1) == 1
    until = throttling.resting[client]

    assert allowed(1) == 1
    assert throttling.resting[client] == until

    throttling.resting[client] = 0
    assert allowed(1) == 1
    assert throttling.resting[client] > 0


def test_redis_that_is_gone_and_comes_back_is_said_once_each(without_redis, monkeypatch, caplog):
    client = throttling.redis_client()
    for _time in range(2):
        throttling.counted("key", 60)
        throttling.resting[client] = 0
    monkeypatch.setattr(client, "eval", lambda *_args: 1)
    for _time in range(2):
        throttling.counted("key", 60)

    assert [record.getMessage()[:21] for record in caplog.records] == ["Redis does not answer", "Redis answers again; "]

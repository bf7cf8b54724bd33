"""Sign-ins of a login: their list, their lifetime and their ends."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from rest_framework.test import APIClient

from accounts.models import SignIn, User
from accounts.sign_in.sign_ins import (
    MOST_PER_LOGIN,
    Origin,
    end_sign_ins,
    live_sign_ins,
    purge_sign_ins,
    start_sign_in,
)
from accounts.sign_in.user_agents import describe_user_agent
from scheduler_project.web.uploads import may_upload
from tests.accounts.helpers import bearer, queries_of, refusal, tokens_of
from tests.factories import NOON, PASSWORD, UserFactory
from tests.groups import browser_of

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0"


@pytest.fixture
def clock():
    """A clock that shows NOON until it is shifted."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _usual_sessions(settings):
    settings.STAFF_IDLE_MINUTES, settings.STAFF_SESSION_HOURS = 30, 12


def is_logged_in(browser):
    return browser.get("/api/me").status_code == 200


def speaking(user):
    return bearer(APIClient(), tokens_of(user)["access"])


def programs(user):
    return SignIn.objects.live().filter(user=user, kind=SignIn.Kind.PROGRAM)


# --- How long it lasts ------------------------------------------------------------------------------------------------


def test_session_of_staff_ends_when_it_rests(clock, staff):
    browser = browser_of(staff)
    clock.shift(timedelta(minutes=30))
    assert is_logged_in(browser)

    clock.shift(timedelta(minutes=30, seconds=1))
    assert not is_logged_in(browser)


def test_session_of_staff_lasts_half_a_day_at_most(clock, staff):
    browser = browser_of(staff)
    for _half_an_hour in range(24):
        clock.shift(timedelta(minutes=30))
        assert is_logged_in(browser)

    clock.shift(timedelta(seconds=1))
    assert not is_logged_in(browser)


def test_session_of_others_may_rest_for_two_weeks(clock, booker):
    browser = browser_of(booker.user)
    for _stay in range(2):
        clock.shift(timedelta(days=14) - timedelta(seconds=1))
        assert is_logged_in(browser)

    clock.shift(timedelta(days=14, seconds=1))
    assert not is_logged_in(browser)


def test_session_of_others_lasts_three_months_at_most(clock, booker, settings):
    settings.SIGN_IN_MAX_DAYS = 20
    browser = browser_of(booker.user)
    clock.shift(timedelta(days=13))
    assert is_logged_in(browser)

    clock.shift(timedelta(days=7, seconds=1))
    assert not is_logged_in(browser)


def test_programs_of_staff_may_rest(clock, staff):
    api = speaking(staff)
    clock.shift(timedelta(minutes=59))

    assert is_logged_in(api)


@pytest.mark.parametrize("signed_in", [browser_of, speaking])
def test_whoever_becomes_staff_signs_in_anew(booker, signed_in):
    before = signed_in(booker.user)
    User.objects.filter(pk=booker.user_id).update(is_staff=True)

    assert not is_logged_in(before)
    assert is_logged_in(signed_in(User.objects.get(pk=booker.user_id)))


@pytest.mark.parametrize("signed_in", [browser_of, speaking])
def test_use_costs_one_statement_and_a_write_a_minute(clock, booker, signed_in):
    api = signed_in(booker.user)
    session = 1 if signed_in is browser_of else 0
    assert queries_of(api.get, "/api/me") == session + 1

    clock.shift(timedelta(minutes=1))
    assert queries_of(api.get, "/api/me") == session + 2
    assert queries_of(api.get, "/api/me") == session + 1
    assert SignIn.objects.get().last_used_at == NOON + timedelta(minutes=1)


# --- Sessions ---------------------------------------------------------------------------------------------------------


def test_login_changes_the_key_of_the_session(client, booker):
    client.post("/timezone/", {"timezone": "Europe/Paris"})
    session = client.session
    session["from"] = "before"
    session.save()
    client.cookies["sessionid"] = before = session.session_key

    client.post("/account/login/", {"login": booker.user.email, "password": PASSWORD})

    assert client.cookies["sessionid"].value != before
    assert is_logged_in(client)


def test_login_notes_browser_and_network(client, booker):
    agent = FIREFOX + "\x00\u202e" + "x" * 400
    client.post("/account/login/", {"login": booker.user.email, "password": PASSWORD}, headers={"User-Agent": agent})

    row = SignIn.objects.get()
    assert (row.address, row.description, row.kind) == ("127.0.0.1", "Firefox on Windows", "browser")
    assert len(row.user_agent) == 300
    assert row.user_agent.isprintable()


def test_login_once_more_in_a_browser_is_one_sign_in(client, booker):
    for _time in range(2):
        client.force_login(booker.user)

    assert SignIn.objects.live().count() == 1


def test_logout_ends_the_sign_in(client, booker):
    client.force_login(booker.user)
    kept = dict(client.cookies)

    client.post("/account/logout/")

    assert not SignIn.objects.live().exists()
    client.cookies.update(kept)
    assert not is_logged_in(client)


def test_session_that_ended_is_emptied(client, booker):
    client.force_login(booker.user)
    end_sign_ins(user=booker.user, now=NOON)

    client.get("/account/")

    assert dict(client.session) == {}


def test_session_that_ended_lets_nobody_upload(rf, staff):
    browser = browser_of(staff)
    cookies = {settings.SESSION_COOKIE_NAME: browser.cookies[settings.SESSION_COOKIE_NAME].value}
    rf.cookies.load(cookies)
    asked = rf.post("/admin/booking/appointment/import/new/").environ
    assert may_upload(asked)

    end_sign_ins(user=staff, now=NOON)

    assert not may_upload(asked)


def test_session_from_before_there_were_sign_ins_is_nobodys(client, booker):
    client.force_login(booker.user)
    session = client.session
    del session["sid"]
    session.save()

    assert not is_logged_in(client)


# --- What ends them ---------------------------------------------------------------------------------------------------


@pytest.fixture
def both(booker):
    """A browser and a program that are signed in."""
    return [browser_of(booker.user), speaking(booker.user)]


def test_end_sign_ins_ends_sessions_and_tokens_of_a_login_only(booker, both):
    other = browser_of(UserFactory())

    assert end_sign_ins(user=booker.user, now=NOON) == 2

    assert [is_logged_in(api) for api in (*both, other)] == [False, False, True]


def test_end_sign_ins_keeps_the_one_it_is_told(booker, both):
    end_sign_ins(user=booker.user, keep=programs(booker.user).get(), now=NOON)

    assert [is_logged_in(api) for api in both] == [False, True]


def by_api(user):
    logged = APIClient()
    logged.force_authenticate(User.objects.get(pk=user.pk))
    logged.post("/api/password/change", {"current_password": PASSWORD, "new_password": "microseconds-of-rope"})


def by_page(user):
    browser_of(user).post(
        "/account/password/change/",
        {"oldpassword": PASSWORD, "password1": "microseconds-of-rope", "password2": "microseconds-of-rope"},
    )


def by_admin(user):
    browser_of(UserFactory(superuser=True)).post(
        f"/admin/accounts/user/{user.pk}/password/",
        {"password1": "microseconds-of-rope", "password2": "microseconds-of-rope", "usable_password": "true"},
    )


def by_hand(user):
    user.set_password("microseconds-of-rope")
    user.save()


@pytest.mark.parametrize("change", [by_api, by_page, by_admin, by_hand])
def test_another_password_ends_all_but_where_it_was_changed(booker, both, change):
    change(User.objects.get(pk=booker.user_id))

    assert User.objects.get(pk=booker.user_id).check_password("microseconds-of-rope")
    assert [is_logged_in(api) for api in both] == [False, False]
    assert (
        not SignIn.objects.live()
        .filter(user=booker.user, created_at__lt=SignIn.objects.latest("created_at").created_at)
        .exists()
    )


def test_another_password_answers_tokens_of_the_sign_in_it_was_changed_by(booker):
    api = speaking(booker.user)

    pair = api.post(
        "/api/password/change", {"current_password": PASSWORD, "new_password": "microseconds-of-rope"}
    ).json()

    assert not is_logged_in(api)
    assert is_logged_in(bearer(api, pair["access"]))
    assert APIClient().post("/api/token/refresh", {"refresh": pair["refresh"]}).status_code == 200
    assert SignIn.objects.count() == 1


def test_login_activated_again_is_not_signed_in(booker, both):
    for active in (False, True):
        booker.user.is_active = active
        booker.user.save()

    assert [is_logged_in(api) for api in both] == [False, False]


def test_admin_who_deactivates_ends_them(office, booker, both):
    rows = {"_selected_action": [booker.user_id]}
    office.post("/admin/accounts/user/", {"action": "deactivate", **rows})
    User.objects.update(is_active=True)

    assert [is_logged_in(api) for api in both] == [False, False]


def test_sign_ins_of_a_login_are_bounded(booker):
    first = start_sign_in(user=booker.user, kind=SignIn.Kind.PROGRAM, origin=Origin(), now=NOON)
    ended = start_sign_in(user=booker.user, kind=SignIn.Kind.PROGRAM, origin=Origin(), now=NOON)
    SignIn.objects.filter(pk=ended.pk).update(ended_at=NOON)
    rest = [
        SignIn(user=booker.user, kind="program", created_at=at, last_used_at=at)
        for at in (NOON + timedelta(seconds=number) for number in range(1, MOST_PER_LOGIN - 1))
    ]
    SignIn.objects.bulk_create(rest)

    for minute in (5, 6):
        start_sign_in(user=booker.user, kind=SignIn.Kind.PROGRAM, origin=Origin(), now=NOON + timedelta(minutes=minute))
        assert SignIn.objects.count() == MOST_PER_LOGIN
        assert not SignIn.objects.filter(pk=ended.pk).exists()
        assert SignIn.objects.filter(pk=first.pk).exists() == (minute == 5)


def test_forgets_those_that_ended_a_month_ago(booker):
    def signed_in(ago, **fields):
        at = NOON - timedelta(days=ago)
        return SignIn.objects.create(
            user=booker.user, **{"kind": "browser", "created_at": at, "last_used_at": at} | fields
        )

    signed_in(1, ended_at=NOON - timedelta(days=31))
    signed_in(45)
    signed_in(121, last_used_at=NOON)
    kept = [signed_in(44), signed_in(119, last_used_at=NOON), signed_in(1, ended_at=NOON - timedelta(days=29))]

    assert purge_sign_ins(NOON) == 3
    assert set(SignIn.objects.all()) == set(kept)


# --- Seeing and ending one's own --------------------------------------------------------------------------------------


def test_api_lists_where_one_is_signed_in(booker, both):
    SignIn.objects.filter(kind="browser").update(user_agent=FIREFOX)
    tokens_of(UserFactory())

    answer = both[1].get("/api/me/sign-ins").json()

    assert [(row["kind"], row["description"], row["is_current"]) for row in answer] == [
        ("program", "Unknown app", True),
        ("browser", "Firefox on Windows", False),
    ]
    assert set(answer[0]) == {
        "id",
        "kind",
        "description",
        "address",
        "created_at",
        "last_used_at",
        "is_current",
    }


def test_list_leaves_out_what_is_over(clock, booker):
    browser_of(booker.user)
    clock.shift(timedelta(days=15))
    tokens_of(booker.user)

    assert [row.kind for row in live_sign_ins(booker.user, now=NOON + timedelta(days=15))] == ["program"]


def test_api_ends_one(booker, both):
    browser, api = both
    row = SignIn.objects.get(kind="browser")

    assert api.delete(f"/api/me/sign-ins/{row.pk}").status_code == 204

    assert not is_logged_in(browser)
    assert refusal(api.delete(f"/api/me/sign-ins/{row.pk}")) == (404, [("sign_in_ended", None)])


def test_api_ends_all_others(booker, both):
    assert both[1].delete("/api/me/sign-ins").status_code == 204

    assert [is_logged_in(api) for api in both] == [False, True]


def test_api_ends_nobody_elses(booker, both):
    other = speaking(UserFactory())

    answer = other.delete(f"/api/me/sign-ins/{programs(booker.user).get().pk}")

    assert refusal(answer) == (404, [("sign_in_ended", None)])
    assert [is_logged_in(api) for api in both] == [True, True]


def test_page_shows_this_browser_first(booker, both):
    SignIn.objects.filter(kind="browser").update(user_agent=FIREFOX)

    page = both[0].get("/account/sign-ins/").content.decode()

    assert page.index("Firefox on Windows") < page.index("this browser") < page.index("Unknown app")


def test_page_ends_one(booker, both):
    row = programs(booker.user).get()

    both[0].post(f"/account/sign-ins/{row.pk}/end/")

    assert [is_logged_in(api) for api in both] == [True, False]


def test_page_that_ends_itself_leads_to_the_login(booker, both):
    row = SignIn.objects.get(kind="browser")

    answer = both[0].post(f"/account/sign-ins/{row.pk}/end/", follow=True)

    assert answer.redirect_chain[-1][0].startswith("/account/login/")


def test_page_ends_all_others(booker, both):
    both[0].post("/account/sign-ins/")

    assert [is_logged_in(api) for api in both] == [True, False]


def test_page_ends_nobody_elses(booker, both):
    browser_of(UserFactory()).post(f"/account/sign-ins/{programs(booker.user).get().pk}/end/")

    assert [is_logged_in(api) for api in both] == [True, True]


def test_admin_shows_and_ends_them(office, booker, both):
    row = programs(booker.user).get()

    page = office.get(f"/admin/accounts/signin/?user__id__exact={booker.user_id}").content.decode()
    office.post("/admin/accounts/signin/", {"action": "end", "_selected_action": [str(row.pk)]})

    assert str(row.pk) in page
    assert [is_logged_in(api) for api in both] == [True, False]


def test_admin_shows_those_of_staff_to_superusers_only(office):
    other = UserFactory(staff=True)
    tokens_of(other)
    row = SignIn.objects.get(user=other)
    from django.contrib.auth.models import Permission

    colleague = UserFactory(staff=True)
    colleague.user_permissions.set(
        Permission.objects.filter(codename__in=["view_signin", "change_user"], content_type__app_label="accounts")
    )
    browser = browser_of(User.objects.get(pk=colleague.pk))

    browser.post("/admin/accounts/signin/", {"action": "end", "_selected_action": [str(row.pk)]})

    assert SignIn.objects.live().filter(pk=row.pk).exists()
    assert str(row.pk) not in browser.get("/admin/accounts/signin/").content.decode()
    assert str(row.pk) in office.get("/admin/accounts/signin/").content.decode()


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) CriOS/138.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/138.0.0.0 Safari/537.36 Edg/138.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) Chrome/138.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.32", "python-requests"),
        ("<script>alert(1)</script>", "Unknown app"),
        ("", "Unknown app"),
    ],
)
def test_describe_user_agent_names_browser_and_system(agent, words):
    assert describe_user_agent(agent) == words

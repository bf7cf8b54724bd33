"""Registering, logging in and out, and tokens."""

from datetime import timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.models import Client, Provider, SignIn, User
from accounts.sign_in import registration
from accounts.sign_in.registration import Role
from booking.models import Schedule
from tests.accounts.helpers import bearer, refusal, tokens_of
from tests.factories import NOON, PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

GRACE = {"name": "Grace Hopper", "email": "grace@example.org", "password": "nanoseconds-of-wire"}


def register(api, **changes):
    return api.post("/api/register", GRACE | changes)


def login(api, email, password=PASSWORD):
    return api.post("/api/login", {"email": email, "password": password})


# --- Registering ------------------------------------------------------------------------------------------------------


def test_register_makes_a_client_who_is_logged_in(api):
    response = register(api, timezone="Europe/Berlin")

    body = response.json()
    client = Client.objects.get()
    assert response.status_code == 201
    assert set(body) == {"user", "access", "refresh"}
    assert body["user"] == {
        "id": client.user_id,
        "email": "grace@example.org",
        "name": "Grace Hopper",
        "timezone": "Europe/Berlin",
        "language": "",
        "is_staff": False,
        "roles": ["client"],
        "provider": None,
        "client": {"id": client.pk},
    }
    assert (client.name, client.email, client.timezone, client.owner) == (
        "Grace Hopper",
        "grace@example.org",
        "Europe/Berlin",
        None,
    )
    assert bearer(api, body["access"]).get("/api/me").json() == body["user"]


@pytest.mark.parametrize("role", ["client", "provider"])
def test_register_notes_one_moment_for_the_login_and_what_it_is(role):
    user = registration.register(**GRACE, timezone="UTC", role=Role(role), now=NOON)

    assert (user.date_joined, getattr(user, role).created_at) == (NOON, NOON)


def test_register_gives_a_provider_a_calendar_in_their_timezone(api):
    user = register(api, role="provider", timezone="America/New_York").json()["user"]

    provider = Provider.objects.get()
    assert user["roles"] == ["provider"]
    assert user["client"] is None
    assert user["provider"] == {
        "id": provider.pk,
        "name": "Grace Hopper",
        "slug": "grace-hopper",
        "is_active": True,
        "is_approved": False,
        "is_published": False,
        "missing": ["verify_email", "await_approval"],
        "decline_reason": "",
    }
    assert Schedule.objects.get(provider=provider).timezone == "America/New_York"


@pytest.mark.parametrize(
    ("setting", "left"),
    [("PROVIDERS_NEED_APPROVAL", ["verify_email"]), ("PROVIDERS_NEED_VERIFIED_EMAIL", ["await_approval"])],
)
def test_register_asks_of_a_provider_what_the_settings_say(api, settings, setting, left):
    setattr(settings, setting, False)

    register(api, role="provider")

    assert Provider.objects.get().missing == left


def test_register_works_in_utc_as_a_client_when_not_told_otherwise(api):
    user = register(api).json()["user"]

    assert (user["timezone"], user["roles"]) == ("UTC", ["client"])


def test_register_keeps_the_email_in_lower_case(api):
    assert register(api, email=" Grace@Example.ORG ").json()["user"]["email"] == "grace@example.org"


def test_register_stores_no_password_in_the_clear(api):
    register(api)

    assert GRACE["password"] not in User.objects.get().password


@pytest.mark.parametrize("email", ["grace@example.org", "GRACE@example.org"])
def test_register_refuses_an_email_somebody_has(api, email):
    UserFactory(email="grace@example.org")

    assert refusal(register(api, email=email)) == (409, [("email_taken", "email")])
    assert User.objects.count() == 1
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("short1!", ["password_too_short"]),
        ("password", ["password_too_common"]),
        ("12345678901234", ["password_entirely_numeric"]),
        ("grace@example.org", ["password_too_similar"]),
        ("Grace Hopper", ["password_too_similar"]),
        ("12345", ["password_too_short", "password_too_common", "password_entirely_numeric"]),
    ],
)
def test_register_refuses_a_weak_password_and_says_why(api, password, codes):
    assert refusal(register(api, password=password)) == (400, [(code, "password") for code in codes])
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "blank"),
        ("name", "   ", "blank"),
        ("name", None, "null"),
        ("name", "x" * 151, "max_length"),
        ("name", "Grace\nBuy gold at evil.example", "control_characters"),
        ("email", "grace", "invalid"),
        ("email", "g" * 250 + "@example.org", "max_length"),
        ("password", "x" * 257, "max_length"),
        ("timezone", "Mars/Olympus", "unknown_timezone"),
        ("timezone", "localtime", "unknown_timezone"),
        ("role", "staff", "invalid_choice"),
    ],
)
def test_register_names_the_field_at_fault(api, field, value, code):
    status, errors = refusal(register(api, **{field: value}))

    assert status == 400
    assert (code, field) in errors
    assert not User.objects.exists()


def test_register_gives_no_rights_for_the_asking(api):
    answer = register(api, is_staff=True, is_superuser=True, roles=["staff"])

    unknown = [("unknown_field", name) for name in ("is_staff", "is_superuser", "roles")]
    assert refusal(answer) == (400, unknown)
    assert not User.objects.exists()


def test_register_asks_for_what_is_missing(api):
    assert refusal(api.post("/api/register", {})) == (
        400,
        [("required", "name"), ("required", "email"), ("required", "password")],
    )


# --- Logging in -------------------------------------------------------------------------------------------------------


def test_login_answers_the_user_and_tokens(api, booker):
    response = login(api, booker.user.email)

    body = response.json()
    assert response.status_code == 200
    assert set(body) == {"user", "access", "refresh"}
    assert body["user"]["roles"] == ["client"]
    assert AccessToken(body["access"])["sub"] == str(booker.user_id)
    assert RefreshToken(body["refresh"])["sub"] == str(booker.user_id)


def test_login_takes_the_email_in_any_case(api, booker):
    assert login(api, booker.user.email.upper()).status_code == 200


def test_login_remembers_when(api, booker, now):
    with time_machine.travel(now, tick=False):
        login(api, booker.user.email)

    booker.user.refresh_from_db()
    assert booker.user.last_login == now


def test_login_is_open_to_those_whose_old_token_wore_out(api, booker):
    assert login(bearer(api, "worn.out.token"), booker.user.email).status_code == 200


def test_login_refuses_alike_whoever_it_is_not(api, booker):
    UserFactory(email="gone@example.org", is_active=False)
    UserFactory(email="no-password@example.org", password=None)

    answers = [
        login(api, booker.user.email, "wrong"),
        login(api, "nobody@example.org"),
        login(api, "gone@example.org"),
        login(api, "no-password@example.org"),
    ]

    assert [refusal(answer) for answer in answers] == [(401, [("no_active_account", None)])] * 4
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Bearer realm="api"'}


def test_login_hashes_once_whether_there_is_an_account_or_not(api, booker, monkeypatch):
    """The time is that of the hasher; calls are counted, because clocks make unreliable tests."""
    from django.contrib.auth.hashers import MD5PasswordHasher

    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *given: hashed.append(1) or encode(*given))
    UserFactory(email="gone@example.org", is_active=False)
    UserFactory(email="no-password@example.org", password=None)
    counts = []
    for email in (booker.user.email, "nobody@example.org", "gone@example.org", "no-password@example.org"):
        hashed.clear()
        login(api, email, "wrong")
        counts.append(len(hashed))

    assert counts == [1, 1, 1, 1]


def test_login_leaves_spaces_around_a_password_alone(api):
    UserFactory(email="grace@example.org", password=" spaced out ")

    assert login(api, "grace@example.org", " spaced out ").status_code == 200
    assert login(api, "grace@example.org", "spaced out").status_code == 401


# --- Tokens -----------------------------------------------------------------------------------------------------------


def refresh(api, token):
    return api.post("/api/token/refresh", {"refresh": token})


def test_refresh_answers_a_new_pair(api, booker):
    response = refresh(api, tokens_of(booker.user)["refresh"])

    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}
    assert bearer(api, response.json()["access"]).get("/api/me").json()["email"] == booker.user.email


def test_refresh_answers_the_same_again_to_who_lost_the_answer(api, booker):
    with time_machine.travel(NOON, tick=False) as clock:
        first = tokens_of(booker.user)["refresh"]
        second = refresh(api, first).json()["refresh"]
        clock.shift(timedelta(seconds=9))

        again = refresh(api, first).json()["refresh"]

        assert again == second != first
        assert refresh(api, second).status_code == 200


def test_refresh_by_a_token_swapped_before_ends_all_that_came_of_it(api, booker):
    with time_machine.travel(NOON, tick=False) as clock:
        stolen = tokens_of(booker.user)["refresh"]
        spared = tokens_of(booker.user)["access"]
        pair = refresh(api, stolen).json()
        clock.shift(timedelta(seconds=11))

        assert refusal(refresh(api, stolen)) == (401, [("token_not_valid", None)])

        assert refresh(api, pair["refresh"]).status_code == 401
        assert bearer(api, pair["access"]).get("/api/me").status_code == 401
        assert bearer(api, spared).get("/api/me").status_code == 200


def test_refresh_by_a_token_swapped_twice_has_no_grace(api, booker):
    with time_machine.travel(NOON, tick=False):
        first = tokens_of(booker.user)["refresh"]
        third = refresh(api, refresh(api, first).json()["refresh"]).json()["refresh"]

        assert refresh(api, first).status_code == 401
        assert refresh(api, third).status_code == 401


def test_refresh_works_no_longer_than_a_sign_in_lasts(api, booker, settings):
    settings.SIGN_IN_MAX_DAYS = 20
    with time_machine.travel(NOON, tick=False) as clock:
        first = tokens_of(booker.user)["refresh"]
        clock.shift(timedelta(days=13))
        second = refresh(api, first).json()["refresh"]
        clock.shift(timedelta(days=7))
        third = refresh(api, second).json()["refresh"]
        clock.shift(timedelta(seconds=1))

        assert refresh(api, third).status_code == 401


def claim_changed(token, **changes):
    payload = jwt.decode(token, options={"verify_signature": False})
    payload = {name: value for name, value in (payload | changes).items() if value is not None}
    return jwt.encode(payload, settings.SECRET_KEY, "HS256")


def test_token_says_who_made_it_for_what_and_whom(booker):
    payload = jwt.decode(tokens_of(booker.user)["access"], options={"verify_signature": False})

    assert (payload["iss"], payload["aud"]) == (settings.SITE_URL, f"{settings.SITE_URL}/api")
    assert (payload["sub"], payload["sid"]) == (str(booker.user_id), str(SignIn.objects.get().pk))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "https://elsewhere.example/api"},
        {"iss": None},
        {"aud": None},
        {"sub": None},
        {"jti": None},
        {"sid": None},
        {"sid": "x"},
        {"sid": "5b6ff3a6-5a37-4ac3-8d4c-6d1d7a1f0a11"},
    ],
)
def test_token_with_a_claim_that_is_not_ours_is_refused(api, booker, changes):
    tokens = tokens_of(booker.user)
    access, refreshed = (claim_changed(tokens[name], **changes) for name in ("access", "refresh"))

    assert bearer(api, claim_changed(tokens["access"])).get("/api/me").status_code == 200
    assert bearer(api, access).get("/api/me").status_code == 401
    assert refresh(api, refreshed).status_code == 401


def test_token_of_somebody_elses_sign_in_is_refused(api, booker):
    tokens_of(other := UserFactory())
    sign_in = SignIn.objects.get(user=other)

    token = claim_changed(tokens_of(booker.user)["access"], sid=str(sign_in.pk))

    assert refusal(bearer(api, token).get("/api/me")) == (401, [("signed_out", None)])


def test_refresh_refuses_an_access_token(api, booker):
    assert refusal(refresh(api, tokens_of(booker.user)["access"])) == (401, [("token_not_valid", None)])


def test_refresh_refuses_after_the_password_changed(api, booker):
    token = tokens_of(booker.user)["refresh"]
    booker.user.set_password("another password")
    booker.user.save()

    assert refusal(refresh(api, token)) == (401, [("token_not_valid", None)])


def test_refresh_refuses_the_inactive(api, booker):
    token = tokens_of(booker.user)["refresh"]
    User.objects.update(is_active=False)

    assert refusal(refresh(api, token)) == (401, [("token_not_valid", None)])


def test_refresh_refuses_the_deleted(api):
    user = UserFactory()
    token = tokens_of(user)["refresh"]
    user.delete()

    assert refusal(refresh(api, token)) == (401, [("token_not_valid", None)])


def test_refresh_refuses_at_the_moment_the_token_ends(api, booker, now):
    with time_machine.travel(now, tick=False):
        token = tokens_of(booker.user)["refresh"]
    ends_at = now + settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]

    with time_machine.travel(ends_at, tick=False):
        assert refusal(refresh(api, token)) == (401, [("token_not_valid", None)])


def test_refresh_refuses_a_token_signed_by_somebody_else(api, booker):
    payload = RefreshToken(tokens_of(booker.user)["refresh"]).payload
    forged = [jwt.encode(payload, "x" * 50, "HS256"), jwt.encode(payload, "", "none")]

    assert {refresh(api, token).status_code for token in forged} == {401}


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "é" * 40, "{}.{}.{}"])
def test_refresh_refuses_what_is_no_token(api, token):
    assert refusal(refresh(api, token)) == (401, [("token_not_valid", None)])


def test_access_ends_with_the_account(api, booker):
    bearer(api, tokens_of(booker.user)["access"])
    User.objects.update(is_active=False)

    assert api.get("/api/me").status_code == 401


def test_role_is_read_from_the_database_not_from_the_token(api, booker):
    token = AccessToken(tokens_of(booker.user)["access"])
    token["is_staff"] = True
    token["roles"] = ["staff"]

    assert bearer(api, str(token)).get("/api/me").json()["roles"] == ["client"]


# --- Logging out ------------------------------------------------------------------------------------------------------


def test_logout_ends_the_refresh_token(api, booker):
    tokens = tokens_of(booker.user)

    response = bearer(api, tokens["access"]).post("/api/logout", {"refresh": tokens["refresh"]})

    assert (response.status_code, response.content) == (204, b"")
    assert refresh(api, tokens["refresh"]).status_code == 401


def test_logout_ends_the_access_token_by_itself(api, booker):
    tokens, others = tokens_of(booker.user), tokens_of(booker.user)

    assert bearer(api, tokens["access"]).post("/api/logout").status_code == 204

    assert refusal(api.get("/api/me")) == (401, [("signed_out", None)])
    assert refresh(api, tokens["refresh"]).status_code == 401
    assert bearer(api, others["access"]).get("/api/me").status_code == 200


def test_logout_ends_another_refresh_token_as_well(api, booker):
    tokens, others = tokens_of(booker.user), tokens_of(booker.user)

    bearer(api, tokens["access"]).post("/api/logout", {"refresh": others["refresh"]})

    assert [bearer(api, pair["access"]).get("/api/me").status_code for pair in (tokens, others)] == [401, 401]


def test_logout_by_a_session_ends_it(api, booker):
    api.force_login(booker.user)

    api.post("/api/logout")

    assert api.get("/api/me").status_code == 401


def test_logout_refuses_a_token_already_ended(booker_api, booker):
    token = tokens_of(booker.user)["refresh"]
    booker_api.post("/api/logout", {"refresh": token})

    assert refusal(booker_api.post("/api/logout", {"refresh": token})) == (400, [("token_not_valid", "refresh")])


def test_logout_refuses_and_spares_somebody_elses_token(api, booker_api):
    other = tokens_of(UserFactory())["refresh"]

    assert refusal(booker_api.post("/api/logout", {"refresh": other})) == (400, [("token_not_valid", "refresh")])
    assert refresh(api, other).status_code == 200


def test_logout_refuses_what_is_no_token(booker_api):
    assert refusal(booker_api.post("/api/logout", {"refresh": "x"})) == (400, [("token_not_valid", "refresh")])


def test_logout_needs_a_login(api, booker):
    response = api.post("/api/logout", {"refresh": tokens_of(booker.user)["refresh"]})

    assert refusal(response) == (401, [("not_authenticated", None)])


# --- Sessions ---------------------------------------------------------------------------------------------------------


def test_session_reads(api, booker):
    api.force_login(booker.user)

    assert api.get("/api/me").json()["email"] == booker.user.email


def test_session_writes_only_with_a_csrf_token(booker):
    from rest_framework.test import APIClient

    api = APIClient(enforce_csrf_checks=True)
    api.force_login(booker.user)
    without = api.patch("/api/me", {"name": "Grace"})
    api.cookies["csrftoken"] = "a" * 32
    with_it = api.patch("/api/me", {"name": "Grace"}, headers={"X-CSRFToken": "a" * 32})

    assert refusal(without) == (403, [("permission_denied", None)])
    assert with_it.status_code == 200


@pytest.mark.parametrize("path", ["/api/login", "/api/login/"])
def test_path_works_with_and_without_its_slash(api, booker, path):
    assert api.post(path, {"email": booker.user.email, "password": PASSWORD}).status_code == 200

"""Programs with API keys: what they may do, and what not."""

import logging
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor, Source
from accounts.keys.operations import revoke_key, user_of_key
from accounts.keys.scopes import Scope
from accounts.models import ApiKey, Client, User
from accounts.privacy.operations import delete_account
from booking.models import AppointmentEvent
from scheduler_project.common.models import Change
from tests.accounts.helpers import refusal
from tests.accounts.keys.helpers import new_key, program_of, sending
from tests.conftest import logged_in
from tests.factories import NOON, PASSWORD, ClientFactory, ProviderFactory, UserFactory, appoint, at
from tests.groups import FRONT_DESK, staff_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_people")]

ME = "/api/v1/me"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, "security")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "security"]


def code(answer):
    return answer.status_code, answer.json()["errors"][0]["code"]


# --- Whether it works -------------------------------------------------------------------------------------------------


def test_key_acts_as_its_owner(provider):
    assert program_of(provider.user).get(ME).json()["email"] == provider.user.email


@pytest.mark.parametrize("text", ["sk_", "sk_abcdefgh_", f"sk_abcdefgh_{'x' * 44}", "sk_live_x", f"sk_{'x' * 8000}"])
def test_text_that_is_no_key_is_refused(text):
    assert code(sending(text).get(ME)) == (401, "key_invalid")


def test_key_with_another_secret_is_refused(provider):
    text = new_key(provider.user).text
    changed = text[:-1] + ("a" if text[-1] != "a" else "b")

    assert code(sending(changed).get(ME)) == (401, "key_invalid")


def test_revoked_key_is_refused_at_once(provider):
    made = new_key(provider.user)
    revoke_key(key_id=made.row.pk, actor=Actor.of(User.objects.get(pk=provider.user.pk), Source.PAGE), now=NOON)

    answer = sending(made.text).get(ME)
    assert code(answer) == (401, "key_revoked")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_expired_key_is_refused(clock, provider):
    api = program_of(provider.user, expires_at=NOON + timedelta(hours=1))
    assert api.get(ME).status_code == 200

    clock.shift(timedelta(hours=1))
    assert code(api.get(ME)) == (401, "key_expired")


def test_key_of_somebody_inactive_is_refused(provider):
    api = program_of(provider.user)
    User.objects.filter(pk=provider.user.pk).update(is_active=False)

    assert code(api.get(ME)) == (401, "key_user_inactive")


def test_key_from_before_its_user_became_staff_is_refused(provider):
    api = program_of(provider.user)
    User.objects.filter(pk=provider.user.pk).update(is_staff=True)

    assert code(api.get(ME)) == (401, "key_before_staff")


def test_key_costs_one_statement(provider):
    text = new_key(provider.user).text
    user_of_key(text, now=NOON)

    with CaptureQueriesContext(connection) as captured:
        user = user_of_key(text, now=NOON)
        assert (user.provider_or_none, user.client_or_none) == (provider, None)
        assert user.key.provider is None
    assert len(captured) == 1


def test_use_is_noted_once_a_minute(clock, provider):
    made = new_key(provider.user)
    uses = []
    for _ in range(3):
        sending(made.text).get(ME)
        uses.append(ApiKey.objects.get(pk=made.row.pk).last_used_at - NOON)
        clock.shift(timedelta(seconds=30))

    assert uses == [timedelta(0), timedelta(0), timedelta(minutes=1)]


def test_refusals_of_one_key_are_logged_once_a_minute(lines, provider):
    made = new_key(provider.user)
    ApiKey.objects.update(revoked_at=NOON)
    for _ in range(3):
        sending(made.text).get(ME)

    (line,) = [line for line in lines() if line.startswith("key.refused")]
    assert line == (
        f"key.refused face=api address=127.0.0.1 login={provider.user.pk} id={made.row.pk} reason=key_revoked"
    )


# --- Scopes -----------------------------------------------------------------------------------------------------------


def test_missing_scope_is_named(provider):
    answer = program_of(provider.user, Scope.READ).post("/api/v1/clients", {"name": "Emmy"})

    assert code(answer) == (403, "scope_missing")
    assert "“manage”" in answer.json()["errors"][0]["detail"]
    assert not Client.objects.filter(name="Emmy").exists()


def test_scope_does_not_include_reading(provider):
    assert code(program_of(provider.user, Scope.MANAGE).get("/api/v1/clients")) == (403, "scope_missing")


def test_webhooks_are_read_with_their_own_scope_only(provider):
    assert code(program_of(provider.user, Scope.READ).get("/api/v1/webhooks")) == (403, "scope_missing")
    assert program_of(provider.user, Scope.WEBHOOKS).get("/api/v1/webhooks").status_code == 200


def test_staff_key_has_the_permissions_of_its_owner(boss):
    api = program_of(boss, Scope.READ, Scope.MANAGE)
    assert api.get("/api/v1/reminders").status_code == 200
    boss.is_superuser = False
    boss.save()

    assert api.get("/api/v1/admin/appointments").status_code == 403


def test_refusal_for_a_scope_names_login_and_key_in_the_log(lines, provider):
    made = new_key(provider.user, Scope.READ)
    sending(made.text).post("/api/v1/clients", {"name": "Emmy"})

    (line,) = [line for line in lines() if line.startswith("access.refused")]
    assert f"login={provider.user.pk} key={made.row.pk}" in line
    assert "reason=scope_missing" in line


# --- One provider -----------------------------------------------------------------------------------------------------


@pytest.fixture
def other():
    return ProviderFactory()


def test_key_for_one_provider_sees_nothing_of_others(provider, other):
    api = program_of(provider.user, provider_id=provider.pk)

    assert [row["id"] for row in api.get("/api/v1/providers").json()["results"]] == [provider.pk]
    assert api.get(f"/api/v1/providers/{other.pk}").status_code == 404
    assert refusal(api.get("/api/v1/slots", {"provider": other.pk})) == (404, [("not_found", "provider")])


def test_key_for_one_provider_does_not_act_for_its_owner_as_a_client(provider):
    ClientFactory(user=provider.user)
    api = program_of(provider.user, provider_id=provider.pk)

    assert code(api.get("/api/v1/me/preferences")) == (403, "not_a_client")


def test_staff_key_for_one_provider_acts_as_that_provider(boss, provider, booker):
    api = program_of(boss, provider_id=provider.pk)
    appoint(provider, at("2026-03-04 09:00"), client=booker)

    assert api.get("/api/v1/appointments").json()["count"] == 1
    answer = api.post("/api/v1/clients", {"name": "Emmy"})
    assert answer.json()["owner"] == provider.pk
    assert code(api.post("/api/v1/closures", {"name": "x", "start_date": "2026-12-24"})) == (403, "not_allowed")


def test_staff_key_for_one_provider_has_no_more_permissions_than_its_owner(provider, boss):
    made = new_key(boss, provider_id=provider.pk)
    ApiKey.objects.filter(pk=made.row.pk).update(user=staff_of(FRONT_DESK))

    api = sending(made.text)
    assert api.get("/api/v1/appointments").status_code == 200
    assert api.get("/api/v1/webhooks").json()["count"] == 0
    assert code(api.post("/api/v1/webhooks", {"provider": provider.pk, "url": "https://example.org/"})) == (
        403,
        "not_allowed",
    )


def test_key_cannot_book_with_another_provider(provider, other, booker):
    api = program_of(provider.user, provider_id=provider.pk)
    appoint(provider, at("2026-03-04 09:00"), client=booker)
    body = {"provider": other.pk, "client": booker.pk, "start_time": "2026-03-05T09:00:00Z"}

    for path in ("appointments", "reservations"):
        assert code(api.post(f"/api/v1/{path}", body)) == (404, "not_found")


# --- Repeating --------------------------------------------------------------------------------------------------------


def test_answer_to_one_key_is_not_repeated_to_another(provider):
    first, second = program_of(provider.user), program_of(provider.user)
    header = {"HTTP_IDEMPOTENCY_KEY": "once"}
    assert first.post("/api/v1/clients", {"name": "Emmy"}, **header).status_code == 201

    assert code(second.post("/api/v1/clients", {"name": "Emmy"}, **header)) == (422, "idempotency_key_reused")


# --- Who did it -------------------------------------------------------------------------------------------------------


def test_history_names_the_key_to_the_provider_and_not_to_the_client(provider, booker):
    appointment = appoint(provider, at("2026-03-04 09:00"), client=booker)
    made = new_key(provider.user, Scope.BOOK)

    sending(made.text).post(f"/api/v1/appointments/{appointment.pk}/cancel", {"reason": "Ill"})

    event = AppointmentEvent.objects.last()
    assert event.details["key"] == {"id": made.row.pk, "name": "Website"}
    path = f"/api/v1/appointments/{appointment.pk}/history"
    said = [logged_in(user).get(path).json()["results"][-1] for user in (provider.user, booker.user)]
    assert said[0]["by"] == f"{provider.user.name}, key “Website”"
    assert said[1]["by"] == provider.user.name
    assert "key" not in said[1]["details"]


def test_history_forgets_the_name_of_a_key_with_its_login(provider, booker):
    appointment = appoint(provider, at("2026-03-04 13:00"), client=booker)
    program_of(provider.user, Scope.BOOK).post(f"/api/v1/appointments/{appointment.pk}/cancel", {"reason": "Ill"})

    delete_account(user_id=provider.user.pk, password=PASSWORD, now=NOON)

    assert AppointmentEvent.objects.latest("pk").details["key"] is None


def test_audit_log_names_the_key(provider):
    made = new_key(provider.user, Scope.MANAGE)

    sending(made.text).post("/api/v1/clients", {"name": "Emmy"})

    change = Change.objects.filter(table_name="accounts_client").latest("pk")
    assert (change.user_id, change.face, change.key) == (provider.user.pk, "api", made.row)


def test_change_without_a_key_names_none(provider):
    logged_in(provider.user).post("/api/v1/clients", {"name": "Emmy"})

    assert Change.objects.filter(table_name="accounts_client").latest("pk").key_id is None


# --- How often --------------------------------------------------------------------------------------------------------


def test_key_is_counted_by_itself_and_not_by_its_login(provider, throttle):
    throttle.update(key="2/min", read="1/min")
    first, second = program_of(provider.user), program_of(provider.user)

    assert [first.get(ME).status_code for _ in range(3)] == [200, 200, 429]
    assert second.get(ME).status_code == 200


def test_answer_says_what_is_left(provider, throttle):
    throttle.update(key="2/min")
    api = program_of(provider.user)
    answers = [api.get(ME) for _ in range(3)]

    assert [answer.headers["RateLimit"].split(";t=")[0] for answer in answers] == [
        '"key";r=1',
        '"key";r=0',
        '"key";r=0',
    ]
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=2;w=60'
    assert int(answers[2].headers["Retry-After"]) == int(answers[2].headers["RateLimit"].rpartition("=")[2])


def test_refused_scope_is_not_a_way_around_a_login(provider):
    """Somebody with a session in the same browser is asked with the key all the same."""
    api = program_of(provider.user, Scope.READ)
    api.force_login(UserFactory(superuser=True))

    assert code(api.post("/api/v1/clients", {"name": "Emmy"})) == (403, "scope_missing")

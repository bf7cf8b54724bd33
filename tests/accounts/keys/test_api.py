"""`/api/v1/keys`."""

from datetime import timedelta

import pytest

from accounts.keys.scopes import Scope
from accounts.models import ApiKey
from scheduler_project.common.time.zones import rfc3339
from tests.accounts.helpers import refusal
from tests.accounts.keys.helpers import new_key, program_of, sending
from tests.factories import NOON, ProviderFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(calendar=False)]

KEYS = "/api/v1/keys"
WEBSITE = {"name": "Website", "scopes": ["read", "book"]}


def test_key_is_answered_once(provider_api):
    answer = provider_api.post(KEYS, WEBSITE)

    assert answer.status_code == 201
    made = answer.json()
    assert sending(made["key"]).get("/api/v1/me").status_code == 200
    assert "key" not in provider_api.get(f"{KEYS}/{made['id']}").json()


def test_key_lasts_a_year_if_nothing_else_is_said(provider_api):
    assert provider_api.post(KEYS, WEBSITE).json()["expires_at"] == rfc3339(NOON + timedelta(days=365))


def test_key_may_last_for_ever(provider_api):
    assert provider_api.post(KEYS, WEBSITE | {"days": None}).json()["expires_at"] is None


def test_key_may_be_for_ones_own_provider_only(provider, provider_api):
    assert provider_api.post(KEYS, WEBSITE | {"provider": provider.pk}).json()["provider"] == provider.pk
    answer = provider_api.post(KEYS, WEBSITE | {"provider": ProviderFactory().pk})
    assert refusal(answer) == (404, [("not_found", "provider")])


@pytest.mark.parametrize("scopes", [[], ["all"], ["read"] * 9])
def test_bad_scopes_are_refused(provider_api, scopes):
    assert refusal(provider_api.post(KEYS, WEBSITE | {"scopes": scopes}))[0] == 400


def test_key_is_renamed(provider, provider_api):
    key = new_key(provider.user).row

    assert provider_api.patch(f"{KEYS}/{key.pk}", {"name": "Cash desk"}).json()["name"] == "Cash desk"


def test_scopes_do_not_change(provider, provider_api):
    key = new_key(provider.user, Scope.READ).row

    answer = provider_api.patch(f"{KEYS}/{key.pk}", {"scopes": ["manage"]})
    assert answer.status_code == 400
    assert ApiKey.objects.get(pk=key.pk).scopes == ["read"]


def test_rotation_answers_another_key(provider, provider_api):
    old = new_key(provider.user)

    made = provider_api.post(f"{KEYS}/{old.row.pk}/rotate").json()

    assert sending(made["key"]).get("/api/v1/me").status_code == 200
    assert sending(old.text).get("/api/v1/me").status_code == 200
    assert provider_api.get(f"{KEYS}/{old.row.pk}").json()["replaced_by"] == made["id"]


def test_revoked_key_stays_in_the_list(provider, provider_api):
    old = new_key(provider.user)

    assert provider_api.delete(f"{KEYS}/{old.row.pk}").status_code == 204

    assert sending(old.text).get("/api/v1/me").status_code == 401
    assert provider_api.get(KEYS).json()["results"][0]["revoked_at"]


def test_keys_are_not_changed_or_read_with_a_key(provider):
    api = program_of(provider.user)
    path = f"{KEYS}/{new_key(provider.user).row.pk}"

    answers = [
        api.get(KEYS),
        api.post(KEYS, WEBSITE),
        api.get(path),
        api.patch(path, {"name": "x"}),
        api.post(f"{path}/rotate"),
        api.delete(path),
    ]
    assert [refusal(answer) for answer in answers] == [(403, [("not_for_keys", None)])] * 6


def test_list_costs_the_same_for_any_number(provider, provider_api, django_assert_num_queries):
    for _ in range(3):
        new_key(provider.user)

    with django_assert_num_queries(2):
        provider_api.get(KEYS)


def test_idempotency_key_is_refused(provider_api):
    answer = provider_api.post(KEYS, WEBSITE, HTTP_IDEMPOTENCY_KEY="once")

    assert refusal(answer) == (400, [("idempotency_key_unsupported", None)])


def test_client_may_have_keys_too(booker_api):
    assert booker_api.post(KEYS, WEBSITE).status_code == 201


def test_key_of_nobody_in_particular_sees_nothing(api):
    assert program_of(UserFactory()).get("/api/v1/appointments").json()["count"] == 0

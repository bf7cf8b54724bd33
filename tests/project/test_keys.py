"""Every operation of the API, asked with API keys: each scope opens its own and nothing else, and a key for another
provider finds nothing there.

Which operations there are comes from the OpenAPI schema, so that new ones are covered automatically.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import resolve

from accounts.keys.scopes import Scope, scope_for
from accounts.models import ApiKey
from tests.accounts.keys.helpers import new_key, sending
from tests.booking.answers import ids, refusal
from tests.factories import NOON, ProviderFactory, UserFactory
from tests.looking import dump
from tests.project.schema import Endpoint, endpoints
from tests.project.test_contract import LISTS, OF_SOMEBODY, OF_STAFF, PUBLIC
from tests.project.world import World, everything, good_request, noun, path_of, sent

ENDPOINTS = endpoints()
NOT_READ = {"get /api/v1"}
"""Operations at which nobody is asked who they are."""
CLOSED_TO_VISITORS = {
    "post /api/v1/login",
    "post /api/v1/login/oidc",
    "post /api/v1/password/reset",
    "post /api/v1/password/reset/confirm",
    "post /api/v1/register",
    "post /api/v1/token/refresh",
}
FROM_GATEWAYS = {"post /api/v1/sms/inbound", "post /api/v1/sms/status"}
"""Operations with signatures of their own, where a key is not looked at."""
OF_ALL_PROVIDERS = {"closures"}
"""Rows that are no provider's."""


@pytest.fixture(scope="module")
def one_of_everything(django_db_setup, django_db_blocker) -> Iterator[tuple[World, dict[str, str]]]:
    with django_db_blocker.unblock(), everything() as world:
        boss = UserFactory(superuser=True)
        keys: dict[str, str] = {scope: new_key(boss, scope, now=NOON).text for scope in Scope}
        other = ProviderFactory()
        keys["staff for another provider"] = new_key(boss, now=NOON, provider_id=other.pk).text
        keys["another provider"] = new_key(other.user, now=NOON, provider_id=other.pk).text
        ApiKey.objects.update(last_used_at=NOON)  # so that a use is no change
        yield world, keys


@pytest.fixture
def world(one_of_everything, db) -> World:
    return one_of_everything[0]


@pytest.fixture
def keys(one_of_everything, db) -> dict[str, str]:
    return one_of_everything[1]


def every(chosen: list[Endpoint]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("endpoint", chosen, ids=str)


def asked(text: str, endpoint: Endpoint, world: World) -> Any:
    api = sending(text)
    api.raise_request_exception = False
    return sent(api, endpoint, path_of(endpoint, world.ids), **good_request(endpoint, world.ids))


def code(answer: Any) -> str | None:
    return refusal(answer)[1] if answer.status_code in (401, 403, 404) else None


@every([endpoint for endpoint in ENDPOINTS if str(endpoint) not in NOT_READ | FROM_GATEWAYS])
def test_operation_is_opened_by_its_scope_and_no_other(world, keys, endpoint):
    needed = scope_for(resolve(path_of(endpoint, world.ids)).url_name, endpoint.method.upper())

    codes = {scope: code(asked(keys[scope], endpoint, world)) for scope in Scope}

    closed = needed is None or str(endpoint) in CLOSED_TO_VISITORS
    wrong = "not_for_keys" if closed else "scope_missing"
    assert {scope for scope, said in codes.items() if said == wrong} == set(Scope) - ({needed} if not closed else set())


@pytest.mark.parametrize("who", ["another provider", "staff for another provider"])
@every([endpoint for endpoint in OF_SOMEBODY if noun(endpoint) not in OF_ALL_PROVIDERS])
def test_row_of_another_provider_is_not_there(world, keys, who, endpoint):
    before = dump()

    status, said, _field = refusal(asked(keys[who], endpoint, world))

    assert status == 404 or said == "not_for_keys" or str(endpoint) in OF_STAFF
    assert dump() == before


@pytest.mark.parametrize("who", ["another provider", "staff for another provider"])
@every([endpoint for endpoint in ENDPOINTS if str(endpoint) in PUBLIC - NOT_READ and endpoint.method == "get"])
def test_what_is_public_is_not_there_of_another_provider(world, keys, who, endpoint):
    query = {"provider": world.ids["providers"]} if "provider" in endpoint.query else {}
    answer = sent(sending(keys[who]), endpoint, path_of(endpoint, world.ids), data=query)

    assert answer.status_code == 404 or world.ids[noun(endpoint)] not in ids(answer)


@pytest.mark.parametrize("who", ["another provider", "staff for another provider"])
@every([endpoint for endpoint in LISTS if noun(endpoint) not in OF_ALL_PROVIDERS])
def test_list_does_not_show_a_row_of_another_provider(world, keys, who, endpoint):
    answer = sent(sending(keys[who]), endpoint, path_of(endpoint, world.ids))

    assert answer.status_code == 403 or world.ids.get(noun(endpoint)) not in ids(answer)

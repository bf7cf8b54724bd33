"""The promises that every resource keeps: a login is asked for, others' rows are not there, pages are bounded.

Which endpoints there are comes from the OpenAPI schema, so that new ones are covered automatically. That unknown fields
and filters are refused is in `tests/common/api/test_unknown_fields.py`, hostile values in `test_hostile.py`.
"""

from collections.abc import Iterator

import pytest

from tests.booking.answers import ids, refusal
from tests.looking import dump
from tests.project.schema import Endpoint, endpoints
from tests.project.world import World, everything, good_request, noun, path_of, sent

ENDPOINTS = endpoints()
PUBLIC = {
    "get /api/v1",
    "get /api/v1/providers",
    "get /api/v1/providers/{id}",
    "get /api/v1/providers/{id}/availability",
    "get /api/v1/providers/{id}/date-overrides",  # says nothing of others' calendars all the same
    "get /api/v1/providers/{id}/schedule",
    "get /api/v1/providers/{id}/working-hours",
    "get /api/v1/services",
    "get /api/v1/services/{id}",
    "get /api/v1/slots",
    "get /api/v1/slots/next",
    "post /api/v1/login",
    "post /api/v1/login/oidc",
    "post /api/v1/password/reset",
    "post /api/v1/password/reset/confirm",
    "post /api/v1/register",
    "post /api/v1/sms/inbound",
    "post /api/v1/sms/status",
    "post /api/v1/token/refresh",
}
"""Endpoints that need no login."""
REGISTERING = {"post /api/v1/clients", "post /api/v1/providers"}
"""Endpoints at which a visitor registers."""
OF_ALL = {"post /api/v1/slots/{id}/reserve"}
"""Endpoints that lead to a row which belongs to nobody."""
FOR_VISITORS = {"post /api/v1/appointments", "post /api/v1/reservations", "post /api/v1/slots/{id}/reserve"}
"""Endpoints that do something else for those who are not logged in: they hold a time for a visitor."""
OF_STAFF = {
    "get /api/v1/admin/users/{id}",
    "patch /api/v1/admin/users/{id}",
    "post /api/v1/admin/users/{id}/end-sign-ins",
    "get /api/v1/closures/{id}",
    "delete /api/v1/closures/{id}",
    "put /api/v1/providers/{id}",
    "patch /api/v1/providers/{id}",
    "delete /api/v1/providers/{id}",
    "post /api/v1/providers/{id}/approve",
    "post /api/v1/providers/{id}/decline",
}
"""Endpoints that only staff may use, of rows that are no secret."""
STRANGERS = ("another client", "another client of that provider", "another provider", "nobody in particular")


def is_one_of(endpoint: Endpoint, exceptions: set[str]) -> bool:
    return (endpoint.alias_of or str(endpoint)) in exceptions


ASKING = [
    endpoint
    for endpoint in ENDPOINTS
    if str(endpoint) not in REGISTERING
    and not is_one_of(endpoint, PUBLIC | (set() if "{client}" in endpoint.path else FOR_VISITORS))
]
PRIVATE = [endpoint for endpoint in ENDPOINTS if not is_one_of(endpoint, PUBLIC)]
OF_SOMEBODY = [endpoint for endpoint in PRIVATE if "{" in endpoint.path and not is_one_of(endpoint, OF_ALL)]
IN_PAGES = [endpoint for endpoint in ENDPOINTS if "page_size" in endpoint.query]
LISTS = [endpoint for endpoint in IN_PAGES if endpoint in PRIVATE and "{" not in endpoint.path]


def every(chosen: list[Endpoint]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("endpoint", chosen, ids=str)


@pytest.fixture(scope="module")
def one_of_everything(django_db_setup, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), everything() as world:
        yield world


@pytest.fixture
def world(one_of_everything, db) -> World:
    return one_of_everything


def test_every_exception_is_an_endpoint():
    assert {str(endpoint) for endpoint in ENDPOINTS} >= PUBLIC | OF_ALL | OF_STAFF | REGISTERING | FOR_VISITORS


@every(ASKING)
def test_anonymous_is_asked_to_log_in(world, endpoint):
    request = good_request(endpoint, world.ids)

    answer = sent(world.people["anonymous"], endpoint, path_of(endpoint, world.ids), **request)

    assert refusal(answer) == (401, "not_authenticated", None)


@pytest.mark.parametrize("who", ["a visitor", "a guest"])
@every(ASKING)
def test_guest_by_another_token_finds_nothing_and_changes_nothing(world, endpoint, who):
    before = dump()
    request = good_request(endpoint, world.ids)

    answer = sent(world.people[who], endpoint, path_of(endpoint, world.ids), **request)

    assert refusal(answer)[0] in (403, 404)
    assert dump() == before


@every(OF_SOMEBODY)
def test_row_of_somebody_else_is_not_there_and_stays_as_it_is(world, endpoint):
    before = dump()
    path, request = path_of(endpoint, world.ids), good_request(endpoint, world.ids)

    statuses = {refusal(sent(world.people[who], endpoint, path, **request))[0] for who in STRANGERS}

    assert statuses == ({403} if str(endpoint) in OF_STAFF else {404})
    assert dump() == before


@every(LISTS)
def test_list_shows_nothing_of_others(world, endpoint):
    answer = sent(world.people["nobody in particular"], endpoint, path_of(endpoint, world.ids))

    assert answer.status_code == 403 or ids(answer) == []


@pytest.mark.parametrize("who", STRANGERS)
@every(LISTS)
def test_list_does_not_show_somebody_elses_row(world, endpoint, who):
    answer = sent(world.people[who], endpoint, path_of(endpoint, world.ids))

    assert answer.status_code == 403 or world.ids[noun(endpoint)] not in ids(answer)


@every(IN_PAGES)
def test_page_has_two_hundred_rows_at_most(world, endpoint):
    provider = {"provider": world.ids["providers"]} if "provider" in endpoint.query else {}

    def asked(size: str):
        return sent(world.people["staff"], endpoint, path_of(endpoint, world.ids), data={**provider, "page_size": size})

    assert asked("200").status_code == 200
    assert refusal(asked("201")) == (400, "max_value", "page_size")
    assert refusal(asked("0")) == refusal(asked("x")) == (400, "invalid", "page_size")

"""The links of the OpenAPI document lead from answers to what can follow them."""

import re
from collections.abc import Iterator
from functools import reduce
from typing import Any

import pytest
from rest_framework.test import APIClient

from scheduler_project.common.api.versions import ROOT
from scheduler_project.documentation import links
from tests.looking import undone
from tests.project.schema import Endpoint, endpoints, schema
from tests.project.test_openapi import documented, query_of
from tests.project.world import World, everything, good_request, path_of

ENDPOINTS = endpoints()
BY_OPERATION = {documented(endpoint)["operationId"]: endpoint for endpoint in ENDPOINTS}


def links_of(endpoint: Endpoint) -> dict[str, Any]:
    answers = documented(endpoint)["responses"].values()
    return {name: link for answer in answers for name, link in answer.get("links", {}).items()}


@pytest.fixture(scope="module")
def one_of_everything(django_db_setup, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), everything() as world:
        yield world


@pytest.fixture
def world(one_of_everything, db) -> World:
    return one_of_everything


def evaluated(expression: str, body: Any, path: dict[str, str]) -> Any:
    """Return what a runtime expression means for an answer and the path that was asked."""
    if named := re.fullmatch(r"\$request\.path\.(\w+)", expression):
        return path[named[1]]
    pointer = expression.removeprefix("$response.body#/").split("/")
    return reduce(lambda part, key: part[int(key) if isinstance(part, list) else key], pointer, body)


def followed(api: APIClient, name: str, link: dict[str, Any], answer: Any, path: dict[str, str], ids: Any) -> Any:
    """Return the response of the operation that a link leads to. What it does is undone."""
    target = BY_OPERATION[name]
    values = {key: evaluated(each, answer.json(), path) for key, each in link["parameters"].items()}
    query = {key.removeprefix("query."): value for key, value in values.items() if key.startswith("query.")}
    with undone():
        address = target.path.format_map(values)
        return getattr(api, target.method)(address, query_params=query, **good_request(target, ids))


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS if links_of(endpoint)], ids=str)
def test_links_of_an_answer_lead_to_what_there_is(world, endpoint):
    path = path_of(endpoint, world.ids)
    names = re.findall(r"{(\w+)}", endpoint.path)
    asked = dict(zip(names, re.findall(r"\d+", path.removeprefix(ROOT)), strict=True))
    for who in ("staff", "provider", "client"):
        api, request = world.people[who], good_request(endpoint, world.ids)
        with undone():
            answer = getattr(api, endpoint.method)(path + query_of(endpoint, world.ids), **request)
            if answer.status_code in (200, 201) and b'"count":0' not in answer.content:
                led = {
                    name: followed(api, name, link, answer, asked, world.ids).status_code
                    for name, link in links_of(endpoint).items()
                }
                assert {name: status for name, status in led.items() if status in (404, 405, 500)} == {}
                return
    pytest.fail(f"Nobody is answered: {answer.content}")


def test_every_operation_on_a_row_is_led_to():
    led_to = {name for endpoint in ENDPOINTS for name in links_of(endpoint)}

    assert {
        str(endpoint) for name, endpoint in BY_OPERATION.items() if "{" in endpoint.path and name not in led_to
    } == set()


def test_every_row_that_is_linked_is_in_the_document():
    assert set(links.ROWS) <= set(schema()["components"]["schemas"])

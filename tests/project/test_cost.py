"""No public address costs much more than the list of free times that everything is measured by."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser

from scheduler_project import api as contents
from tests.pages import PAGES, World

CEILING = 15
"""Maximum CPU of a public URL, as a multiple of that of a provider's list. Generating the documentation takes 150."""


def cpu_of(ask: Callable[[], Any]) -> float:
    """Seconds of this thread's CPU for the cheapest of some requests: what else the machine does is not in it."""
    taken = []
    for _ in range(4):
        began = time.thread_time()
        ask()
        taken.append(time.thread_time() - began)
    return min(taken)


def searches(world: World) -> list[str]:
    """Public addresses of the API, asked for as much as they give."""
    provider, service = world.maya.pk, world.service.pk
    moment = {days: (world.now + timedelta(days=days)).isoformat() for days in (0, 7, 92, 300)}
    widest = {"start": moment[0], "end": moment[92], "page_size": 200, "timezone": "Europe/Berlin"}
    asked = [
        ("slots", {"provider": provider, **widest}),
        ("slots", {"service": service, **widest, "end": moment[7]}),
        ("slots/next", {"service": service}),
        ("slots/next", {"service": service, "start": moment[300]}),
        (f"providers/{provider}/availability", widest),
        (f"providers/{provider}/working-hours", {}),
        (f"providers/{provider}/schedule", {}),
        ("providers", {"page_size": 200, "search": " ".join("abcdefghijklm")}),
        ("services", {"page_size": 200}),
        ("schema", {}),
        ("docs", {}),
        ("nothing", {}),
    ]
    return [f"/api/{path}?{urlencode(query)}" for path, query in asked]


def test_public_addresses_cost_little(world):
    browser = Browser()
    measure = cpu_of(lambda: browser.get(f"/api/slots?provider={world.maya.pk}&service={world.service.pk}"))
    paths = [*searches(world), "/readyz", "/calendar/none.ics", f"/?{urlencode({'q': 'a ' * 50})}"]
    paths += [page.path(world) for page in PAGES["visitor"]]

    costs = {path: cpu_of(lambda path=path: browser.get(path)) / measure for path in paths}

    assert {path: cost for path, cost in costs.items() if cost > CEILING} == {}


def test_ceiling_is_one_that_the_documentation_made_anew_does_not_keep(world):
    browser = Browser()
    measure = cpu_of(lambda: browser.get(f"/api/slots?provider={world.maya.pk}&service={world.service.pk}"))

    def ask() -> None:
        contents.document.cache_clear()
        contents._render_once.cache_clear()
        browser.get("/api/schema")

    assert cpu_of(ask) / measure > CEILING


# --- Searches through everybody's calendars cost what there are calendars: they have a limit of their own -------------


@pytest.mark.parametrize("path", ["/api/slots", "/api/slots/next"])
def test_searches_through_all_calendars_have_a_limit_of_their_own(api, world, throttle, path):
    throttle["search"] = "1/d"
    asked = f"{path}?service={world.service.pk}"

    assert [api.get(asked).status_code for _ in range(2)] == [200, 429]
    assert api.get(f"{asked}&provider={world.maya.pk}").status_code == 200


def test_page_of_a_service_has_that_limit_too(client, world, throttle):
    throttle["search"] = "1/d"
    path = f"/s/{world.service.pk}/"

    assert [client.get(path).status_code for _ in range(2)] == [200, 429]


# --- Pages are read as often as the API -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/account/login/", "/admin/login/", "/nothing/"])
def test_pages_can_be_read_as_often_as_the_api(client, db, throttle, path):
    throttle["read"] = "1/d"

    first, second = client.get(path), client.get(path)

    assert first.status_code != 429
    assert (second.status_code, int(second.headers["Retry-After"]) > 0) == (429, True)


@pytest.mark.parametrize("path", ["/", "/account/login/", "/language/", "/admin/login/", "/nothing/"])
@pytest.mark.parametrize("method", ["post", "put"])
def test_acting_on_pages_is_counted_without_a_token_too(db, throttle, path, method):
    throttle["write"] = "1/d"
    browser = Browser(enforce_csrf_checks=True)

    first, second = (getattr(browser, method)(path) for _ in range(2))

    assert first.status_code in {403, 404, 405}
    assert (second.status_code, int(second.headers["Retry-After"]) > 0) == (429, True)


def test_monitoring_is_not_counted(client, db, throttle):
    throttle["read"] = "1/d"

    assert {client.get("/healthz").status_code for _ in range(3)} == {200}

"""Requests that wait in the queue of slow ones."""

import re

import pytest
from django.urls import URLPattern, get_resolver

from scheduler_project.common.api.versions import ROUTE_WITHOUT_VERSION
from scheduler_project.web.slow import is_slow

HASHING = re.compile(r"login|register|signup|password(?!/reset/(?:done|key/done))|reauthenticate|account/delete")
READ_ONLY = {
    "/password/reset/<str:uid>/<str:token>/",  # leads on to a page of /account/
}


def addresses(resolver, before="/"):
    for each in resolver.url_patterns:
        route = before + str(each.pattern).replace(ROUTE_WITHOUT_VERSION, "api/").replace("^", "")
        if isinstance(each, URLPattern):
            yield route
        else:
            yield from addresses(each, route)


def test_addresses_that_sound_like_passwords_are_slow():
    found = {each for each in addresses(get_resolver()) if each.startswith(("/api/", "/account/", "/password/"))}
    asked = {each for each in found if HASHING.search(each)} - READ_ONLY

    assert len(asked) > 10
    assert [each for each in asked if not is_slow({"REQUEST_METHOD": "POST", "PATH_INFO": each})] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/account/login/"), ("POST", "/api/reservations"), ("POST", "/p/maya/book/1/"), ("POST", "/api/loginx")],
)
def test_others_are_not(method: str, path: str):
    assert not is_slow({"REQUEST_METHOD": method, "PATH_INFO": path})


@pytest.mark.parametrize("path", ["/api/clients", "/api/v1/providers/"])
def test_adding_somebody_is_slow_only_for_visitors_who_register(path: str):
    asked = {"REQUEST_METHOD": "POST", "PATH_INFO": path}

    assert is_slow(asked)
    assert not is_slow({**asked, "HTTP_AUTHORIZATION": "Bearer x"})

"""The table of scopes: every operation of the API has its place."""

import pytest
from django.urls import URLPattern

from accounts.keys.scopes import CHANGES, CLOSED, MEANINGS, Scope, scope_for
from scheduler_project.api import router, urlpatterns

ROUTES = {
    pattern.name: pattern
    for pattern in [*router.urls, *urlpatterns]
    if isinstance(pattern, URLPattern) and pattern.name is not None
}
NEVER = {
    "admin-user-detail",
    "admin-user-end-sign-ins",
    "api-key-detail",
    "api-key-list",
    "api-key-rotate",
    "client-erase",
    "login",
    "login-oidc",
    "logout",
    "me",
    "me-email-verify",
    "own-phone",
    "own-phone-verify",
    "password-change",
    "password-reset",
    "password-reset-confirm",
    "register",
    "sign-in",
    "sign-ins",
    "sms-inbound",
    "sms-status",
    "token-refresh",
}
"""Routes whose changes no key may make."""


def methods_of(pattern):
    view = getattr(pattern.callback, "view_class", getattr(pattern.callback, "cls", None))
    if view is None:
        return {"POST"}  # where visitors register, and whoever is logged in adds somebody
    found = getattr(pattern.callback, "actions", None) or [
        method for method in ("post", "put", "patch", "delete") if hasattr(view, method)
    ]
    return {method.upper() for method in found}


def test_every_change_is_opened_by_a_scope_or_closed_on_purpose():
    closed = {
        name
        for name, pattern in ROUTES.items()
        for method in methods_of(pattern) - {"GET", "HEAD"}
        if scope_for(name, method) is None
    }

    assert closed == NEVER


def test_table_names_routes_that_there_are():
    assert set(CHANGES) | CLOSED <= set(ROUTES)


def test_every_scope_has_a_meaning():
    assert set(MEANINGS) == set(Scope)


@pytest.mark.parametrize("route", sorted(CLOSED))
def test_closed_routes_are_not_read_either(route):
    assert scope_for(route, "GET") is None


def test_what_has_no_name_is_closed():
    assert scope_for(None, "POST") is None

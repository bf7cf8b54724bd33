"""`/api/v1/…` is the documented root, and `/api/…` means the same."""

import json

import pytest
from django.urls import reverse

from scheduler_project.common.api.versions import documented, without_version
from tests.factories import ProviderFactory
from tests.project.schema import endpoints, schema


@pytest.mark.parametrize("root", ["/api", "/api/v1"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_root_lists_what_is_there(api, db, root, slash):
    answer = api.get(f"{root}{slash}")

    assert answer.status_code == 200
    found = answer.json()
    assert (found["version"], found["openapi"]) == ("v1", "/api/v1/schema")
    assert found["resources"]["slots"] == "/api/v1/slots"
    assert found["resources"]["me/sign-ins"] == "/api/v1/me/sign-ins"


def test_root_lists_every_address_without_an_id(api, db):
    paths = {endpoint.path for endpoint in endpoints() if "{" not in endpoint.path}

    listed = set(api.get("/api/v1/").json()["resources"].values())

    assert listed == paths - {"/api/v1"}


def test_root_is_kept_by_caches(api, db):
    first = api.get("/api/v1/")

    again = api.get("/api/v1/", headers={"if-none-match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert (again.status_code, again.content) == (304, b"")


def test_documented_addresses_have_the_version():
    assert {f"{path}/".startswith("/api/v1/") for path in schema()["paths"]} == {True}


@pytest.mark.parametrize("name", ["schema", "docs", "slot-list", "register", "me"])
def test_addresses_are_written_with_the_version(name):
    assert reverse(name).startswith("/api/v1/")


@pytest.mark.parametrize("root", ["/api", "/api/v1"])
def test_next_page_is_at_the_documented_address(api, db, root):
    ProviderFactory.create_batch(2)

    following = api.get(f"{root}/providers?page_size=1").json()["next"]

    assert following == "http://testserver/api/v1/providers?page=2&page_size=1"


def test_write_is_repeated_under_either_address(provider_api):
    body, key = {"name": "Emmy Noether"}, {"idempotency-key": "one"}
    first = provider_api.post("/api/clients", body, headers=key)

    again = provider_api.post("/api/v1/clients", body, headers=key)

    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()


@pytest.mark.parametrize("path", ["/api/v1x/slots", "/api/v2/slots", "/api/v1/v1/slots", "/apiv1/slots"])
def test_other_versions_are_not_there(api, db, path):
    assert api.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/api", "/api/nothing", "/api/v1/nothing"])
def test_errors_have_the_format_of_the_api(api, db, path):
    answer = api.post(path)

    assert json.loads(answer.content)["type"] == "client_error"


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("/api/slots?page=2", "/api/v1/slots?page=2"),
        ("http://a:1/api/slots", "http://a:1/api/v1/slots"),
        ("/api/v1/slots", "/api/v1/slots"),
        ("/calendar/api/", "/calendar/api/"),
    ],
)
def test_version_is_added_where_it_is_missing(address, written):
    assert documented(address) == written


def test_version_is_taken_out():
    assert without_version("/api/v1/slots?next=/api/v1/") == "/api/slots?next=/api/v1/"
    assert without_version("/api/v1x") == "/api/v1x"


@pytest.mark.parametrize("root", ["/api", "/api/v1"])
def test_refusals_are_logged_by_the_documented_route(provider_api, caplog, root):
    with caplog.at_level("INFO", logger="security"):
        provider_api.get(f"{root}/closures")

    assert 'route="api/v1/closures/?$"' in caplog.text

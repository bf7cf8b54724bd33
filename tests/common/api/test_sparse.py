"""`?fields=` answers only what the caller reads."""

import pytest

from tests.factories import ClientFactory
from tests.project.schema import endpoints
from tests.project.world import everything, path_of, sent

pytestmark = pytest.mark.django_db
SPARSE = [endpoint for endpoint in endpoints() if "fields" in endpoint.query]


@pytest.fixture(scope="module")
def one_of_everything(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), everything() as world:
        yield world


@pytest.mark.parametrize("endpoint", SPARSE, ids=str)
def test_every_list_and_row_answers_the_first_two_documented_fields(one_of_everything, endpoint):
    names = endpoint.query["fields"]["items"]["enum"][:2]
    path = path_of(endpoint, one_of_everything.ids)
    who = "client" if path.startswith("/api/v1/me/preferences") else "staff"

    answer = sent(one_of_everything.people[who], endpoint, f"{path}?fields={','.join(reversed(names))}")

    body = answer.json()
    rows = body["results"] if "results" in body else body if isinstance(body, list) else [body]
    assert answer.status_code == 200
    assert rows
    assert all(list(row) == names for row in rows)


def test_the_lists_of_the_main_resources_have_it():
    paths = {endpoint.path for endpoint in SPARSE}

    assert {"/api/v1/appointments", "/api/v1/clients/{id}", "/api/v1/reminders", "/api/v1/providers"} <= paths


def test_an_unknown_name_is_refused_with_the_nearest(staff_api):
    answer = staff_api.get("/api/v1/clients?fields=id,emial")

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["code"], error["attr"]) == (400, "unknown_field", "fields")
    assert "“email”" in error["detail"]


def test_no_name_is_refused(staff_api):
    assert staff_api.get("/api/v1/clients?fields=").status_code == 400


def test_links_of_pages_keep_it(staff_api):
    ClientFactory.create_batch(2)

    page = staff_api.get("/api/v1/clients?fields=id&page_size=1").json()
    following = staff_api.get(page["next"]).json()

    assert [list(row) for row in page["results"] + following["results"]] == [["id"], ["id"]]


def test_it_is_refused_where_nothing_is_listed(staff_api):
    answer = staff_api.post("/api/v1/clients?fields=id", {"name": "Emmy Noether"})

    assert answer.json()["errors"][0]["attr"] == "fields"


def test_a_field_that_the_caller_may_not_read_is_left_out(booker_api):
    assert booker_api.get("/api/v1/clients?fields=id,notes").json()["results"][0].keys() == {"id"}

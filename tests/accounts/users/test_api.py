"""`/api/me`: the logged-in user."""

import pytest

from accounts.models import Client, User
from tests.accounts.helpers import queries_of, refusal
from tests.conftest import logged_in
from tests.factories import ClientFactory, ProviderFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("make", "roles"),
    [
        (UserFactory, []),
        (lambda: ClientFactory().user, ["client"]),
        (lambda: ProviderFactory().user, ["provider"]),
        (lambda: ClientFactory(user=ProviderFactory().user).user, ["client", "provider"]),
        (lambda: UserFactory(staff=True), ["staff"]),
        (lambda: UserFactory(superuser=True), ["staff", "superuser"]),
    ],
)
def test_me_tells_roles_by_what_there_is(make, roles):
    assert logged_in(make()).get("/api/me").json()["roles"] == roles


def test_me_asks_the_database_nothing_more_for_roles(booker):
    api = logged_in(booker.user)

    assert queries_of(api.get, "/api/me") == 0


def test_edit_me_keeps_the_registered_client_in_step(booker_api, booker):
    response = booker_api.patch("/api/me", {"name": "Grace", "timezone": "Europe/Berlin"})

    assert response.status_code == 200
    assert (response.json()["name"], response.json()["timezone"]) == ("Grace", "Europe/Berlin")
    assert User.objects.values_list("name", "timezone").get(pk=booker.user_id) == ("Grace", "Europe/Berlin")
    assert Client.objects.values_list("name", "timezone").get() == ("Grace", "Europe/Berlin")


def test_edit_me_chooses_a_language(booker_api, booker):
    assert booker_api.patch("/api/me", {"language": "de"}).json()["language"] == "de"
    assert User.objects.get(pk=booker.user_id).language == "de"
    assert refusal(booker_api.patch("/api/me", {"language": "tlh"})) == (400, [("invalid_choice", "language")])


def test_edit_me_leaves_an_address_book_alone(provider):
    entry = ClientFactory(owner=provider, name="As the provider wrote it")

    logged_in(entry.user).patch("/api/me", {"name": "Grace"})

    entry.refresh_from_db()
    assert entry.name == "As the provider wrote it"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_me_is_read_and_patched_only(booker_api, method):
    assert refusal(getattr(booker_api, method)("/api/me", {})) == (405, [("method_not_allowed", None)])


@pytest.mark.parametrize(
    "change",
    [{"email": "new@example.org"}, {"is_staff": True}, {"roles": ["staff"]}, {"id": 1}, {"provider": {"id": 1}}],
)
def test_edit_me_changes_nothing_else(booker_api, change):
    before = booker_api.get("/api/me").json()

    answer = booker_api.patch("/api/me", change)

    assert refusal(answer) == (400, [("read_only_field", next(iter(change)))])
    assert booker_api.get("/api/me").json() == before


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": ""}, ("blank", "name")),
        ({"name": "a\tb"}, ("control_characters", "name")),
        ({"timezone": "CET"}, ("unknown_timezone", "timezone")),
    ],
)
def test_edit_me_names_the_field_at_fault(booker_api, change, error):
    assert refusal(booker_api.patch("/api/me", change)) == (400, [error])

"""Clients kept by a provider, and a client's view of themself."""

import pytest

from accounts.models import Client, User
from tests.accounts.helpers import queries_of, refusal
from tests.conftest import logged_in
from tests.factories import ClientFactory, ProviderFactory, ReservationFactory, UserFactory

pytestmark = pytest.mark.django_db

NOT_FOUND = (404, [("not_found", None)])
NOT_ALLOWED = (403, [("not_allowed", None)])


@pytest.fixture
def entry(provider):
    """A client in the provider's address book."""
    return ClientFactory(owner=provider, user=None, name="Emmy", email="emmy@example.org", notes="Prefers mornings.")


@pytest.fixture
def elsewhere():
    """A client in another provider's address book."""
    return ClientFactory(owner=ProviderFactory(), user=None)


def names(response):
    assert response.status_code == 200
    return [row["name"] for row in response.json()["results"]]


# --- Seeing -----------------------------------------------------------------------------------------------------------


def test_list_shows_a_provider_their_own_address_book(provider_api, entry, elsewhere, booker):
    assert names(provider_api.get("/api/clients")) == ["Emmy"]


def test_list_shows_staff_everybody(staff_api, entry, elsewhere, booker):
    assert staff_api.get("/api/clients").json()["count"] == 3


def test_list_shows_a_client_themself(booker_api, booker, entry):
    assert names(booker_api.get("/api/clients")) == [booker.name]


def test_list_shows_a_plain_login_nobody(entry):
    assert names(logged_in(UserFactory()).get("/api/clients")) == []


def test_read_shows_a_provider_the_whole_entry(provider_api, provider, entry):
    body = provider_api.get(f"/api/clients/{entry.pk}").json()

    assert body.pop("created_at")
    assert body == {
        "id": entry.pk,
        "name": "Emmy",
        "email": "emmy@example.org",
        "phone": "",
        "phone_is_verified": False,
        "timezone": "UTC",
        "notes": "Prefers mornings.",
        "owner": provider.pk,
    }


def test_read_shows_a_client_no_notes(provider, staff_api):
    entry = ClientFactory(owner=provider, notes="Talks too much.")
    api = logged_in(entry.user)

    assert "notes" not in api.get(f"/api/clients/{entry.pk}").json()
    assert "notes" not in api.get("/api/clients").json()["results"][0]
    assert "notes" not in api.patch(f"/api/clients/{entry.pk}", {"name": "Emmy"}).json()
    assert staff_api.get(f"/api/clients/{entry.pk}").json()["notes"] == "Talks too much."


def test_read_shows_a_provider_no_notes_others_keep_about_them(provider, provider_api):
    as_client = ClientFactory(user=provider.user, owner=ProviderFactory(), notes="Talks too much.")

    assert "notes" not in provider_api.get(f"/api/clients/{as_client.pk}").json()


def test_list_costs_the_same_for_one_and_for_many(provider, provider_api, staff_api):
    ClientFactory(owner=provider, user=None)
    one = [queries_of(api.get, "/api/clients") for api in (provider_api, staff_api)]
    ClientFactory.create_batch(20, owner=provider)
    many = [queries_of(api.get, "/api/clients") for api in (provider_api, staff_api)]

    assert one == many == [2, 2]


# --- Narrowing down ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("emm", ["Emmy"]),
        ("EMMY@example", ["Emmy"]),
        ("+49 30 9018", ["Emmy"]),
        ("(30) 9018-20", ["Emmy"]),
        ("sofja", ["Sofja"]),
        ("zzz", []),
        ("%", []),
    ],
)
def test_search_looks_at_name_email_and_phone(provider, provider_api, wanted, found):
    ClientFactory(owner=provider, name="Emmy", email="emmy@example.org", phone="+4930901820", user=None)
    ClientFactory(owner=provider, name="Sofja", email="kowalewskaja@example.org", user=None)

    assert names(provider_api.get("/api/clients", {"search": wanted})) == found


def test_owner_narrows_down_to_one_address_book(staff_api, provider, entry, elsewhere):
    assert names(staff_api.get("/api/clients", {"owner": provider.pk})) == ["Emmy"]


@pytest.mark.parametrize(
    ("ordering", "found"),
    [("name", ["A", "B", "C"]), ("-name", ["C", "B", "A"]), ("id", ["B", "A", "C"]), ("-created_at", ["C", "A", "B"])],
)
def test_ordering_sorts(provider, provider_api, ordering, found):
    for name in "BAC":
        ClientFactory(owner=provider, name=name, user=None)

    assert names(provider_api.get("/api/clients", {"ordering": ordering})) == found


# --- Adding -----------------------------------------------------------------------------------------------------------


def test_add_puts_a_client_into_the_providers_own_address_book(provider, provider_api):
    response = provider_api.post(
        "/api/clients",
        {
            "name": "Emmy",
            "email": "Emmy@Example.org",
            "phone": "+49 30 901820",
            "timezone": "Europe/Berlin",
            "notes": "Prefers mornings.",
        },
    )

    client = Client.objects.get()
    body = response.json()
    assert response.status_code == 201
    assert body.pop("created_at")
    assert body == {
        "id": client.pk,
        "name": "Emmy",
        "email": "emmy@example.org",
        "phone": "+4930901820",
        "phone_is_verified": True,
        "timezone": "Europe/Berlin",
        "notes": "Prefers mornings.",
        "owner": provider.pk,
    }
    assert client.owner == provider
    assert client.user is None


def test_add_needs_a_name_only(provider_api):
    assert provider_api.post("/api/clients", {"name": "Emmy"}).status_code == 201


def test_add_by_a_provider_refuses_another_owner(provider_api):
    other = ProviderFactory()

    response = provider_api.post("/api/clients", {"name": "Emmy", "owner": other.pk})

    assert refusal(response) == (403, [("not_allowed", "owner")])
    assert not Client.objects.exists()


def test_add_by_staff_goes_where_they_say(staff_api, provider):
    assert staff_api.post("/api/clients", {"name": "Emmy", "owner": provider.pk}).json()["owner"] == provider.pk
    assert staff_api.post("/api/clients", {"name": "Emmy"}).json()["owner"] is None
    assert staff_api.post("/api/clients", {"name": "Emmy", "owner": None}).json()["owner"] is None


@pytest.mark.parametrize("body", [{"name": "Emmy"}, {}])
def test_add_is_not_for_clients(booker_api, body):
    assert refusal(booker_api.post("/api/clients", body)) == NOT_ALLOWED


def test_add_refuses_an_email_the_address_book_has(provider_api, entry):
    response = provider_api.post("/api/clients", {"name": "E.", "email": "EMMY@example.org"})

    assert refusal(response) == (409, [("client_exists", "email")])


def test_add_does_once_what_is_sent_twice_with_one_key(provider_api):
    first, second = (
        provider_api.post("/api/clients", {"name": "Emmy"}, headers={"Idempotency-Key": "k1"}) for _ in range(2)
    )

    assert first.json() == second.json()
    assert Client.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("phone", "12", "invalid"),
        ("phone", "030 901820", "invalid"),
        ("phone", "+1 555", "invalid"),
        ("phone", "+" + "4" * 5000, "invalid"),
        ("email", "emmy", "invalid"),
        ("timezone", "America", "unknown_timezone"),
        ("notes", "x" * 5001, "max_length"),
        ("owner", 0, "does_not_exist"),
        ("owner", 10**30, "invalid"),
        ("owner", True, "invalid"),
        ("owner", "x", "invalid"),
        ("owner", [1], "invalid"),
    ],
)
def test_add_names_the_field_at_fault(staff_api, field, value, code):
    status, errors = refusal(staff_api.post("/api/clients", {"name": "Emmy", field: value}))

    assert status == 400
    assert (code, field) in errors


# --- Changing ---------------------------------------------------------------------------------------------------------


def test_edit_by_the_provider_changes_the_entry(provider_api, entry):
    change = {"name": "E.", "email": "e@example.org", "phone": "+4930901820", "notes": "", "timezone": "Asia/Tokyo"}

    response = provider_api.patch(f"/api/clients/{entry.pk}", change)

    assert response.status_code == 200
    assert {field: response.json()[field] for field in change} == change
    entry.refresh_from_db()
    assert (entry.name, str(entry.phone)) == ("E.", "+4930901820")


def test_edit_by_the_provider_gives_the_client_to_nobody_else(provider_api, entry):
    response = provider_api.patch(f"/api/clients/{entry.pk}", {"owner": None})

    assert refusal(response) == (403, [("not_allowed", "owner")])


def test_edit_by_staff_moves_the_client(staff_api, entry):
    other = ProviderFactory()

    assert staff_api.patch(f"/api/clients/{entry.pk}", {"owner": other.pk}).json()["owner"] == other.pk


def test_edit_by_the_client_keeps_their_login_in_step(booker_api, booker):
    response = booker_api.patch(
        f"/api/clients/{booker.pk}", {"name": "Grace", "phone": "+4930901820", "timezone": "Europe/Berlin"}
    )

    assert response.status_code == 200
    assert User.objects.values_list("name", "timezone").get(pk=booker.user_id) == ("Grace", "Europe/Berlin")


@pytest.mark.parametrize(("field", "value"), [("notes", "I am great."), ("email", "new@example.org")])
def test_edit_by_the_client_refuses_the_rest(booker_api, booker, field, value):
    response = booker_api.patch(f"/api/clients/{booker.pk}", {"name": "Grace", field: value})

    assert refusal(response) == (403, [("not_allowed", field)])
    assert not Client.objects.filter(name="Grace").exists()


def test_edit_by_the_client_refuses_another_owner(booker_api, booker, provider):
    response = booker_api.patch(f"/api/clients/{booker.pk}", {"owner": provider.pk})

    assert refusal(response) == (403, [("not_allowed", "owner")])


def test_edit_takes_back_what_was_read(booker_api, booker):
    body = booker_api.get(f"/api/clients/{booker.pk}").json()

    assert booker_api.put(f"/api/clients/{booker.pk}", body).json() == body


def test_edit_refuses_an_email_the_address_book_has(provider, provider_api, entry):
    other = ClientFactory(owner=provider, user=None)

    response = provider_api.patch(f"/api/clients/{other.pk}", {"email": "emmy@example.org"})

    assert refusal(response) == (409, [("client_exists", "email")])


# --- Deleting ---------------------------------------------------------------------------------------------------------


def test_delete_by_the_provider_removes_the_entry(provider_api, entry):
    assert provider_api.delete(f"/api/clients/{entry.pk}").status_code == 204
    assert not Client.objects.exists()


def test_delete_by_staff_leaves_the_login(staff_api, booker):
    assert staff_api.delete(f"/api/clients/{booker.pk}").status_code == 204
    assert User.objects.filter(pk=booker.user_id).exists()


def test_delete_is_not_for_the_client(booker_api, booker):
    assert refusal(booker_api.delete(f"/api/clients/{booker.pk}")) == NOT_ALLOWED


def test_delete_spares_who_has_bookings(provider, provider_api, entry):
    ReservationFactory(provider=provider, client=entry)

    assert refusal(provider_api.delete(f"/api/clients/{entry.pk}")) == (409, [("in_use", None)])
    assert Client.objects.filter(pk=entry.pk).exists()

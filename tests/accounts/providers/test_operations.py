"""Providers: visibility, adding and changing."""

import re

import pytest
from django.contrib.auth.models import Permission

from accounts.models import PUBLISHED, Client, Provider
from accounts.providers.operations import edit_provider
from booking.models import Schedule
from scheduler_project.common.errors import NotAllowed
from tests.accounts.helpers import queries_of, refusal
from tests.conftest import logged_in
from tests.factories import NOON, ClientFactory, ProviderFactory, ReservationFactory, UserFactory, actor_of

pytestmark = pytest.mark.django_db

NOT_FOUND = (404, [("not_found", None)])
NOT_ALLOWED = (403, [("not_allowed", None)])


def names(response):
    assert response.status_code == 200
    return [row["name"] for row in response.json()["results"]]


# --- Seeing -----------------------------------------------------------------------------------------------------------


def test_read_tells_the_public_nothing_about_the_login(api):
    provider = ProviderFactory(name="Ada", slug="ada", specialization="Engines", bio="Notes.")

    body = api.get(f"/api/providers/{provider.pk}").json()

    assert body.pop("created_at")
    assert body == {
        "id": provider.pk,
        "name": "Ada",
        "slug": "ada",
        "title": "",
        "specialization": "Engines",
        "bio": "Notes.",
        "translations": {},
        "languages": [],
        "photo": None,
        "accepts_new_clients": True,
        "embed_origins": [],
        "is_active": True,
        "is_approved": True,
        "is_published": True,
        "missing": [],
    }


def test_provider_names_the_websites_that_may_embed_their_pages(provider, provider_api):
    url = f"/api/providers/{provider.pk}"

    answer = provider_api.patch(url, {"embed_origins": ["https://www.example.org", "http://localhost:3000"]})

    assert answer.status_code == 200
    assert answer.json()["embed_origins"] == ["https://www.example.org", "http://localhost:3000"]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*.example.org",
        "https://example.org/",
        "example.org",
        "https://a.org; script-src *",
        "'self'",
    ],
)
def test_websites_that_may_embed_are_whole_origins(provider, provider_api, origin):
    answer = provider_api.patch(f"/api/providers/{provider.pk}", {"embed_origins": [origin]})

    assert answer.status_code == 400


@pytest.mark.parametrize("hidden", [{fact: False} for fact in PUBLISHED])
def test_hidden_provider_is_seen_by_themself_and_staff(api, booker_api, staff_api, hidden):
    provider = ProviderFactory(**hidden)
    url = f"/api/providers/{provider.pk}"

    assert refusal(api.get(url)) == NOT_FOUND
    assert refusal(booker_api.get(url)) == NOT_FOUND
    assert refusal(booker_api.patch(url, {"bio": "x"})) == NOT_FOUND
    assert names(api.get("/api/providers")) == []
    assert logged_in(provider.user).get(url).status_code == 200
    assert staff_api.get(url).status_code == 200


def test_list_costs_the_same_for_one_and_for_many(api, booker_api):
    ProviderFactory()
    one = [queries_of(asker.get, "/api/providers") for asker in (api, booker_api)]
    ProviderFactory.create_batch(20)
    many = [queries_of(asker.get, "/api/providers") for asker in (api, booker_api)]

    assert one == many == [2, 2]


def test_list_comes_in_pages(api):
    ProviderFactory.create_batch(3)

    body = api.get("/api/providers", {"page_size": 2, "page": 2}).json()

    assert set(body) == {"count", "next", "previous", "results"}
    assert (body["count"], len(body["results"]), body["next"]) == (3, 1, None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"specialization": "engines"}, ["Ada"]),
        ({"specialization": "eng"}, []),
        ({"search": "ADA"}, ["Ada"]),
        ({"search": "engi"}, ["Ada"]),
        ({"search": "cobol"}, ["Grace"]),
        ({"search": "_"}, []),
        ({"ordering": "-name"}, ["Grace", "Ada"]),
        ({"ordering": "specialization"}, ["Grace", "Ada"]),
        ({}, ["Ada", "Grace"]),
    ],
)
def test_list_is_narrowed_and_sorted(api, query, found):
    ProviderFactory(name="Ada", specialization="Engines")
    ProviderFactory(name="Grace", specialization="Compilers", bio="Wrote COBOL.")

    assert names(api.get("/api/providers", query)) == found


def test_list_refuses_an_ordering_there_is_not(api):
    assert refusal(api.get("/api/providers", {"ordering": "user__password"})) == (
        400,
        [("invalid_choice", "ordering")],
    )


# --- Adding -----------------------------------------------------------------------------------------------------------


def test_add_by_staff_gives_a_slug_and_a_calendar(staff_api):
    ProviderFactory(slug="ramon-y-cajal")

    response = staff_api.post(
        "/api/providers", {"name": "Ramón y Cajal", "specialization": "Biology", "timezone": "Europe/Madrid"}
    )

    body = response.json()
    assert response.status_code == 201
    assert (body["slug"], body["specialization"], body["bio"]) == ("ramon-y-cajal-2", "Biology", "")
    assert not {"user", "timezone", "email"} & set(body)
    assert Schedule.objects.get(provider=body["id"]).timezone == "Europe/Madrid"


def test_add_gives_a_slug_at_random_where_many_have_the_name(staff_api, monkeypatch):
    monkeypatch.setattr("accounts.providers.operations.NAMESAKES", 3)

    slugs = [staff_api.post("/api/providers", {"name": "Ada"}).json()["slug"] for _ in range(5)]

    assert slugs[:3] == ["ada", "ada-2", "ada-3"]
    assert all(re.fullmatch("ada-[a-z0-9]{8}", slug) for slug in slugs[3:])
    assert len(set(slugs)) == 5


def test_add_by_a_superuser_links_a_login(boss):
    user = UserFactory()

    body = logged_in(boss).post("/api/providers", {"name": "Ada", "user": user.pk, "is_approved": False}).json()

    assert (Provider.objects.get(pk=body["id"]).user, body["is_approved"]) == (user, False)


def test_add_by_staff_links_no_login(staff_api):
    response = staff_api.post("/api/providers", {"name": "Ada", "user": UserFactory().pk})

    assert refusal(response) == (403, [("not_allowed", "user")])


def test_add_refuses_a_login_that_is_a_provider_already(boss, provider):
    response = logged_in(boss).post("/api/providers", {"name": "Ada", "user": provider.user_id})

    assert refusal(response) == (400, [("does_not_exist", "user")])


@pytest.mark.parametrize("asker", ["provider_api", "booker_api"])
def test_add_is_for_staff(request, asker):
    response = request.getfixturevalue(asker).post("/api/providers", {"name": "Ada"})

    assert refusal(response) == NOT_ALLOWED


def test_add_without_a_login_asks_for_what_registering_needs(api):
    answer = api.post("/api/providers", {"name": "Ada"})

    assert refusal(answer) == (400, [("required", "email"), ("required", "password")])
    assert not Provider.objects.exists()


# --- Changing ---------------------------------------------------------------------------------------------------------


def test_edit_by_themself_changes_their_own_words(provider_api, provider):
    change = {"name": "Ada L.", "slug": "ada-l", "specialization": "Engines", "bio": "Notes."}

    response = provider_api.patch(f"/api/providers/{provider.pk}", change)

    assert response.status_code == 200
    assert Provider.objects.values(*change).get(pk=provider.pk) == change


@pytest.mark.parametrize("field", ["is_active", "is_approved"])
def test_edit_by_themself_refuses_what_is_for_staff(provider_api, provider, field):
    response = provider_api.patch(f"/api/providers/{provider.pk}", {"bio": "Notes.", field: False})

    assert refusal(response) == (403, [("not_allowed", field)])
    provider.refresh_from_db()
    assert provider.bio == ""


def test_edit_by_staff_changes_everything(staff_api, provider):
    response = staff_api.patch(f"/api/providers/{provider.pk}", {"is_active": False, "is_approved": False})

    assert response.status_code == 200
    provider.refresh_from_db()
    assert (provider.is_active, provider.is_approved) == (False, False)


def test_edit_of_somebody_else_is_refused(provider_api, booker_api):
    other = ProviderFactory()

    for asker in (provider_api, booker_api):
        assert refusal(asker.patch(f"/api/providers/{other.pk}", {"bio": "x"})) == NOT_ALLOWED


def test_edit_needs_a_login(api, provider):
    assert refusal(api.patch(f"/api/providers/{provider.pk}", {})) == (401, [("not_authenticated", None)])


def test_edit_refuses_a_slug_another_has(provider_api, provider):
    ProviderFactory(slug="taken")

    response = provider_api.patch(f"/api/providers/{provider.pk}", {"slug": "taken"})

    assert refusal(response) == (409, [("slug_taken", "slug")])


def test_edit_takes_back_what_was_read(provider_api, provider):
    body = provider_api.get(f"/api/providers/{provider.pk}").json()

    assert provider_api.put(f"/api/providers/{provider.pk}", body).json() == body


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "blank"),
        ("name", None, "null"),
        ("slug", "not a slug", "invalid"),
        ("slug", "", "blank"),
        ("slug", "x" * 81, "max_length"),
        ("specialization", "x" * 101, "max_length"),
        ("bio", "x" * 5001, "max_length"),
        ("is_active", "perhaps", "invalid"),
    ],
)
def test_edit_names_the_field_at_fault(staff_api, provider, field, value, code):
    response = staff_api.patch(f"/api/providers/{provider.pk}", {field: value})

    assert refusal(response) == (400, [(code, field)])


# --- Deleting ---------------------------------------------------------------------------------------------------------


def test_delete_takes_calendar_and_address_book_along(staff_api, provider):
    ClientFactory(owner=provider, user=None)

    assert staff_api.delete(f"/api/providers/{provider.pk}").status_code == 204
    assert not Provider.objects.exists()
    assert not Schedule.objects.exists()
    assert not Client.objects.exists()


def test_delete_spares_who_has_bookings(staff_api, provider):
    ReservationFactory(provider=provider)

    assert refusal(staff_api.delete(f"/api/providers/{provider.pk}")) == (409, [("in_use", None)])
    assert Provider.objects.filter(pk=provider.pk).exists()


@pytest.mark.parametrize("asker", ["provider_api", "booker_api"])
def test_delete_is_for_staff(request, asker, provider):
    response = request.getfixturevalue(asker).delete(f"/api/providers/{provider.pk}")

    assert refusal(response) == NOT_ALLOWED


def test_login_of_a_provider_is_given_by_whoever_may_change_logins(provider):
    staff = UserFactory(staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=("view_provider", "change_provider")))
    asked = {"provider_id": provider.pk, "changes": {"user": staff}, "now": NOON}

    with pytest.raises(NotAllowed) as refused:
        edit_provider(**asked, actor=actor_of(staff))
    assert refused.value.field == "user"

    staff.user_permissions.add(Permission.objects.get(codename="change_user"))
    assert edit_provider(**asked, actor=actor_of(staff)).user == staff

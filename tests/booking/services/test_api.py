"""`/api/services`: bookable services."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking.models import Service
from tests.booking.answers import ids, refusal
from tests.factories import ServiceFactory, appoint, at, open_provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


VISIT = {"name": "First visit", "duration_minutes": 30}


@pytest.fixture
def owned(provider):
    """A service of the provider's own."""
    return ServiceFactory(name="Own", owner=provider, providers=[provider])


@pytest.fixture
def of_business(provider):
    """A service of the business that the provider offers."""
    return ServiceFactory(name="Of the business", providers=[provider])


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_services_are_public(api, provider, owned):
    assert api.get(f"/api/services/{owned.pk}").json() == {
        "id": owned.pk,
        "name": "Own",
        "description": "",
        "preparation": "",
        "price": None,
        "currency": "",
        "duration_minutes": 30,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "needs_approval": False,
        "reminder_offsets": None,
        "is_active": True,
        "translations": {},
        "photo": None,
        "owner": provider.pk,
        "providers": [provider.pk],
    }


def test_inactive_services_are_shown_to_owner_and_staff_only(api, booker_api, provider_api, staff_api, owned):
    owned.is_active = False
    owned.save()

    shown = {
        name: caller.get(f"/api/services/{owned.pk}").status_code
        for name, caller in {
            "anonymous": api,
            "client": booker_api,
            "owner": provider_api,
            "staff": staff_api,
        }.items()
    }

    assert shown == {"anonymous": 404, "client": 404, "owner": 200, "staff": 200}


def test_list_is_in_order_of_names(api, owned, of_business):
    assert ids(api.get("/api/services")) == [of_business.pk, owned.pk]


def test_list_narrows_by_provider(api, owned, of_business):
    other = open_provider(horizon_days=1)
    elsewhere = ServiceFactory(providers=[other])

    assert ids(api.get("/api/services", {"provider": other.pk})) == [elsewhere.pk]


def test_list_shows_a_service_of_several_providers_once(api, provider, of_business):
    of_business.providers.add(open_provider(horizon_days=1))

    assert ids(api.get("/api/services")) == [of_business.pk]


def test_list_finds_by_name_and_description(api):
    named = ServiceFactory(name="Massage")
    described = ServiceFactory(description="A deep massage")
    ServiceFactory(name="Haircut")

    assert set(ids(api.get("/api/services", {"search": "MASSAGE"}))) == {named.pk, described.pk}


@pytest.mark.parametrize(
    ("ordering", "expected"), [("duration_minutes", [15, 30, 60]), ("-duration_minutes", [60, 30, 15])]
)
def test_list_orders(api, ordering, expected):
    made = {ServiceFactory(duration_minutes=length).pk: length for length in (30, 60, 15)}

    assert [made[pk] for pk in ids(api.get("/api/services", {"ordering": ordering}))] == expected


def test_list_narrows_by_approval(api):
    plain, approved = ServiceFactory(), ServiceFactory(needs_approval=True)

    assert ids(api.get("/api/services", {"needs_approval": "true"})) == [approved.pk]
    assert ids(api.get("/api/services", {"needs_approval": "false"})) == [plain.pk]


def test_list_asks_a_constant_number_of_queries(api, provider):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            api.get("/api/services")
        return len(captured)

    ServiceFactory(providers=[provider])
    one = queries()
    other = open_provider(horizon_days=1)
    for _ in range(20):
        ServiceFactory(providers=[provider, other])

    assert queries() == one


# --- Adding -----------------------------------------------------------------------------------------------------------


def test_add_by_a_provider_is_theirs(provider_api, provider):
    answer = provider_api.post("/api/services", VISIT)

    assert answer.status_code == 201
    assert answer.json() == {
        "id": Service.objects.get().pk,
        "name": "First visit",
        "description": "",
        "preparation": "",
        "price": None,
        "currency": "",
        "duration_minutes": 30,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "needs_approval": False,
        "reminder_offsets": None,
        "is_active": True,
        "translations": {},
        "photo": None,
        "owner": provider.pk,
        "providers": [provider.pk],
    }


def test_add_by_a_provider_cannot_name_others(provider_api, provider):
    other = open_provider(horizon_days=1)

    answer = provider_api.post("/api/services", {**VISIT, "providers": [provider.pk, other.pk]})

    assert refusal(answer) == (403, "not_allowed", "providers")
    assert not Service.objects.exists()


def test_add_by_staff_is_the_businesss_and_names_who_offers_it(staff_api, provider):
    answer = staff_api.post("/api/services", {**VISIT, "providers": [provider.pk]}).json()

    assert (answer["owner"], answer["providers"]) == (None, [provider.pk])


def test_add_is_refused_to_clients(booker_api):
    assert refusal(booker_api.post("/api/services", VISIT)) == (403, "not_allowed", None)
    assert not Service.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "blank"),
        ("name", "x" * 151, "max_length"),
        ("duration_minutes", 0, "min_value"),
        ("duration_minutes", 1441, "max_value"),
        ("buffer_before_minutes", -1, "min_value"),
        ("buffer_before_minutes", 1441, "max_value"),
        ("buffer_after_minutes", 1441, "max_value"),
    ],
)
def test_add_refuses_values_out_of_bounds(staff_api, field, value, code):
    assert refusal(staff_api.post("/api/services", {**VISIT, field: value})) == (400, code, field)


@pytest.mark.parametrize(
    ("field", "value"), [("duration_minutes", 1), ("duration_minutes", 1440), ("buffer_after_minutes", 1440)]
)
def test_add_takes_values_at_the_bounds(staff_api, field, value):
    assert staff_api.post("/api/services", {**VISIT, field: value}).json()[field] == value


def test_add_refuses_an_unknown_provider(staff_api):
    answer = staff_api.post("/api/services", {**VISIT, "providers": [999999]})

    assert refusal(answer) == (404, "not_found", "providers")
    assert not Service.objects.exists()


# --- Changing ---------------------------------------------------------------------------------------------------------


def test_change_ones_own(provider_api, owned):
    answer = provider_api.patch(f"/api/services/{owned.pk}", {"duration_minutes": 45})

    assert (answer.status_code, answer.json()["duration_minutes"]) == (200, 45)


def test_change_by_its_owner_cannot_touch_who_offers_it(provider_api, provider, owned):
    other = open_provider(horizon_days=1)

    answer = provider_api.patch(f"/api/services/{owned.pk}", {"name": "Changed", "providers": [other.pk]})

    owned.refresh_from_db()
    assert refusal(answer) == (403, "not_allowed", "providers")
    assert (owned.name, owned.providers.get()) == ("Own", provider)


def test_add_for_somebody_else_is_refused(provider_api):
    answer = provider_api.post("/api/services", {**VISIT, "owner": open_provider(horizon_days=1).pk})

    assert refusal(answer) == (400, "read_only_field", "owner")


def test_change_cannot_give_a_service_away(provider_api, provider, owned):
    other = open_provider(horizon_days=1)

    answer = provider_api.patch(f"/api/services/{owned.pk}", {"owner": other.pk})

    assert refusal(answer) == (400, "read_only_field", "owner")
    owned.refresh_from_db()
    assert owned.owner == provider


def test_change_by_staff_names_who_offers_it(staff_api, provider, of_business):
    other = open_provider(horizon_days=1)

    answer = staff_api.patch(f"/api/services/{of_business.pk}", {"providers": [other.pk]})

    assert answer.json()["providers"] == [other.pk]


@pytest.mark.parametrize(("method", "body"), [("patch", {"name": "Mine"}), ("delete", None)])
def test_change_of_the_businesss_is_not_there_for_a_provider(provider_api, of_business, method, body):
    answer = getattr(provider_api, method)(f"/api/services/{of_business.pk}", body)

    assert refusal(answer) == (404, "not_found", None)
    assert Service.objects.get().name == "Of the business"


def test_change_leaves_bookings_as_long_as_they_were(provider_api, provider, owned):
    made = appoint(provider, at("2026-03-04 09:00"), service_id=owned.pk)

    provider_api.patch(f"/api/services/{owned.pk}", {"duration_minutes": 60})

    made.reservation.refresh_from_db()
    assert made.reservation.ends_at == at("2026-03-04 09:30")


# --- Deleting ---------------------------------------------------------------------------------------------------------


def test_delete_ones_own(provider_api, owned):
    answer = provider_api.delete(f"/api/services/{owned.pk}")

    assert (answer.status_code, answer.content, Service.objects.exists()) == (204, b"", False)


def test_delete_refuses_one_that_was_booked(provider_api, provider, owned):
    appoint(provider, at("2026-03-04 09:00"), service_id=owned.pk)

    assert refusal(provider_api.delete(f"/api/services/{owned.pk}")) == (409, "in_use", None)
    assert Service.objects.get().providers.get() == provider


@pytest.mark.parametrize("slash", ["", "/"])
def test_services_work_with_and_without_a_trailing_slash(provider_api, slash):
    made = provider_api.post(f"/api/services{slash}", VISIT)
    path = f"/api/services/{made.json()['id']}{slash}"

    assert made.status_code == 201
    assert [provider_api.get(path).status_code, provider_api.patch(path, {}).status_code] == [200, 200]
    assert provider_api.delete(path).status_code == 204


# --- Texts, prices ----------------------------------------------------------------------------------------------------


def test_edit_translates(provider_api, owned):
    provider_api.patch(f"/api/services/{owned.pk}", {"translations": {"de": {"name": "Eigene"}}})
    answer = provider_api.patch(f"/api/services/{owned.pk}", {"translations": {"fr": {"name": "La mienne"}}})

    assert answer.json()["translations"] == {"de": {"name": "Eigene"}, "fr": {"name": "La mienne"}}


def test_edit_removes_a_translation(provider_api, owned):
    provider_api.patch(f"/api/services/{owned.pk}", {"translations": {"de": {"name": "Eigene"}}})
    answer = provider_api.patch(f"/api/services/{owned.pk}", {"translations": {"de": {"name": ""}}})

    assert answer.json()["translations"] == {}


@pytest.mark.parametrize(
    ("translations", "code"),
    [
        ({"xx": {"name": "A"}}, "unknown_language"),
        ({"en": {"name": "A"}}, "unknown_language"),
        ({"de": {"price": "A"}}, "unknown_field"),
        ({"de": "A"}, "not_an_object"),
        ({"de": {"name": "x" * 151}}, "max_length"),
    ],
)
def test_edit_refuses_other_translations(provider_api, owned, translations, code):
    answer = provider_api.patch(f"/api/services/{owned.pk}", {"translations": translations})

    assert refusal(answer)[:2] == (400, code)


@pytest.mark.parametrize("price", ["-0.01", "1.234", "12345678", "ten", True])
def test_edit_refuses_what_is_no_price(provider_api, owned, price):
    assert provider_api.patch(f"/api/services/{owned.pk}", {"price": price}).status_code == 400


def test_edit_takes_a_price(provider_api, owned):
    answer = provider_api.patch(f"/api/services/{owned.pk}", {"price": "45.50", "currency": "EUR"})

    assert (answer.json()["price"], answer.json()["currency"]) == ("45.50", "EUR")

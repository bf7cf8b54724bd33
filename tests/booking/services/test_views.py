"""`/dashboard/services/`."""

import pytest

from booking.models import Service
from tests.factories import ProviderFactory, ReservationFactory, ServiceFactory
from tests.html import reminded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=30)]


SERVICES = "/dashboard/services/"
ADD = "/dashboard/services/add/"

FIRST_VISIT = {
    "name": "First visit",
    "description": "",
    "duration_minutes": "45",
    "buffer_before_minutes": "0",
    "buffer_after_minutes": "10",
    **reminded(("2", "days"), ("1", "hours")),
    "needs_approval": "on",
    "is_active": "on",
}


@pytest.fixture
def service(provider):
    return ServiceFactory(owner=provider, providers=[provider], name="Check-up")


def test_services_are_added_for_oneself(dashboard, provider):
    answer = dashboard.post(ADD, FIRST_VISIT)

    service = Service.objects.get()
    assert answer.headers["Location"] == SERVICES
    assert (service.name, service.duration_minutes, service.buffer_after_minutes) == ("First visit", 45, 10)
    assert (service.owner, service.needs_approval) == (provider, True)
    assert service.reminder_offsets == ["2 days", "1 hour"]
    assert list(service.providers.all()) == [provider]


def test_adding_a_service_keeps_what_was_typed_on_errors(dashboard):
    answer = dashboard.post(ADD, FIRST_VISIT | {"duration_minutes": "0"})

    assert answer.context["form"].errors["duration_minutes"]
    assert 'value="First visit"' in answer.content.decode()
    assert not Service.objects.exists()


def test_a_service_is_changed(dashboard, service):
    dashboard.post(f"{SERVICES}{service.pk}/", FIRST_VISIT | {"reminder_offsets": "never"})

    service.refresh_from_db()
    assert (service.name, service.reminder_offsets) == ("First visit", [])


def test_a_service_nobody_booked_is_deleted(dashboard, service):
    answer = dashboard.post(f"{SERVICES}{service.pk}/", {"do": "remove"})

    assert answer.headers["Location"] == SERVICES
    assert not Service.objects.exists()


def test_a_booked_service_stays_and_the_page_says_what_to_do(dashboard, service, provider):
    ReservationFactory(provider=provider, service=service)

    answer = dashboard.post(f"{SERVICES}{service.pk}/", {"do": "remove"})

    assert answer.status_code == 409
    assert "Deactivate it instead" in answer.content.decode()


def test_services_of_the_business_say_whether_one_offers_them(dashboard, provider):
    offered, other = ServiceFactory(name="A", providers=[provider]), ServiceFactory(name="B")

    shared = dashboard.get(SERVICES).context["shared"]

    assert shared == [{"service": offered, "offered": True}, {"service": other, "offered": False}]


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_another_providers_or_the_business_s_is_not_there(dashboard, provider, method):
    others, business = ServiceFactory(owner=ProviderFactory()), ServiceFactory(providers=[provider])

    for service in (others, business):
        assert getattr(dashboard, method)(f"{SERVICES}{service.pk}/", FIRST_VISIT).status_code == 404


def test_services_cost_the_same_with_many_rows(dashboard, provider, django_assert_max_num_queries):
    for _number in range(20):
        ServiceFactory(owner=provider, providers=[provider])
        ServiceFactory(providers=[provider])

    with django_assert_max_num_queries(8):
        dashboard.get(SERVICES)

"""The columns of services and schedules are in every form, in API, admin and files, or it is said why not."""

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.urls import reverse

from booking.availability.api.schedules import ScheduleSerializer
from booking.availability.forms import OffsetsForm, PolicyForm
from booking.imports.services import COLUMNS
from booking.models import Schedule, Service
from booking.services.api import ServiceSerializer
from booking.services.forms import ServiceForm
from tests.factories import ServiceFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.provider(horizon_days=4)]


def in_admin(model, rf):
    request = rf.get("/")
    request.user = UserFactory(superuser=True)
    return set(flatten_fieldsets(admin.site._registry[model].get_fieldsets(request, None)))


PLACES = {
    (Service, "form"): lambda: set(ServiceForm.base_fields),
    (Service, "API"): lambda: set(ServiceSerializer().fields),
    (Service, "import"): lambda: {column.draft_as or column.name for column in COLUMNS},
    (Schedule, "form"): lambda: {*PolicyForm.base_fields, *OffsetsForm.base_fields},
    (Schedule, "API"): lambda: set(ScheduleSerializer().fields),
}

ABSENT = {
    (Service, "form"): {
        "id": "known by the address of the page",
        "reference": "a name in files",
        "owner": "the provider whose page it is",
        "providers": "a provider's own service is offered by that provider alone",
        "translations": "a form field for each text and language",
    },
    (Service, "API"): {"reference": "a name in files"},
    (Service, "import"): {
        "id": "the reference stands for it, which other systems know too",
        "photo": "a file of its own",
        "translations": "texts in other languages are written on pages, in the admin and by the API",
    },
    (Service, "admin"): {
        "id": "known by the address of the page",
        "reference": "a name in files",
        "translations": "a form field for each text and language",
    },
    (Schedule, "form"): {
        "id": "known by the address of the page",
        "provider": "the provider whose page it is",
        "slots_until": "follows from the booking horizon",
    },
    (Schedule, "API"): {},
    (Schedule, "admin"): {"id": "known by the address of the page", "slots_until": "shown as `slots_laid`"},
}
"""The columns that a place does not have, with the reason."""


def columns(model):
    return {field.name for field in (*model._meta.concrete_fields, *model._meta.many_to_many)}


@pytest.mark.parametrize(("model", "place"), PLACES)
def test_place_has_every_column_but_those_with_a_reason(model, place):
    assert columns(model) - PLACES[model, place]() == set(ABSENT[model, place])


@pytest.mark.parametrize("model", [Service, Schedule])
def test_admin_has_every_column_but_those_with_a_reason(rf, model):
    assert columns(model) - in_admin(model, rf) == set(ABSENT[model, "admin"])


def test_page_of_a_service_has_every_field_of_its_form(dashboard, provider):
    service = ServiceFactory(owner=provider, providers=[provider])

    page = dashboard.get(reverse("dashboard-service", args=[service.pk])).content.decode()

    assert [name for name in ServiceForm.base_fields if f'name="{name}' not in page] == []


@pytest.mark.parametrize(("name", "form"), [("dashboard-settings", PolicyForm), ("dashboard-reminders", OffsetsForm)])
def test_page_of_settings_has_every_field_of_its_form(dashboard, name, form):
    page = dashboard.get(reverse(name)).content.decode()

    assert [name for name in form.base_fields if f'name="{name}' not in page] == []

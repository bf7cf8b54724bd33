"""One list of the fields of an appointment, for the API, webhooks, archives and exports."""

import pytest

from booking.appointments.representation import PLACES, describe
from booking.appointments.serializers import AppointmentSerializer
from booking.imports.parse import COLUMNS
from booking.models import Appointment
from booking.privacy import ARCHIVED
from reminders.webhooks.payloads import WEBHOOK_FIELDS, event_data
from scheduler_project.common.time.zones import rfc3339
from tests.factories import ServiceFactory, appoint, at


@pytest.fixture
def appointment(provider):
    service = ServiceFactory(name="First visit", providers=[provider])
    return appoint(provider, at("2026-03-04 09:00"), service_id=service.pk)


def test_every_field_is_described_in_order(appointment):
    assert list(describe(appointment, instant=rfc3339)) == list(PLACES)


@pytest.mark.parametrize("field", PLACES)
def test_every_field_is_stored_where_the_list_says(appointment, field):
    said = describe(appointment, [field], instant=lambda at: at)[field]
    (stored,) = Appointment.objects.values_list(PLACES[field], flat=True)

    assert (said["id"] if isinstance(said, dict) else said) == (str(stored) if field == "uid" else stored)


def test_api_answers_all_fields(provider_api, appointment):
    answer = provider_api.get(f"/api/appointments/{appointment.pk}").json()

    assert list(answer) == AppointmentSerializer.Meta.fields == [*PLACES, "allowed_actions"]


def test_webhook_and_archive_and_export_choose_from_them(appointment):
    assert event_data(appointment).items() <= describe(appointment, instant=rfc3339).items()
    assert set(WEBHOOK_FIELDS) < PLACES.keys()
    assert set(ARCHIVED.values()) < PLACES.keys()
    exported = [column.value or column.name for column in COLUMNS if isinstance(column.value, str)]
    assert {place.split("__")[0] for place in exported} <= {place.split("__")[0] for place in PLACES.values()}

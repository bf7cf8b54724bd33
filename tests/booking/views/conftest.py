"""Fixtures for booking's pages."""

import pytest
import time_machine

from tests.factories import NOON, ServiceFactory, open_provider


@pytest.fixture(autouse=True)
def _clock(db):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def provider(db):
    """Open for the next days; in UTC, Monday to Friday 09:00 to 17:00. It is Monday noon."""
    made = open_provider(horizon_days=7)
    made.name, made.slug, made.specialization = "Maya Lindqvist", "maya", "Physiotherapy"
    made.save()
    return made


@pytest.fixture
def service(provider):
    return ServiceFactory(name="First visit", duration_minutes=45, providers=[provider])


@pytest.fixture
def path(provider, service):
    """The page to choose a time for the service."""
    return f"/p/maya/book/{service.pk}/"

"""People of a provider's pages, and the page of a service."""

import pytest
from django.test import Client as Browser

from accounts.models import Client
from booking.models import Service
from tests.factories import ClientFactory, ServiceFactory, open_provider
from tests.groups import browser_of


@pytest.fixture
def stranger() -> Browser:
    """Another provider's browser."""
    return browser_of(open_provider(horizon_days=4).user)


@pytest.fixture
def ada(provider) -> Client:
    """A client in the provider's address book."""
    return ClientFactory(owner=provider, user=None, name="Ada Byron", email="ada@example.org", notes="Likes mornings.")


@pytest.fixture
def service(provider) -> Service:
    return ServiceFactory(name="First visit", duration_minutes=45, providers=[provider])


@pytest.fixture
def path(provider, service) -> str:
    """The page to choose a time for the service."""
    return f"/p/{provider.slug}/book/{service.pk}/"

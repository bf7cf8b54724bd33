"""A provider with an open calendar, and their browser."""

import pytest
import time_machine
from django.test import Client as Browser

from accounts.models import User
from tests.factories import NOON, ClientFactory, open_provider


@pytest.fixture(autouse=True)
def _clock(db):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def provider(db):
    return open_provider(horizon_days=30)


@pytest.fixture
def ada(provider):
    """A client in the provider's address book."""
    return ClientFactory(owner=provider, user=None, name="Ada Byron", email="ada@example.org", notes="Likes mornings.")


def browser_of(user):
    browser = Browser()
    browser.force_login(User.objects.get(pk=user.pk))
    return browser


@pytest.fixture
def desk(provider):
    """The provider's browser."""
    return browser_of(provider.user)


@pytest.fixture
def stranger():
    """Another provider's browser."""
    return browser_of(open_provider(horizon_days=4).user)

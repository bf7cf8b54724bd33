"""Pages of a provider's desk: everything happens at NOON, and the browser is logged in as the provider."""

import pytest
import time_machine
from django.test import Client as Browser

from tests.factories import NOON, open_provider


@pytest.fixture(autouse=True)
def _clock(db):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def provider(db):
    return open_provider(horizon_days=14)


@pytest.fixture
def desk(provider) -> Browser:
    """A browser that the provider is logged in with."""
    browser = Browser()
    browser.force_login(provider.user)
    return browser

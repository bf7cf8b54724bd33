"""Fixtures of the dispatcher's tests."""

import pytest


@pytest.fixture
def as_shipped(settings):
    """Set the lease, the backoff and the tries as they are without settings."""
    settings.SEND_LEASE_SECONDS = 60
    settings.SEND_BACKOFF_SECONDS = 60
    settings.SEND_TRIES = 3

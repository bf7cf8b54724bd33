import pytest
import time_machine

from tests.factories import NOON


@pytest.fixture(autouse=True)
def _clock(db):
    """A clock stopped at NOON, and a database."""
    with time_machine.travel(NOON, tick=False):
        yield

import pytest
import time_machine

from tests.factories import NOON


@pytest.fixture(autouse=True)
def _clock(db):
    """It is NOON, and stays it, for whoever asks; and there is a database to ask."""
    with time_machine.travel(NOON, tick=False):
        yield

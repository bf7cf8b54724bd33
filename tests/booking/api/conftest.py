import pytest
import time_machine

from accounts.models import Client, Provider, User
from tests.factories import NOON, ClientFactory, open_provider
from tests.groups import MANAGER, staff_of
from tests.looking import undone


@pytest.fixture(autouse=True)
def _clock(db):
    """A clock stopped at NOON, and a database."""
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture(scope="module")
def people(django_db_setup, django_db_blocker):
    """Made once per module: generating a calendar's slots takes longer than most tests, and each test is rolled
    back."""
    with django_db_blocker.unblock(), time_machine.travel(NOON, tick=False), undone():
        yield {"provider": open_provider().pk, "booker": ClientFactory().pk, "staff": staff_of(MANAGER).pk}


@pytest.fixture
def provider(people, db) -> Provider:
    return Provider.objects.select_related("schedule", "user").get(pk=people["provider"])


@pytest.fixture
def booker(people, db) -> Client:
    return Client.objects.select_related("user").get(pk=people["booker"])


@pytest.fixture
def staff(people, db) -> User:
    return User.objects.get(pk=people["staff"])

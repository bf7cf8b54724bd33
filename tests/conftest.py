"""Fixtures for all tests: settings, people, and their API clients."""

import gc
import os
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client as Browser
from django.test import TransactionTestCase
from django.utils import translation
from redis import Redis
from rest_framework.test import APIClient

from accounts.models import Client, Provider
from scheduler_project.celery import app
from scheduler_project.common import process
from scheduler_project.common.limits.throttling import redis_client
from scheduler_project.common.models import SiteSettings
from scheduler_project.common.site import queries as site
from tests import programs
from tests.browser.chromium import CHROMIUM
from tests.factories import NOON, ClientFactory, ProviderFactory, User, UserFactory, open_provider
from tests.groups import MANAGER, browser_of, staff_of
from tests.looking import put_back, rows_of_migrations, undone
from tests.pages import World

hypothesis.settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    max_examples=20,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "deep", hypothesis.settings.get_profile("default"), derandomize=False, max_examples=300
)
hypothesis.settings.load_profile("default")  # `pytest --hypothesis-profile=deep` looks longer, and elsewhere each time


def pytest_configure(config: pytest.Config) -> None:
    """Settings for tests. Each process of pytest-xdist has a Redis database to itself, as it has one in PostgreSQL."""
    database = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
    mark = "&" if "?" in django_settings.REDIS_URL else "?"
    django_settings.REDIS_URL += f"{mark}db={database}"
    broker = django_settings.CELERY_BROKER_URL
    on_network = urlsplit(broker)._replace(path=f"/{database}").geturl()
    of_socket = broker.startswith("redis+socket:")
    django_settings.CELERY_BROKER_URL = f"{broker}?virtual_host={database}" if of_socket else on_network
    connection.settings_dict["TEST"]["TEMPLATE"] = os.environ.get("TEST_TEMPLATE")
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    django_settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    django_settings.THROTTLE = False
    # Tests travel through days; those of idle and long sessions set these to what they are about.
    django_settings.STAFF_IDLE_MINUTES = django_settings.STAFF_SESSION_HOURS = 10**6
    django_settings.WEB_LONG_WORK = 1_000  # Tests read half of an export, and never close it.
    django_settings.SMS_GATEWAY = "console"
    site.FRESH_SECONDS = 10**6
    django_settings.WHITENOISE_AUTOREFRESH = True  # Otherwise every APIClient has it read all of staticfiles.

    if programs.IN_CI and (missing := programs.missing()):
        raise pytest.UsageError(f"In CI no test is skipped, but there is no {', '.join(missing)}: see .ci/run")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that take long first, so that at the end no process waits for another.

    Those that empty tables come before all others, for which some modules keep rows in a transaction.
    """
    items.sort(key=lambda item: (not empties_tables(item), item.get_closest_marker("slow") is None))


def empties_tables(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    transactional = marker is not None and marker.kwargs.get("transaction", False)
    return transactional or not {"transactional_db", "live_server"}.isdisjoint(getattr(item, "fixturenames", ()))


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not among what is imported, which stays: that saves a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not CHROMIUM:
        terminalreporter.section("TESTS IN A BROWSER WERE SKIPPED", red=True, bold=True)
        terminalreporter.write_line("Install Chromium to run them (apt install chromium), or name one: CHROMIUM=/path")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Tests may truncate tables. At the end no other connection to the database may remain.

    Threads of the live server end a moment after their browser.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in ("common_change", "booking_appointmentevent"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER never_emptied")
        cursor.execute("TRUNCATE common_change")  # of the groups that a migration made
        kept = rows_of_migrations()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: put_back(kept))
        yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session")
def redis() -> Redis:
    """Redis, of which each process of pytest-xdist has a database. One connection: opening one takes ten times longer
    than most commands."""
    return Redis.from_url(django_settings.REDIS_URL)


@pytest.fixture(autouse=True)
def _empty_redis(redis):
    """Flush Redis, broker included, before each test."""
    redis.flushdb()


@pytest.fixture
def without_redis(settings):
    """Point to a port without a Redis."""
    settings.REDIS_URL = "redis://127.0.0.1:1"
    redis_client.cache_clear()
    yield
    redis_client.cache_clear()


@pytest.fixture(autouse=True)
def _default_site():
    """Use the default site settings, as if they had just been read."""
    site.keep(SiteSettings())


@pytest.fixture(autouse=True)
def _no_web_process():
    """Reset the web process's limits, which a test that imports `wsgi.py` sets."""
    process.is_now(process.Process.COMMAND)


@pytest.fixture(autouse=True)
def _in_english():
    """Reset the language a previous test may have left active."""
    with translation.override("en"):
        yield


@pytest.fixture
def throttle(settings):
    """Turn on rate limits for this test; change a rate with `throttle["write"] = "2/min"`."""
    settings.THROTTLE = True
    rates = dict(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    return rates


@pytest.fixture
def at_once():
    """Run a task at once when it is started."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def now() -> datetime:
    return NOON


@pytest.fixture(scope="module")
def shared_people(request, django_db_setup, django_db_blocker):
    """A provider, a client and a manager, made once per module: generating slots takes longer than most tests.

    The provider is as the module's `provider` marker says. A module asks for them with
    `pytest.mark.usefixtures("shared_people")`, so that they exist before a test's transaction begins. Each test is
    rolled back.
    """
    with django_db_blocker.unblock(), time_machine.travel(NOON, tick=False), undone():
        provider = open_provider(**provider_fields(request))
        yield {"provider": provider.pk, "booker": ClientFactory().pk, "staff": staff_of(MANAGER).pk}


def person(request: pytest.FixtureRequest, role: str) -> int | None:
    """Return the key of one of the shared people, if the test uses them."""
    return request.getfixturevalue("shared_people")[role] if "shared_people" in request.fixturenames else None


@pytest.fixture(scope="module")
def practice(django_db_setup, django_db_blocker) -> Iterator[World]:
    """The demo practice, made once per module: that takes longer than a walk through all pages."""
    with django_db_blocker.unblock(), undone():
        yield World()


@pytest.fixture
def world(practice, db) -> World:
    """The practice. A copy, for what it makes when asked is rolled back after the test."""
    return deepcopy(practice)


@pytest.fixture
def provider(request, db):
    """A provider with an open calendar in UTC, Monday to Friday 09:00 to 17:00, slots from NOON on; with a login.

    `pytest.mark.provider(horizon_days=7, provider__name="Maya")` says otherwise: `open_provider` takes the same.
    With `calendar=False` there is none, which is quick.
    """
    if pk := person(request, "provider"):
        return Provider.objects.select_related("schedule", "user").get(pk=pk)
    fields = provider_fields(request)
    return open_provider(**fields) if fields.pop("calendar", True) else ProviderFactory(**fields)


def provider_fields(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what the test's `provider` marker says."""
    marker = request.node.get_closest_marker("provider")
    return dict(marker.kwargs) if marker else {}


@pytest.fixture
def booker(request, db):
    """A client with a login. (`client` is pytest-django's name for its browser.)"""
    if pk := person(request, "booker"):
        return Client.objects.select_related("user").get(pk=pk)
    return ClientFactory()


@pytest.fixture
def staff(request, db):
    """A manager: a member of the group with most permissions."""
    if pk := person(request, "staff"):
        return User.objects.get(pk=pk)
    return staff_of(MANAGER)


@pytest.fixture
def dashboard(provider) -> Browser:
    """The provider's browser."""
    return browser_of(provider.user)


@pytest.fixture
def at_noon():
    """A clock stopped at NOON."""
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def boss(db) -> User:
    """A superuser."""
    return UserFactory(superuser=True, email="boss@example.org")


@pytest.fixture
def office(boss) -> Browser:
    """The browser of a superuser in the admin. (`browser` is Playwright's name for its own.)"""
    return browser_of(boss)


def logged_in(user: User) -> APIClient:
    """Return an API client logged in as a user. Permissions are loaded already, for tests that count queries."""
    api, user = APIClient(), User.objects.get(pk=user.pk)
    if user.is_staff:
        user.get_all_permissions()
    api.force_authenticate(user)
    return api


@pytest.fixture
def api() -> APIClient:
    """An anonymous API client."""
    return APIClient()


@pytest.fixture
def provider_api(provider) -> APIClient:
    return logged_in(provider.user)


@pytest.fixture
def booker_api(booker) -> APIClient:
    return logged_in(booker.user)


@pytest.fixture
def staff_api(staff) -> APIClient:
    return logged_in(staff)

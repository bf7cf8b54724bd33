"""Slow requests leave threads free, and a database timeout is a 503."""

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from wsgiref.util import setup_testing_defaults

import psycopg
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client as Browser

from scheduler_project.common import process
from scheduler_project.common.db.postgresql.places import places
from scheduler_project.common.errors import TooBusy
from scheduler_project.common.limits.turns import turns
from scheduler_project.common.process import Process
from tests.accounts.helpers import refusal, tokens_of
from tests.factories import UserFactory, open_provider

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4
PATIENCE = 20
"""Seconds that a request waits for its turn, where a test is about one that does not wait."""


@pytest.fixture
def web(settings, monkeypatch):
    """This process serves the web, and waits twenty seconds for a lock."""
    monkeypatch.setattr(process, "process", Process.WEB)
    settings.WEB_THREADS, settings.WEB_LONG_WORK = THREADS, THREADS // 2
    settings.WEB_LOCK_SECONDS, settings.WEB_STATEMENT_SECONDS = 20, 30
    connection.close()
    places.close_idle()
    gc.collect()  # what tests before have left of their exports
    monkeypatch.setattr(turns, "working", 0)
    yield settings
    connection.close()
    places.close_idle()


@pytest.fixture
def locked():
    """Somebody has the appointments, whole, until this is called."""
    with psycopg.connect(**where()) as other:
        other.execute("LOCK TABLE booking_appointment IN ACCESS EXCLUSIVE MODE")
        yield other.rollback
        other.rollback()


def where():
    """The test's database, for a connection that does not count as one of this process."""
    place = connection.settings_dict
    return {"dbname": place["NAME"], "user": place["USER"], "host": place["HOST"], "port": place["PORT"]}


def ask(path, query="", **headers):
    """Answer a request as a server has it answered. Returns the status, and how many seconds it took."""
    environ = {"PATH_INFO": path, "QUERY_STRING": query, "wsgi.input": BytesIO(), **headers}
    setup_testing_defaults(environ)
    environ["HTTP_HOST"] = "localhost"
    said, began = [], time.monotonic()
    response = WSGIHandler()(environ, lambda status, headers: said.append(int(status[:3])))
    b"".join(response)
    response.close()
    return said[0], time.monotonic() - began


@pytest.fixture
def hanging(web, locked):
    """Request 16 statistics at once while they are blocked, and then a list of slots."""
    provider = open_provider()
    staff = tokens_of(UserFactory(superuser=True))["access"]
    connection.close()  # The threads may have them all.

    def begin(threads):
        statistics = [
            threads.submit(ask, "/api/admin/statistics", HTTP_AUTHORIZATION=f"Bearer {staff}") for _ in range(16)
        ]
        time.sleep(0.3)  # for as many as can to hang
        return statistics, threads.submit(ask, "/api/slots", f"provider={provider.pk}")

    return begin


def test_statistics_that_hang_leave_a_slot_list_fast(web, locked, hanging):
    with ThreadPoolExecutor(THREADS) as threads:
        statistics, slots = hanging(threads)
        status, _ = slots.result(web.WEB_LOCK_SECONDS)
        locked()
        statuses = [each.result(60)[0] for each in statistics]

    assert status == 200
    assert statuses.count(503) >= 16 - THREADS


def test_statistics_that_hang_keep_a_slot_list_waiting_without_turns(web, locked, hanging):
    """The control: they have all threads."""
    web.WEB_LONG_WORK = 100
    with ThreadPoolExecutor(THREADS) as threads:
        _, slots = hanging(threads)
        with pytest.raises(TimeoutError):
            slots.result(2)
        locked()

    assert slots.result()[0] == 200


@pytest.fixture
def boss_browser(boss):
    browser = Browser()
    browser.force_login(boss)
    return browser


@pytest.fixture
def patient(monkeypatch):
    monkeypatch.setattr("scheduler_project.common.limits.turns.PATIENCE_SECONDS", PATIENCE)


@pytest.fixture
def no_turn_left(web, patient):
    """All slots for slow requests are taken."""
    web.WEB_THREADS = web.WEB_LONG_WORK = 1
    turns.begin()
    yield
    turns.end()


@pytest.mark.parametrize("path", ["/admin/", "/admin/booking/appointment/?q=ada", "/numbers/"])
def test_long_page_beyond_its_share_is_refused_at_once(no_turn_left, boss_browser, path):
    began = time.monotonic()
    response = boss_browser.get(path)

    assert response.status_code == 503
    assert time.monotonic() - began < PATIENCE / 2
    turns.end()
    assert boss_browser.get(path).status_code == 200
    turns.begin()


@pytest.mark.parametrize("path", ["/api/analytics", "/api/admin/statistics", "/api/clients?search=ada"])
def test_long_work_of_the_api_beyond_its_share_is_refused_at_once(no_turn_left, staff_api, path):
    began = time.monotonic()

    assert refusal(staff_api.get(path)) == (503, [("too_busy", None)])
    assert time.monotonic() - began < PATIENCE / 2
    turns.end()
    assert staff_api.get(path).status_code == 200
    turns.begin()


@pytest.mark.parametrize("path", ["/admin/", "/numbers/", "/api/admin/statistics", "/api/providers?search=ada"])
def test_nobody_unknown_takes_a_turn(no_turn_left, api, path):
    assert api.get(path).status_code in {200, 302, 401}


def test_turn_that_ends_goes_to_whoever_waits(web, boss_browser):
    web.WEB_THREADS, web.WEB_LONG_WORK = 4, 1
    turns.begin()
    threading.Timer(0.1, turns.end).start()

    assert boss_browser.get("/numbers/").status_code == 200
    assert turns.working == 0


def test_waiting_for_a_turn_leaves_a_thread_free(web, patient):
    web.WEB_THREADS, web.WEB_LONG_WORK = 4, 2
    turns.begin()
    turns.begin()
    waiter = threading.Thread(target=turns.begin)
    waiter.start()
    while not turns.waiting:
        time.sleep(0.001)
    began = time.monotonic()

    with pytest.raises(TooBusy):
        turns.begin()
    waited = time.monotonic() - began
    turns.end()
    waiter.join()
    turns.end()
    turns.end()

    assert waited < PATIENCE / 2


def test_export_keeps_its_turn_until_it_is_sent(web, boss_browser):
    response = boss_browser.get("/admin/accounts/client/export/csv/")

    assert (response.status_code, response.streaming, turns.working) == (200, True, 1)
    b"".join(response.streaming_content)
    assert turns.working == 0
    response.close()
    assert turns.working == 0


def test_export_that_is_given_up_ends_its_turn(web, boss_browser):
    response = boss_browser.get("/admin/accounts/client/export/csv/")

    response.close()

    assert turns.working == 0


def test_export_that_nobody_closes_ends_its_turn(web, boss_browser):
    boss_browser.get("/admin/accounts/client/export/csv/")

    gc.collect()

    assert turns.working == 0


# --- What the database does not do in time ----------------------------------------------------------------------------


@pytest.fixture
def hurried(web):
    web.WEB_STATEMENT_SECONDS, web.WEB_LOCK_SECONDS = 0.3, 0.2
    return web


def slow_statement():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")


def test_statement_that_takes_too_long_is_stopped(hurried):
    with pytest.raises(OperationalError, match="statement timeout"):
        slow_statement()


def test_transaction_may_be_given_longer(hurried):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '5s'")
        cursor.execute("SELECT pg_sleep(0.5)")


def test_transaction_that_does_nothing_is_undone(web):
    web.DATABASE_IDLE_TRANSACTION_SECONDS = 0.2
    connection.close()

    with pytest.raises(DatabaseError, match="idle-in-transaction"):
        think_within_a_transaction(seconds=0.5)


def think_within_a_transaction(*, seconds):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        time.sleep(seconds)
        cursor.execute("SELECT 1")


def test_api_says_that_it_took_too_long(hurried, locked, staff_api):
    response = staff_api.get("/api/admin/statistics")

    assert refusal(response) == (503, [("took_too_long", None)])
    assert int(response.headers["Retry-After"]) > 0


def test_page_says_that_it_took_too_long(hurried, locked, caplog):
    browser = Browser()
    browser.force_login(UserFactory(superuser=True))

    response = browser.get("/admin/booking/appointment/")

    assert response.status_code == 503
    assert "took too long" in response.content.decode()
    assert int(response.headers["Retry-After"]) > 0
    assert "Traceback" not in caplog.text


def test_request_that_finds_all_connections_at_work_is_refused(web):
    web.WEB_THREADS, web.DATABASE_WAIT_SECONDS = 1, 0.1
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        with ThreadPoolExecutor(1) as thread:
            api = thread.submit(ask, "/api/services").result()
            page = thread.submit(ask, "/").result()

    assert (api[0], page[0]) == (503, 503)


@pytest.fixture
def no_database(monkeypatch):
    """Nobody answers where PostgreSQL was."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    yield
    connection.close()


@pytest.mark.parametrize("path", ["/", "/api/services", "/api/me", "/admin/"])
def test_request_without_a_database_says_so(no_database, path):
    browser = Browser(raise_request_exception=False)
    browser.cookies["sessionid"] = "abcdefgh"

    response = browser.get(path)

    assert response.status_code == 503
    assert "reach our database" in response.content.decode()

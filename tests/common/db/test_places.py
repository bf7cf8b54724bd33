"""The number of database connections of a process."""

import os
import threading
import time
from io import BytesIO
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections, connection

from scheduler_project.common import process
from scheduler_project.common.db.postgresql.places import NoConnectionFree, places
from scheduler_project.common.process import Process

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = 3


@pytest.fixture(autouse=True)
def _own_connections_only():
    """Each test begins and ends with no idle connection of the process."""
    places.close_idle()
    connection.ensure_connection()
    yield
    places.close_idle()


@pytest.fixture
def web(settings, monkeypatch):
    """This process serves the web, LIMIT requests at a time. What the test itself looks with is one of them."""
    monkeypatch.setattr(process, "process", Process.WEB)
    settings.WEB_THREADS = LIMIT + 1
    settings.DATABASE_WAIT_SECONDS = 20
    connection.close()
    connection.ensure_connection()
    yield
    connection.close()


def request(path="/api/services"):
    """Answer a request as a server has it answered, to the last."""
    environ = {"PATH_INFO": path, "wsgi.input": BytesIO()}
    setup_testing_defaults(environ)
    environ["HTTP_HOST"] = "localhost"
    said = []
    response = WSGIHandler()(environ, lambda status, headers: said.append(status))
    b"".join(response)
    response.close()
    return said[0]


def in_threads(number, function):
    """Run it in threads of their own that then end. Returns what it returned."""
    found = []
    threads = [threading.Thread(target=lambda: found.append(function())) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def count():
    """The connections to this database, beside that of the test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


def settled(expected):
    """The count once backends whose client hung up have gone, which takes PostgreSQL a moment."""
    until = time.monotonic() + 5
    while (found := count()) > expected and time.monotonic() < until:
        time.sleep(0.02)
    return found


def test_bursts_from_threads_that_come_and_go_use_no_more_connections_than_configured(web):
    counts = []
    for _ in range(3):
        assert in_threads(12, request) == ["200 OK"] * 12
        counts.append(count())

    assert max(counts) <= LIMIT


def test_threads_at_work_without_a_limit_have_a_connection_each():
    """The control: that many threads do use that many."""
    at_work = threading.Barrier(12)

    def work():
        connection.ensure_connection()
        at_work.wait(20)
        close_old_connections()

    in_threads(12, work)

    assert count() == 12


def test_threads_that_die_at_work_give_their_connections_back(web):
    def die_at_work():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    for _ in range(4):
        in_threads(LIMIT, die_at_work)

    assert settled(LIMIT) <= LIMIT


def test_connection_is_refused_after_a_while_when_all_are_at_work(web, settings):
    settings.DATABASE_WAIT_SECONDS = 0.1
    held = [connection.copy() for _ in range(LIMIT)]
    for each in held:
        each.ensure_connection()

    with pytest.raises(NoConnectionFree):
        connection.copy().ensure_connection()

    for each in held:
        each.close()
    held[0].ensure_connection()
    held[0].close()


def test_connection_that_comes_back_goes_to_whoever_waits(web):
    at_work = threading.Barrier(LIMIT + 1)

    def work():
        connection.ensure_connection()
        at_work.wait(20)
        time.sleep(0.1)  # for the other to wait meanwhile
        close_old_connections()

    workers = [threading.Thread(target=work) for _ in range(LIMIT)]
    for worker in workers:
        worker.start()
    at_work.wait(20)

    assert in_threads(1, request) == ["200 OK"]

    for worker in workers:
        worker.join()


def test_idle_connection_serves_the_next_thread():
    def backend():
        connection.ensure_connection()
        pid = connection.connection.info.backend_pid
        close_old_connections()
        return pid

    assert len(set(in_threads(1, backend) + in_threads(1, backend))) == 1


def test_idle_connection_that_the_server_ended_is_replaced():
    def use():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        close_old_connections()
        return pid

    (first,) = in_threads(1, use)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [first])

    assert in_threads(1, use) != [first]


def test_connection_that_has_lived_long_enough_is_ended(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    in_threads(1, lambda: (connection.ensure_connection(), close_old_connections()))

    assert settled(0) == 0


def test_connection_within_a_transaction_is_not_handed_on():
    def leave_open():
        connection.ensure_connection()
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        close_old_connections()

    in_threads(1, leave_open)

    assert settled(0) == 0


def test_forked_process_uses_none_of_its_parents_connections():
    in_threads(1, lambda: (connection.ensure_connection(), close_old_connections()))
    assert sum(map(len, places.idle.values())) == 1

    child = os.fork()
    if child == 0:
        os._exit(sum(map(len, places.idle.values())) + places.open)

    assert os.waitpid(child, 0)[1] == 0


def shown(name):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]


def test_web_process_tells_the_database_its_time_limits(web):
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name")

    assert [shown(name) for name in limits] == ["10s", "5s", "1min", "scheduler web"]


def test_command_has_no_time_limits():
    assert [shown(name) for name in ("statement_timeout", "lock_timeout")] == ["0", "0"]

"""The health check of a kept connection, and how long one waits for its server."""

import os
import signal
import threading
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction

from scheduler_project.common import process
from scheduler_project.common.db.errors import Unavailable, refusal_for
from scheduler_project.common.db.postgresql.driver import MARGIN_SECONDS
from scheduler_project.common.process import Process

pytestmark = pytest.mark.django_db(transaction=True)


def test_is_usable_says_so_of_a_connection_that_stands():
    connection.ensure_connection()

    assert connection.is_usable()


def test_is_usable_notices_that_the_server_hung_up():
    connection.ensure_connection()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    other.close()

    assert not connection.is_usable()
    connection.close()


def test_request_after_the_server_hung_up_gets_a_new_connection(client):
    client.get("/readyz")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    other.close()

    connection.health_check_done = False
    connection.close_if_health_check_failed()

    assert client.get("/readyz").status_code == 200


@contextmanager
def frozen(connection):
    """Stop the backend of this connection; its kernel keeps acknowledging packets."""
    backend = connection.connection.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(backend, signal.SIGCONT)


@pytest.fixture
def other():
    """A connection of its own, for what becomes of it."""
    other = connection.copy()
    other.ensure_connection()
    yield other
    other.close()


def test_server_that_says_nothing_is_not_waited_for(other):
    other.connection.patience = 0.2

    with frozen(other), pytest.raises(OperationalError) as raised, other.cursor() as cursor:
        cursor.execute("SELECT 1")

    assert isinstance(refusal_for(raised.value), Unavailable)
    assert not other.is_usable()


def test_transaction_that_hears_nothing_ends_and_the_next_has_another_connection():
    connection.ensure_connection()
    connection.connection.patience = 0.2

    with frozen(connection), pytest.raises(OperationalError), transaction.atomic():
        connection.cursor().execute("SELECT 1")

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_server_that_says_nothing_is_waited_for_without_patience(other):
    """The control."""
    answered = threading.Event()

    def ask():
        other.connection.execute("SELECT 1")
        answered.set()

    with frozen(other):
        asking = threading.Thread(target=ask)
        asking.start()
        assert not answered.wait(1)

    assert answered.wait(20)
    asking.join()


def test_web_process_waits_for_a_statement_and_a_little_more(monkeypatch, settings):
    monkeypatch.setattr(process, "process", Process.WEB)
    connection.close()
    connection.ensure_connection()

    assert connection.connection.patience == settings.WEB_STATEMENT_SECONDS + MARGIN_SECONDS
    connection.close()

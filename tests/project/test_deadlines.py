"""Outgoing connections have deadlines (R22). Those of webhooks are tested in tests/reminders/channels."""

import socket
import threading
import time

import pytest
from django.db import OperationalError, connection
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.mails.operations import owe
from reminders.tasks import dispatch_reminders, wake_dispatcher
from scheduler_project.celery import app
from scheduler_project.common.limits.throttling import counted, redis_client
from tests.factories import NOON
from tests.reminders.helpers import owed_mails, send_account_mails

pytestmark = pytest.mark.django_db


class Port:
    """Takes every connection, and says nothing, or a byte at a time without an end."""

    def __init__(self, drip=None):
        self.drip = drip
        self.over = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.number = self.server.getsockname()[1]
        self.lines = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            self.lines.append(line)
            if self.drip:
                threading.Thread(target=self.talk, args=[line], daemon=True).start()

    def talk(self, line):
        while not self.over.wait(0.1):
            try:
                line.sendall(self.drip)
            except OSError:
                return

    def close(self):
        self.over.set()
        for line in self.lines:
            line.close()
        self.server.close()


@pytest.fixture
def silent():
    port = Port()
    yield port
    port.close()


@pytest.fixture
def dripping():
    port = Port(b"2")
    yield port
    port.close()


def seconds(function):
    began = time.monotonic()
    function()
    return time.monotonic() - began


@pytest.mark.parametrize("port", ["silent", "dripping"])
def test_mail_about_a_login_gives_up_on_a_server_that_does_not_answer(settings, request, port):
    settings.EMAIL_BACKEND = "scheduler_project.common.mail.backend.Backend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", request.getfixturevalue(port).number
    settings.SEND_TIMEOUT_SECONDS = 1
    owe(to="ada@example.org", subject="Tea", text="Is ready.", now=NOON)

    assert seconds(lambda: send_account_mails(lambda: NOON)) < 10
    assert request.getfixturevalue(port).lines
    assert len(owed_mails()) == 1


@pytest.fixture
def silent_redis(settings, silent):
    settings.REDIS_URL = f"redis://127.0.0.1:{silent.number}"
    redis_client.cache_clear()
    yield settings.REDIS_URL
    redis_client.cache_clear()


def test_rate_limits_go_on_without_a_redis_that_does_not_answer(silent_redis):
    took = seconds(lambda: counted("throttle:read:ip:192.0.2.1:1", 60))

    assert took < 5


def test_doorbell_gives_up_on_a_redis_that_does_not_answer(silent_redis, caplog):
    assert seconds(wake_dispatcher) < 5
    assert "could not be rung" in caplog.text


def test_task_gives_up_on_a_broker_that_does_not_answer(silent_redis, monkeypatch):
    monkeypatch.setattr(app.conf, "broker_url", silent_redis)
    began = time.monotonic()

    with app.connection(silent_redis) as broker, pytest.raises((BrokerError, RedisError, OSError)):
        dispatch_reminders.apply_async(expires=5, retry=False, connection=broker)

    assert time.monotonic() - began < 20


def test_connecting_gives_up_on_a_postgresql_that_does_not_answer(silent, monkeypatch):
    other = connection.copy()
    other.settings_dict = {**other.settings_dict, "HOST": "127.0.0.1", "PORT": str(silent.number)}
    other.settings_dict["OPTIONS"] = {**other.settings_dict["OPTIONS"], "connect_timeout": 2}

    with pytest.raises(OperationalError, match="timeout"):
        other.ensure_connection()


def test_settings_give_postgresql_a_deadline():
    options = connection.settings_dict["OPTIONS"]

    assert {"connect_timeout", "tcp_user_timeout", "keepalives_idle"} <= options.keys()

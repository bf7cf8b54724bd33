"""The tasks of reminders."""

import re

import pytest
from redis import Redis

from accounts.mails.operations import owe
from booking.tasks import expire_reservations
from reminders import tasks
from scheduler_project.celery import app
from scheduler_project.common.limits import throttling
from scheduler_project.embedded import PROJECT
from tests.factories import NOON, appoint, at, hold, open_provider

QUEUE = "dispatch"


@pytest.fixture
def broker(settings):
    return Redis.from_url(settings.REDIS_URL)


def test_wake_rings_once_for_all_who_ring_at_the_same_moment(broker):
    for _ in range(3):
        tasks.wake_dispatcher()

    assert broker.llen(QUEUE) == 1


def test_wake_rings_again_later(broker):
    tasks.wake_dispatcher()
    throttling.redis_client().delete(tasks.WOKEN_AT)
    tasks.wake_dispatcher()

    assert broker.llen(QUEUE) == 2


def test_wake_without_redis_is_said_and_holds_nobody_up(settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1"
    throttling.redis_client.cache_clear()

    tasks.wake_dispatcher()

    throttling.redis_client.cache_clear()
    assert "could not be rung for" in caplog.text


@pytest.mark.django_db
def test_a_booking_rings_once_it_is_committed(broker, django_capture_on_commit_callbacks):
    provider = open_provider(horizon_days=7)
    with django_capture_on_commit_callbacks() as rings:
        appoint(provider, at("2026-03-05 09:00"))
    assert broker.llen(QUEUE) == 0

    for ring in rings:
        ring()

    assert broker.llen(QUEUE) == 1


@pytest.mark.django_db
def test_a_mail_about_an_account_rings_once_it_is_committed(broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        owe(to="ada@example.org", subject="Tea", text="Is ready.", now=NOON)
        assert broker.llen(QUEUE) == 0

    assert broker.llen(QUEUE) == 1


@pytest.mark.django_db
def test_a_hold_of_somebody_logged_in_rings_for_nobody(broker, django_capture_on_commit_callbacks):
    provider = open_provider(horizon_days=7)
    with django_capture_on_commit_callbacks(execute=True):
        hold(provider, at("2026-03-05 09:00"))

    assert broker.llen(QUEUE) == 0


def test_sending_has_a_queue_of_its_own_so_that_it_keeps_no_other_task_waiting(broker):
    tasks.wake_dispatcher()
    expire_reservations.apply_async()

    assert (broker.llen("celery"), broker.llen(QUEUE)) == (1, 1)


def test_every_queue_has_a_worker_and_a_worker_told_of_none_serves_all():
    queues = {f"--queues {queue}" for queue in app.amqp.queues}

    assert set(app.amqp.queues) == set(app.amqp.queues.consume_from) == {"celery", QUEUE}
    for file in ("docker-compose.yml", "docs/howto/deploy.md"):
        assert set(re.findall(r"--queues \w+", (PROJECT / file).read_text())) == queues


def test_tasks_are_known_to_beat():
    named = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert {"reminders.tasks.dispatch_reminders", "reminders.tasks.plan_reminders"} <= named

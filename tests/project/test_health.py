"""`/healthz` and `/readyz`: alive and ready."""

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from scheduler_project.common.limits.throttling import redis_client

READY = {"status": "ok", "database": "ok", "broker": "ok"}


@pytest.fixture
def dead_broker(settings):
    """Redis where nobody listens."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.cache_clear()
    yield
    redis_client.cache_clear()


def test_healthz_answers_without_a_database(client):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_healthz_answers_without_a_broker(client, dead_broker):
    assert client.get("/healthz").status_code == 200


def test_readyz_answers_when_all_is_there(client, db):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, READY)


def test_readyz_says_that_the_broker_is_gone(client, db, dead_broker):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {**READY, "status": "unavailable", "broker": "unreachable"})


def test_readyz_counts_the_migrations_to_apply(client, db):
    for name in ("common", "booking"):
        ((app, migration),) = MigrationLoader(connection).graph.leaf_nodes(name)
        MigrationRecorder(connection).record_unapplied(app, migration)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (
        503,
        {**READY, "status": "unavailable", "database": "2 migrations to apply"},
    )


@pytest.mark.django_db(transaction=True)
def test_readyz_says_that_the_database_is_gone(client, monkeypatch):
    connection.close()
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(connection.settings_dict, "HOST", "/nowhere")
        answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (
        503,
        {**READY, "status": "unavailable", "database": "unreachable"},
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_never_cached(client, db, path):
    assert "no-store" in client.get(path).headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_reached_without_https(client, db, settings, path):
    settings.SECURE_SSL_REDIRECT = True

    assert client.get(path).status_code == 200
    assert client.get("/api/services").status_code == 301


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_not_throttled(client, db, throttle, path):
    throttle["read"] = "1/min"

    assert [client.get(path).status_code for _ in range(3)] == [200, 200, 200]

"""Outages that several workers record and end at the same time."""

import logging

import pytest
from django.db import IntegrityError, connection

from scheduler_project.common.models import Outage
from scheduler_project.common.outages import open_outage
from tests.factories import NOON

pytestmark = pytest.mark.django_db

ADD = (
    "INSERT INTO common_outage (key, since, tried_at, next_probe_at, probes, error) VALUES ('email', %s, %s, %s, 0, '')"
)


@pytest.fixture
def other():
    """A connection of another worker, which sees only what is committed."""
    worker = connection.copy()
    with worker.cursor() as cursor:
        yield cursor
        cursor.execute("DELETE FROM common_outage")
    worker.close()


def test_outage_that_another_records_at_the_same_time_and_that_has_ended_since_is_none(other, caplog):
    refused = []

    def overtake(execute, sql, *arguments):
        if not sql.startswith('INSERT INTO "common_outage"'):
            return execute(sql, *arguments)
        other.execute(ADD, [NOON] * 3)
        try:
            return execute(sql, *arguments)
        except IntegrityError:
            refused.append(sql)
            other.execute("DELETE FROM common_outage")
            raise

    with caplog.at_level(logging.INFO), connection.execute_wrapper(overtake):
        open_outage("email", error="connection refused", now=NOON)

    assert len(refused) == 1
    assert not Outage.objects.exists()
    assert "waits" not in caplog.text

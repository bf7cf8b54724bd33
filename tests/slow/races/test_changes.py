"""Reading changes while others write: a program that follows the cursor misses nothing."""

import random
import threading

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from accounts.models import Client
from scheduler_project.common.api import changes
from scheduler_project.common.failpoints import Failpoint
from tests.factories import ClientFactory, appoint, at, open_provider
from tests.groups import MANAGER, staff_of
from tests.slow.races.failpoints import stop
from tests.slow.races.running import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("at_noon")]
NINE = at("2026-03-04T09:00:00Z")


class Copy:
    """A program that keeps a copy of a list, by its cursor."""

    def __init__(self, of: str) -> None:
        self.address = f"/api/v1/{of}"
        self.cursor = "start"
        self.rows: dict[int, dict] = {}
        self.api = APIClient()
        self.api.force_authenticate(staff_of(MANAGER))

    def follow(self) -> None:
        """Read until nothing is left."""
        while True:
            page = self.api.get(self.address, {"changed_since": self.cursor, "page_size": 3}).json()
            self.rows |= {row["id"]: row for row in page["results"]}
            self.cursor = page["next_cursor"]
            if page["next"] is None:
                return


def latest_revision() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM scheduler_revision")
        return cursor.fetchone()[0]


def a_later_commit_with_an_earlier_number(copy: Copy) -> tuple[int, int]:
    """Two book; who began first commits last, and the program reads before that. Return both, and read once more."""
    one, two = open_provider(horizon_days=4), open_provider(horizon_days=4)

    def second():
        made = appoint(two, NINE)
        copy.follow()
        return made

    first, made = stop(Failpoint.BEFORE_COMMIT, lambda: appoint(one, NINE), second)
    copy.follow()
    return first.pk, made.pk


def test_a_row_that_is_committed_later_with_an_earlier_number_is_not_missed():
    copy = Copy("appointments")

    both = a_later_commit_with_an_earlier_number(copy)

    assert copy.rows.keys() == set(both)


def test_without_waiting_for_open_transactions_it_is_missed(monkeypatch):
    """The control."""
    monkeypatch.setattr(changes, "safe_revision", latest_revision)
    copy = Copy("appointments")

    first, second = a_later_commit_with_an_earlier_number(copy)

    assert first not in copy.rows
    assert second in copy.rows


def scramble(rows: list[int], seed: int) -> None:
    """Change rows in transactions of different lengths; some are undone, in part or as a whole."""
    dice = random.Random(seed)
    for step in range(40):
        with transaction.atomic():
            for pk in sorted(dice.sample(rows, 3)):
                with transaction.atomic():
                    Client.objects.filter(pk=pk).update(notes=f"{seed}.{step}")
                    transaction.set_rollback(dice.random() < 0.3)
                connection.cursor().execute("SELECT pg_sleep(%s)", [dice.random() / 200])
            transaction.set_rollback(dice.random() < 0.2)


def test_a_copy_is_whole_after_many_writers():
    rows = [client.pk for client in ClientFactory.create_batch(12)]
    copy, over = Copy("clients"), threading.Event()

    def write():
        try:
            together(*(lambda seed=seed: scramble(rows, seed) for seed in range(4)))
        finally:
            over.set()

    def read():
        while not over.is_set():
            copy.follow()

    together(write, read)
    copy.follow()

    there = dict(Client.objects.values_list("pk", "notes"))
    assert {pk: row["notes"] for pk, row in copy.rows.items()} == there

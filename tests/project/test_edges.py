"""Edges begin no transaction: operations do, and try again after a deadlock."""

import ast
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from accounts.clients.operations import with_new_client
from accounts.models import Client
from booking.appointments.operations import book
from booking.models import Appointment
from scheduler_project.common.errors import DomainError
from scheduler_project.common.failpoints import Failpoint
from scheduler_project.common.operations import operation, preview
from tests.factories import NOON, SYSTEM, ClientFactory, at, open_provider
from tests.slow.races.failpoints import arm

OWN_TRANSACTION = pytest.mark.django_db(transaction=True)
APPS = ("accounts", "booking", "reminders", "analytics")
EDGES = {"admin", "api", "views", "pages", "tasks", "receivers", "signals", "management"}
HARMLESS = {"on_commit"}
"""Receivers start a task after the commit of the operation that sent the signal. That begins no transaction."""

NEWCOMER = {"name": "Kim Sample", "email": "kim@example.org"}
NINE = at("2026-03-04 09:00")


def edges():
    root = Path(settings.BASE_DIR)
    files = [path.relative_to(root) for app in APPS for path in (root / app).rglob("*.py")]
    return [path for path in files if EDGES & {*path.parts[:-1], path.stem}]


def begins_transactions(source):
    """Return the names a module imports from `django.db.transaction`, without harmless ones."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "django.db.transaction":
            yield from {alias.name for alias in node.names} - HARMLESS
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name == "django.db.transaction")
        elif isinstance(node, ast.ImportFrom) and node.module == "django.db":
            yield from (alias.name for alias in node.names if alias.name == "transaction" and alias.asname)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "transaction":
            yield from {node.attr} - HARMLESS


def stumbling(deed, times=1):
    """A deed that loses a deadlock that many times first, and how often it was tried."""
    tries = []

    def stumble(*arguments):
        answer = deed(*arguments)
        tries.append(answer)
        if len(tries) <= times:
            deadlock()
        return answer

    return stumble, tries


def deadlock():
    error = OperationalError("made up")
    error.__cause__ = psycopg.errors.lookup("40P01")("made up")
    raise error


def test_edges_begin_no_transaction():
    found = {str(path): sorted(begins_transactions(path.read_text())) for path in edges()}

    assert {path: names for path, names in found.items() if names} == {}


def test_edges_are_found():
    assert len(edges()) > 50


@pytest.mark.parametrize(
    "source",
    [
        "from django.db import transaction\nwith transaction.atomic():\n    pass",
        "from django.db import transaction\n@transaction.atomic\ndef view(): pass",
        "from django.db import transaction as t",
        "from django.db.transaction import set_rollback",
        "import django.db.transaction",
    ],
)
def test_a_transaction_in_an_edge_is_seen(source):
    assert list(begins_transactions(source))


@OWN_TRANSACTION
def test_preview_answers_and_leaves_nothing():
    waiting = []

    def deed():
        transaction.on_commit(lambda: waiting.append("sent"))
        return ClientFactory(name="Kim Sample").name

    assert (preview(deed), Client.objects.count(), waiting) == ("Kim Sample", 0, [])


@OWN_TRANSACTION
def test_preview_raises_what_the_deed_does():
    def deed():
        ClientFactory()
        raise DomainError

    with pytest.raises(DomainError):
        preview(deed)
    assert not Client.objects.exists()


@OWN_TRANSACTION
def test_preview_within_an_operation_undoes_its_own_part_alone():
    @operation
    def outer():
        ClientFactory(name="stays")
        preview(lambda: ClientFactory(name="goes"))
        ClientFactory(name="stays too")

    outer()

    assert sorted(Client.objects.values_list("name", flat=True)) == ["stays", "stays too"]


@OWN_TRANSACTION
def test_preview_is_tried_again_after_a_deadlock():
    deed, tries = stumbling(lambda: ClientFactory().pk)

    assert preview(operation(deed)) == tries[1]
    assert (len(tries), Client.objects.count(), connection.in_atomic_block) == (2, 0, False)


@OWN_TRANSACTION
def test_booking_for_a_new_client_is_tried_again_after_a_deadlock():
    provider = open_provider(horizon_days=3)
    tries = []

    def stumble():
        tries.append(Appointment.objects.count())
        if len(tries) == 1:
            deadlock()

    def deed(client_id):
        return book(provider_id=provider.pk, client_id=client_id, starts_at=NINE, actor=SYSTEM, now=NOON)

    with arm(Failpoint.BEFORE_COMMIT, stumble):
        made = with_new_client(deed, newcomer=NEWCOMER, actor=SYSTEM, now=NOON)

    assert (tries, made.client.name) == ([1, 1], "Kim Sample")
    assert (Client.objects.count(), Appointment.objects.count()) == (1, 1)


@OWN_TRANSACTION
def test_nobody_is_added_if_booking_for_them_is_refused():
    def deed(client_id):
        raise DomainError

    with pytest.raises(DomainError):
        with_new_client(deed, newcomer=NEWCOMER, actor=SYSTEM, now=NOON)

    assert not Client.objects.exists()

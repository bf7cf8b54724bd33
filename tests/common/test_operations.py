"""The frame of operations: one transaction, named refusals, another try after a deadlock."""

import logging

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from accounts.models import User
from scheduler_project.common.errors import DomainError, ErrorKind, TryAgain
from scheduler_project.common.operations import ATTEMPTS, broken_constraints, each_by_itself, operation
from tests.factories import UserFactory

OWN_TRANSACTION = pytest.mark.django_db(transaction=True)


class Taken(DomainError):
    code = "taken"
    kind = ErrorKind.CONFLICT


@pytest.fixture
def named(monkeypatch):
    monkeypatch.setitem(broken_constraints, "user_email_once", Taken)


@operation
def write(email, error=None):
    UserFactory(email=email)
    if error:
        raise error


def emails():
    return list(User.objects.order_by("pk").values_list("email", flat=True))


def raised(sqlstate):
    """Return the exception Django raises for an error of PostgreSQL with this code."""
    error = OperationalError("made up")
    error.__cause__ = psycopg.errors.lookup(sqlstate)("made up")
    return error


def stumbling(times, error):
    """An operation that fails that many times, and the list of its tries."""
    tries = []

    @operation
    def stumble():
        tries.append(connection.in_atomic_block)
        UserFactory(email=f"try{len(tries)}@example.org")
        if len(tries) <= times:
            raise error
        return "done"

    return stumble, tries


@OWN_TRANSACTION
def test_operation_is_a_transaction():
    with pytest.raises(ValueError, match="no"):
        write("a@example.org", ValueError("no"))

    assert emails() == []


@OWN_TRANSACTION
def test_operation_commits_and_returns():
    write("a@example.org")

    assert emails() == ["a@example.org"]


@pytest.mark.django_db
def test_operation_within_an_operation_is_undone_alone():
    @operation
    def outer():
        write("a@example.org")
        with pytest.raises(DomainError):
            write("b@example.org", DomainError())
        write("c@example.org")

    outer()

    assert emails() == ["a@example.org", "c@example.org"]


@OWN_TRANSACTION
def test_operation_within_an_operation_is_undone_with_it():
    @operation
    def outer():
        write("a@example.org")
        raise DomainError

    with pytest.raises(DomainError):
        outer()

    assert emails() == []


@pytest.mark.django_db
def test_operation_names_a_known_constraint(named):
    write("a@example.org")

    with pytest.raises(Taken) as refusal:
        write("a@example.org")

    assert isinstance(refusal.value.__cause__, IntegrityError)


@pytest.mark.django_db
def test_operation_refused_by_a_constraint_leaves_the_callers_transaction_usable(named):
    write("a@example.org")

    with pytest.raises(Taken):
        write("a@example.org")

    assert emails() == ["a@example.org"]


@pytest.mark.django_db
def test_operation_is_loud_about_a_constraint_it_does_not_know():
    with pytest.raises(IntegrityError, match="user_email_in_lower_case"):
        write("A@example.org")


@OWN_TRANSACTION
@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
def test_operation_tries_again_from_the_start(sqlstate):
    stumble, tries = stumbling(ATTEMPTS - 1, raised(sqlstate))

    answer = stumble()

    assert (answer, len(tries), emails()) == ("done", 3, ["try3@example.org"])


@OWN_TRANSACTION
def test_operation_gives_up_after_three_tries():
    stumble, tries = stumbling(ATTEMPTS, raised("40P01"))

    with pytest.raises(TryAgain):
        stumble()

    assert (len(tries), emails()) == (3, [])


@pytest.mark.django_db
def test_operation_does_not_repeat_a_part_of_somebody_elses_transaction():
    stumble, tries = stumbling(1, raised("40P01"))

    with transaction.atomic(), pytest.raises(TryAgain):
        stumble()

    assert len(tries) == 1


@OWN_TRANSACTION
@pytest.mark.parametrize("error", [raised("57014"), OperationalError("gone"), DatabaseError("odd")])
def test_operation_is_loud_about_any_other_failure(error):
    stumble, tries = stumbling(1, error)

    with pytest.raises(type(error)):
        stumble()

    assert len(tries) == 1


def test_every_named_constraint_exists_in_the_database(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
        there = {name for (name,) in cursor.fetchall()}

    assert set(broken_constraints) <= there


def test_every_named_constraint_makes_a_domain_error():
    assert all(isinstance(make(), DomainError) for make in broken_constraints.values())


@OWN_TRANSACTION
def test_operation_is_tried_again_when_a_step_of_it_was_undone():
    step, _tries = stumbling(1, raised("40P01"))

    @operation
    def whole():
        UserFactory(email="whole@example.org")
        return step()

    assert whole() == "done"
    assert emails() == ["whole@example.org", "try2@example.org"]


def failing_with(error, at):
    """Work that doubles what it is given, and raises at one of them."""

    def work(key):
        if key == at:
            raise error
        return key * 2

    return work


def test_each_has_its_turn_though_one_fails_and_then_it_is_loud(caplog):
    done = []

    with pytest.raises(ZeroDivisionError):
        each_by_itself(lambda key: done.append(1 // key), [1, 0, 2], what="Halving")

    assert done == [1, 0]
    assert [record.getMessage() for record in caplog.records] == [
        "Halving 0 failed: ZeroDivisionError: integer division or modulo by zero"
    ]


@pytest.mark.parametrize("error", [TryAgain(), raised("55P03")], ids=["deadlock", "lock_timeout"])
def test_each_leaves_who_lost_their_turn_for_the_next_round(caplog, error):
    assert each_by_itself(failing_with(error, 2), [1, 2, 3], what="Doubling") == {1: 2, 3: 6}
    assert [(record.levelno, record.getMessage()[:39]) for record in caplog.records] == [
        (logging.WARNING, "Doubling 2 is left for the next round: ")
    ]


def test_each_ends_at_once_without_a_database(caplog):
    keys = iter([1, 2, 3])

    with pytest.raises(OperationalError):
        each_by_itself(failing_with(OperationalError("the connection is lost"), 2), keys, what="Doubling")

    assert list(keys) == [3]

"""Two superusers take each other's rank at once, and a login makes keys at once: one goes first."""

import pytest

from accounts.keys.operations import create_key
from accounts.keys.scopes import Scope
from accounts.models import ApiKey, User
from accounts.sign_in.rights import change_rights
from scheduler_project.common.failpoints import Failpoint
from tests.factories import NOON, UserFactory, actor_of
from tests.slow.races.failpoints import stop

pytestmark = pytest.mark.django_db(transaction=True)


def demote_each_other(flag, *, locks):
    """Return the kinds of answers, and how many superusers are left who can log in."""
    first, second = (UserFactory(superuser=True) for _ in range(2))

    def by(one, other):
        actor = actor_of(one)
        return lambda: change_rights(user_id=other.pk, flags={flag: False}, actor=actor)

    answers = stop(Failpoint.BEFORE_COMMIT, by(first, second), by(second, first), locks=locks)
    return answers.kinds(), User.objects.filter(is_superuser=True, is_active=True).count()


@pytest.mark.parametrize("flag", ["is_superuser", "is_active"])
def test_of_two_superusers_who_demote_each_other_one_is_left(flag):
    assert demote_each_other(flag, locks=True) == ({"User": 1, "NotAllowed": 1}, 1)


@pytest.mark.parametrize("flag", ["is_superuser", "is_active"])
def test_control_without_locks_none_is_left(flag):
    assert demote_each_other(flag, locks=False) == ({"User": 2}, 0)


def keys_at_once(settings, *, locks):
    settings.API_KEYS_PER_LOGIN = 1
    actor = actor_of(UserFactory())

    def create():
        return create_key(name="Shop", scopes=[Scope.READ], actor=actor, now=NOON)

    return stop(Failpoint.BEFORE_COMMIT, create, create, locks=locks).kinds(), ApiKey.objects.count()


def test_login_has_no_more_keys_than_it_may_if_it_makes_two_at_once(settings):
    assert keys_at_once(settings, locks=True) == ({"NewKey": 1, "TooManyKeys": 1}, 1)


def test_control_without_locks_it_has_one_more(settings):
    assert keys_at_once(settings, locks=False) == ({"NewKey": 2}, 2)

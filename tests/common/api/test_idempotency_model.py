"""The stored responses to repeatable writes."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from scheduler_project.common.db.retention import REPEATABLE
from scheduler_project.common.models import IdempotentRequest
from scheduler_project.common.tasks import tidy
from tests.factories import NOON, UserFactory

pytestmark = pytest.mark.django_db


def remember(user, key="k", created_at=NOON):
    return IdempotentRequest.objects.create(user=user, key=key, fingerprint="f", created_at=created_at)


def test_a_key_is_one_users_once():
    user = UserFactory()
    remember(user)

    with pytest.raises(IntegrityError, match="idempotentrequest_once_per_user_and_key"):
        remember(user)


def test_two_users_may_choose_the_same_key():
    remember(UserFactory())

    assert remember(UserFactory()).pk


def test_a_user_takes_their_keys_along():
    user = UserFactory()
    remember(user)

    user.delete()

    assert not IdempotentRequest.objects.exists()


def test_tidy_forgets_after_two_days():
    user, now = UserFactory(), timezone.now()
    kept = remember(user, "young", now - REPEATABLE + timedelta(minutes=1))
    remember(user, "old", now - REPEATABLE - timedelta(minutes=1))

    assert (tidy(), list(IdempotentRequest.objects.all())) == (1, [kept])

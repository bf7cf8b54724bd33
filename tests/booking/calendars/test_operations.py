"""Opening, renewing and closing calendars to subscribe to."""

import logging

import pytest
from django.db import IntegrityError, transaction

from booking.calendars.operations import close_feed, end_feeds, open_feed, renew_feed
from booking.models import CalendarFeed
from scheduler_project.common.errors import NotAllowed, NotFound
from tests.factories import NOON, SYSTEM, ClientFactory, ProviderFactory, UserFactory, actor_of, minutes
from tests.slow.races.running import together

pytestmark = pytest.mark.django_db


def opened(owner, actor=None):
    which = {"provider_id" if hasattr(owner, "slug") else "client_id": owner.pk}
    return open_feed(**which, actor=actor or actor_of(owner), now=NOON)


@pytest.mark.parametrize("factory", [ProviderFactory, ClientFactory])
def test_open_feed_of_ones_own(factory):
    owner = factory()

    feed = opened(owner)

    assert (feed.owner, feed.created_at) == (owner, NOON)
    assert len(feed.token) == 43


@pytest.mark.parametrize("factory", [ProviderFactory, ClientFactory])
def test_open_feed_twice_is_one(factory):
    owner = factory()

    assert opened(owner).token == opened(owner).token
    assert CalendarFeed.objects.count() == 1


def test_open_feed_of_somebody_else_is_for_staff_who_may_change_feeds(staff):
    owner = ProviderFactory()
    kept = ClientFactory(owner=owner, user=None)

    for target in (owner, kept):
        for stranger in (ProviderFactory(), ClientFactory()):
            with pytest.raises(NotAllowed):
                opened(target, actor_of(stranger))
        with pytest.raises(NotAllowed):
            opened(target, actor_of(staff))
        assert opened(target, actor_of(UserFactory(superuser=True))).owner == target
    with pytest.raises(NotAllowed):
        opened(kept, actor_of(owner))


def test_open_feed_of_nobody_is_not_found():
    for which in ("provider_id", "client_id"):
        with pytest.raises(NotFound):
            open_feed(**{which: 2**62}, actor=SYSTEM, now=NOON)


def test_renew_feed_gives_another_address():
    owner = ProviderFactory()
    feed = opened(owner)

    renewed = renew_feed(feed_id=feed.pk, actor=actor_of(owner), now=NOON + minutes(1))

    assert (renewed.pk, renewed.created_at) == (feed.pk, NOON + minutes(1))
    assert renewed.token != feed.token
    assert list(CalendarFeed.objects.values_list("token", flat=True)) == [renewed.token]


def test_close_feed_revokes_it():
    owner = ClientFactory()

    close_feed(feed_id=opened(owner).pk, actor=actor_of(owner))

    assert not CalendarFeed.objects.exists()
    with pytest.raises(NotFound):
        close_feed(feed_id=1, actor=actor_of(owner))


def test_feed_of_somebody_else_can_neither_be_renewed_nor_closed():
    feed = opened(ProviderFactory())

    for stranger in (ProviderFactory(), ClientFactory()):
        with pytest.raises(NotAllowed):
            renew_feed(feed_id=feed.pk, actor=actor_of(stranger), now=NOON)
        with pytest.raises(NotAllowed):
            close_feed(feed_id=feed.pk, actor=actor_of(stranger))

    assert CalendarFeed.objects.get().token == feed.token


@pytest.mark.parametrize("both", [True, False])
def test_feed_is_of_exactly_one(both):
    owners = {"provider": ProviderFactory(), "client": ClientFactory()} if both else {}

    with pytest.raises(IntegrityError, match="calendarfeed_of_one"), transaction.atomic():
        CalendarFeed.objects.create(**owners, token="t", created_at=NOON)


@pytest.mark.django_db(transaction=True)
def test_open_feed_at_once_is_one():
    owner = ProviderFactory()

    answers = together(*[lambda: opened(owner)] * 6)

    assert len({feed.token for feed in answers}) == 1


def test_security_log_has_feeds_that_are_made_renewed_and_closed(caplog, django_capture_on_commit_callbacks):
    caplog.set_level(logging.INFO, "security")
    owner = ProviderFactory()
    actor = actor_of(owner)
    with django_capture_on_commit_callbacks(execute=True):
        feed = opened(owner)
        opened(owner)
        renew_feed(feed_id=feed.pk, actor=actor, now=NOON)
        close_feed(feed_id=feed.pk, actor=actor)
        opened(owner)
        end_feeds(provider=owner, client=None)
        end_feeds(provider=owner, client=None)

    facts = [record.getMessage().split() for record in caplog.records if record.name == "security"]
    assert [event for event, *_ in facts] == ["key.created", "key.ended"] * 3
    assert {" ".join(each[1:]) for each in facts} == {
        f"face=command by={owner.user_id} kind=feed provider={owner.pk}",
        f"face=command kind=feed provider={owner.pk} count=1",
    }

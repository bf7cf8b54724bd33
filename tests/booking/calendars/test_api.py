"""`/api/feeds`: permissions to open, see, renew and close calendar feeds."""

import pytest

from accounts.keys.scopes import Scope
from booking.models import CalendarFeed
from tests.accounts.keys.helpers import program_of
from tests.booking.answers import ids, refusal
from tests.conftest import logged_in
from tests.factories import ClientFactory, UserFactory, open_provider
from tests.groups import MANAGER, staff_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


FEEDS = "/api/feeds"


@pytest.fixture
def staff(db):
    """Staff who may see everybody's feed addresses."""
    return UserFactory(superuser=True)


def opened(api, **which):
    answer = api.post(FEEDS, which)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_feed_of_ones_own(provider, booker, provider_api, booker_api):
    theirs, own = opened(provider_api), opened(booker_api)

    assert (theirs["provider"], theirs["client"]) == (provider.pk, None)
    assert (own["provider"], own["client"]) == (None, booker.pk)
    token = CalendarFeed.objects.get(client=booker).token
    assert own["url"] == f"http://localhost:8000/calendar/{token}.ics"
    assert opened(booker_api) == own
    assert opened(booker_api, client=booker.pk) == own


def test_feed_of_somebody_who_is_both_is_said(api):
    provider = open_provider()
    client = ClientFactory(user=provider.user)
    caller = logged_in(provider.user)

    assert opened(caller)["provider"] == provider.pk
    assert opened(caller, client=client.pk)["client"] == client.pk
    assert len(ids(caller.get(FEEDS))) == 2


def test_feeds_of_others_are_for_staff(provider, booker, booker_api, staff_api):
    kept = ClientFactory(owner=provider, user=None)
    provider_api = logged_in(provider.user)

    assert opened(staff_api, provider=provider.pk)["provider"] == provider.pk
    assert opened(staff_api, client=kept.pk)["client"] == kept.pk
    assert refusal(staff_api.post(FEEDS, {})) == (400, "required", "provider")
    assert refusal(booker_api.post(FEEDS, {"provider": provider.pk})) == (403, "not_allowed", None)
    assert refusal(booker_api.post(FEEDS, {"client": kept.pk})) == (404, "not_found", "client")
    assert refusal(provider_api.post(FEEDS, {"client": kept.pk})) == (403, "not_allowed", None)
    assert refusal(provider_api.post(FEEDS, {"client": booker.pk})) == (404, "not_found", "client")


def test_feeds_are_listed_for_whose_they_are(provider, booker, provider_api, booker_api, staff_api, api):
    theirs, own = opened(provider_api)["id"], opened(booker_api)["id"]

    assert ids(provider_api.get(FEEDS)) == [theirs]
    assert ids(booker_api.get(FEEDS)) == [own]
    assert ids(staff_api.get(FEEDS)) == [theirs, own]
    assert ids(staff_api.get(f"{FEEDS}?client={booker.pk}")) == [own]
    assert refusal(booker_api.get(f"{FEEDS}/{theirs}"))[0] == 404
    assert refusal(api.get(FEEDS))[0] == 401


def test_feed_can_be_renewed_and_closed(booker_api, client):
    feed = opened(booker_api)
    path = f"{FEEDS}/{feed['id']}"

    renewed = booker_api.post(f"{path}/renew").json()

    old, new = (each["url"].removeprefix("http://localhost:8000") for each in (feed, renewed))
    assert (client.get(old).status_code, client.get(new).status_code) == (404, 200)
    assert booker_api.delete(path).status_code == 204
    assert client.get(new).status_code == 404
    assert refusal(booker_api.delete(path))[0] == 404


def test_addresses_of_feeds_are_not_for_managers(provider, provider_api):
    theirs = opened(provider_api)
    manager_api = logged_in(staff_of(MANAGER))

    assert ids(manager_api.get(FEEDS)) == []
    assert refusal(manager_api.post(FEEDS, {"provider": provider.pk})) == (403, "not_allowed", None)
    assert refusal(manager_api.post(f"{FEEDS}/{theirs['id']}/renew")) == (404, "not_found", None)


def test_feed_is_of_a_provider_or_a_client(staff_api, provider, booker):
    answer = staff_api.post(FEEDS, {"provider": provider.pk, "client": booker.pk})

    assert refusal(answer) == (400, "invalid", "client")


def test_feeds_cost_a_constant_number_of_queries(staff_api, django_assert_num_queries):
    for _ in range(4):
        opened(staff_api, client=ClientFactory().pk)

    with django_assert_num_queries(2):
        staff_api.get(FEEDS)


@pytest.mark.parametrize(("scopes", "shown"), [([Scope.READ], False), ([Scope.READ, Scope.MANAGE], True)])
def test_address_is_shown_to_api_keys_that_may_open_feeds(provider, provider_api, scopes, shown):
    feed = opened(provider_api)
    program = program_of(provider.user, *scopes)

    (listed,) = program.get(FEEDS).json()["results"]
    alone = program.get(f"{FEEDS}/{feed['id']}").json()

    assert (listed["url"], alone["url"]) == ((feed["url"],) * 2 if shown else (None, None))

"""`/account/keys/`."""

import pytest

from accounts.models import ApiKey
from tests.accounts.keys.helpers import new_key, sending
from tests.factories import UserFactory
from tests.groups import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(calendar=False)]

KEYS = "/account/keys/"
WEBSITE = {"name": "Website", "scopes": ["read", "book"], "days": "90"}


def test_key_is_created_and_shown_once(dashboard, provider):
    answer = dashboard.post(KEYS, WEBSITE)

    text = answer.context["text"]
    assert f'value="{text}"' in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    assert sending(text).get("/api/v1/me").status_code == 200
    assert text not in dashboard.get(KEYS).content.decode()
    assert (ApiKey.objects.get().expires_at - ApiKey.objects.get().created_at).days == 90


def test_key_may_work_until_it_is_revoked(dashboard):
    dashboard.post(KEYS, WEBSITE | {"days": "0"})

    assert ApiKey.objects.get().expires_at is None


@pytest.mark.parametrize("wrong", [{"name": ""}, {"scopes": []}, {"scopes": ["all"]}, {"days": "7"}])
def test_bad_wish_is_refused_with_what_was_typed(dashboard, wrong):
    answer = dashboard.post(KEYS, WEBSITE | wrong)

    assert answer.context["form"].errors.keys() == wrong.keys()
    assert not ApiKey.objects.exists()


def test_key_is_replaced_and_the_new_one_shown(dashboard, provider):
    old = new_key(provider.user)

    answer = dashboard.post(f"{KEYS}{old.row.pk}/", {"do": "rotate"})

    assert sending(answer.context["text"]).get("/api/v1/me").status_code == 200
    assert "another 24 hours" in answer.content.decode()
    assert "replaced" in dashboard.get(KEYS).content.decode()


def test_key_is_revoked(dashboard, provider):
    old = new_key(provider.user)

    page = dashboard.post(f"{KEYS}{old.row.pk}/", {"do": "revoke"}, follow=True)

    assert "The key was revoked." in page.content.decode()
    assert sending(old.text).get("/api/v1/me").status_code == 401


def test_key_of_somebody_else_stays_as_it_is(dashboard):
    key = new_key(UserFactory()).row

    for action in ("rotate", "revoke"):
        dashboard.post(f"{KEYS}{key.pk}/", {"do": action})

    key.refresh_from_db()
    assert (key.revoked_at, key.replaced_by) == (None, None)


def test_opening_a_keys_address_changes_nothing(dashboard, provider):
    key = new_key(provider.user).row

    assert dashboard.get(f"{KEYS}{key.pk}/?do=revoke").status_code == 302
    key.refresh_from_db()
    assert key.revoked_at is None


def test_staff_without_the_permission_read_whom_to_ask(staff):
    page = browser_of(staff).get(KEYS).content.decode()

    assert "Ask a superuser" in page
    assert "Create a key" not in page


def test_account_leads_providers_to_their_keys_and_not_clients(dashboard, booker):
    assert KEYS in dashboard.get("/account/").content.decode()
    assert KEYS not in browser_of(booker.user).get("/account/").content.decode()

"""API keys in the admin."""

import pytest

from accounts.models import ApiKey
from tests.accounts.keys.helpers import new_key
from tests.factories import ProviderFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

LIST = "/admin/accounts/apikey/"


@pytest.fixture
def key():
    return new_key(ProviderFactory().user).row


def test_superuser_sees_keys_without_their_hashes(office, key):
    for path in (LIST, f"{LIST}{key.pk}/change/"):
        page = office.get(path).content.decode()
        assert f"sk_{key.prefix}_…" in page
        assert key.hash not in page


def test_superuser_revokes_keys(office, key):
    office.post(LIST, {"action": "revoke", "_selected_action": [key.pk]})

    assert ApiKey.objects.get().revoked_at is not None


def test_manager_sees_no_keys(client, staff, key):
    client.force_login(staff)

    assert client.get(LIST).status_code == 403

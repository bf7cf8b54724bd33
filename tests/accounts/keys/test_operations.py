"""Creating, rotating and revoking API keys."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from accounts.actors import Actor, Source
from accounts.keys.errors import ExpiryPast, KeyEnded, NoScope, TooManyKeys
from accounts.keys.operations import create_key, digest, end_keys, rename_key, revoke_key, rotate_key
from accounts.keys.queries import SHAPE
from accounts.keys.scopes import Scope
from accounts.models import ApiKey, User
from accounts.privacy.operations import delete_account, export_person
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.models import Change
from tests.accounts.helpers import mails
from tests.accounts.keys.helpers import new_key
from tests.factories import NOON, PASSWORD, ProviderFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

HOUR = timedelta(hours=1)


@pytest.fixture
def user():
    return ProviderFactory().user


def actor_for(user):
    return Actor.of(User.objects.get(pk=user.pk), Source.PAGE)


def test_key_is_kept_as_its_hash_only(user):
    made = new_key(user)

    row = ApiKey.objects.filter(pk=made.row.pk).values().get()
    assert SHAPE.fullmatch(made.text)
    assert row["hash"] == digest(made.text)
    assert made.text.rpartition("_")[2] not in str(row)


def test_no_two_keys_are_alike(user):
    assert len({new_key(user).text.rpartition("_")[2] for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("fields", "error"),
    [({"expires_at": NOON}, ExpiryPast), ({"provider_id": 10**9}, NotFound)],
)
def test_bad_wish_is_refused(user, fields, error):
    with pytest.raises(error):
        new_key(user, **fields)


def test_key_without_scopes_is_refused(user):
    with pytest.raises(NoScope):
        create_key(name="x", scopes=[], actor=actor_for(user), now=NOON)


def test_provider_cannot_restrict_a_key_to_another_provider(user):
    with pytest.raises(NotFound):
        new_key(user, provider_id=ProviderFactory().pk)


def test_staff_need_a_permission_to_create_keys(staff):
    with pytest.raises(NotAllowed):
        new_key(staff)

    staff.user_permissions.add(Permission.objects.get(codename="add_apikey"))
    assert new_key(staff).row.is_staff


def test_login_has_so_many_keys_at_most(user, settings):
    settings.API_KEYS_PER_LOGIN = 2
    first, _second = new_key(user), new_key(user)
    with pytest.raises(TooManyKeys):
        new_key(user)

    revoke_key(key_id=first.row.pk, actor=actor_for(user), now=NOON)
    assert new_key(user)


def test_replaced_key_does_not_count(user, settings):
    settings.API_KEYS_PER_LOGIN = 1
    rotate_key(key_id=new_key(user).row.pk, actor=actor_for(user), now=NOON)

    with pytest.raises(TooManyKeys):
        new_key(user)
    assert ApiKey.objects.live(now=NOON).count() == 2


def test_rotated_key_works_for_a_day_and_the_new_one_as_long_as_it_did(user):
    old = new_key(user, Scope.BOOK, expires_at=NOON + timedelta(days=90)).row

    made = rotate_key(key_id=old.pk, actor=actor_for(user), now=NOON + HOUR)

    old.refresh_from_db()
    assert (old.expires_at, old.replaced_by) == (NOON + 25 * HOUR, made.row)
    assert (made.row.scopes, made.row.name) == (["book"], "Website")
    assert made.row.expires_at == NOON + HOUR + timedelta(days=90)


def test_key_that_expires_sooner_is_not_prolonged_by_rotating(user):
    old = new_key(user, expires_at=NOON + HOUR).row

    rotate_key(key_id=old.pk, actor=actor_for(user), now=NOON)

    old.refresh_from_db()
    assert old.expires_at == NOON + HOUR


def test_key_that_was_replaced_ends_when_its_successor_is(user):
    first = new_key(user).row
    second = rotate_key(key_id=first.pk, actor=actor_for(user), now=NOON).row

    rotate_key(key_id=second.pk, actor=actor_for(user), now=NOON + HOUR)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.is_live(NOON + HOUR), second.is_live(NOON + HOUR)) == (False, True)


def test_key_is_replaced_once(user):
    old = new_key(user).row
    rotate_key(key_id=old.pk, actor=actor_for(user), now=NOON)

    with pytest.raises(KeyEnded):
        rotate_key(key_id=old.pk, actor=actor_for(user), now=NOON)


def test_key_of_somebody_else_is_not_there(user):
    key, other = new_key(user).row, actor_for(UserFactory())

    for call in (
        lambda: revoke_key(key_id=key.pk, actor=other, now=NOON),
        lambda: rotate_key(key_id=key.pk, actor=other, now=NOON),
        lambda: rename_key(key_id=key.pk, name="x", actor=other),
    ):
        with pytest.raises(NotFound):
            call()


def test_superuser_revokes_a_key_of_somebody_else_but_does_not_rotate_it(user, boss):
    key = new_key(user).row

    with pytest.raises(NotFound):
        rotate_key(key_id=key.pk, actor=actor_for(boss), now=NOON)
    assert revoke_key(key_id=key.pk, actor=actor_for(boss), now=NOON).revoked_at == NOON


def test_staff_with_the_permission_revoke_no_keys_of_other_staff(user, boss):
    staff = UserFactory(is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="change_apikey"))
    of_boss, of_user = new_key(boss).row, new_key(user).row

    with pytest.raises(NotFound):
        revoke_key(key_id=of_boss.pk, actor=actor_for(staff), now=NOON)
    assert revoke_key(key_id=of_user.pk, actor=actor_for(staff), now=NOON).revoked_at == NOON


def test_key_ends_with_the_deactivation_of_its_login_and_not_with_a_password(user):
    key = new_key(user).row
    user.set_password("another-password-altogether")
    user.save()
    key.refresh_from_db()
    assert key.is_live(NOON)

    user.is_active = False
    user.save()
    key.refresh_from_db()
    assert not key.is_live(NOON)


def test_ending_all_keys_counts_those_that_worked(user):
    new_key(user)
    new_key(user)

    assert (end_keys(user=user, now=NOON), end_keys(user=user, now=NOON)) == (2, 0)


def test_owner_is_told_by_mail(user):
    new_key(user, name="Cash desk")

    (mail,) = [mail for mail in mails() if "API key" in mail.subject]
    assert "“Cash desk”" in mail.body


def test_archive_has_the_keys_without_their_hashes(user):
    made = new_key(user)

    (told,) = export_person(user_id=user.pk, own=True)["login"]["api_keys"]
    assert told["begins_with"] == f"sk_{made.row.prefix}_…"
    assert made.row.hash not in str(told)


def test_keys_end_with_their_login_and_so_do_their_names(user):
    made = new_key(user, name="Ada's laptop")
    user.set_password(PASSWORD)
    user.save()

    delete_account(user_id=user.pk, password=PASSWORD, now=NOON)

    assert not ApiKey.objects.exists()
    logged = Change.objects.filter(table_name="accounts_apikey", row_id=made.row.pk)
    assert "laptop" not in str(list(logged.values_list("changes", flat=True)))


def test_audit_log_has_no_hash_and_no_uses(user):
    made = new_key(user)
    ApiKey.objects.update(last_used_at=NOON)

    (change,) = Change.objects.filter(table_name="accounts_apikey")
    assert change.changes["hash"] is None
    assert change.changes["prefix"] == [None, made.row.prefix]

"""`/api/admin/users`: logins, for staff."""

import pytest

from accounts.models import SignIn, User
from accounts.privacy.operations import erase_client
from tests.accounts.helpers import queries_of, tokens_of
from tests.booking.answers import refusal
from tests.conftest import logged_in
from tests.factories import NOON, SYSTEM, ClientFactory, ProviderFactory, UserFactory
from tests.groups import FRONT_DESK, MANAGER, group, staff_of

pytestmark = pytest.mark.django_db

URL = "/api/v1/admin/users"


@pytest.fixture
def user(db) -> User:
    return UserFactory(email="ada@example.org", name="Ada Lovelace")


@pytest.fixture
def boss_api(boss):
    return logged_in(boss)


def emails(answer) -> list[str]:
    return [row["email"] for row in answer.json()["results"]]


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_one_login_is_shown_whole(staff_api, user):
    client = ClientFactory(user=user)
    user.groups.add(group(FRONT_DESK))

    shown = staff_api.get(f"{URL}/{user.pk}").json()

    assert shown.pop("date_joined")
    assert shown == {
        "id": user.pk,
        "email": "ada@example.org",
        "name": "Ada Lovelace",
        "timezone": "UTC",
        "language": "",
        "roles": ["client"],
        "is_active": True,
        "is_staff": False,
        "is_superuser": False,
        "groups": ["Front desk"],
        "provider": None,
        "client": client.pk,
        "last_login": None,
    }


def test_list_finds_by_role(boss_api, boss):
    people = {
        "client": ClientFactory().user.email,
        "provider": ProviderFactory().user.email,
        "staff": UserFactory(staff=True).email,
    }

    found = {role: set(emails(boss_api.get(URL, {"role": role}))) for role in [*people, "superuser"]}

    assert found == {
        "client": {people["client"]},
        "provider": {people["provider"]},
        "staff": {people["staff"], boss.email},
        "superuser": {boss.email},
    }


def test_list_finds_who_is_active(boss_api, boss):
    gone = UserFactory(is_active=False)

    assert emails(boss_api.get(URL, {"is_active": "false"})) == [gone.email]


@pytest.mark.parametrize("words", ["ADA@", "lovelace"])
def test_list_finds_by_email_and_name(boss_api, user, words):
    UserFactory()

    assert emails(boss_api.get(URL, {"search": words})) == [user.email]


def test_list_costs_the_same_for_many(boss_api):
    ClientFactory.create_batch(2)
    few = queries_of(boss_api.get, URL)
    ClientFactory.create_batch(5)

    assert queries_of(boss_api.get, URL) == few


def test_front_desk_does_not_see_logins(user):
    assert logged_in(staff_of(FRONT_DESK)).get(f"{URL}/{user.pk}").status_code == 403


# --- Who may log in ---------------------------------------------------------------------------------------------------


def test_deactivating_signs_out_at_once(staff_api, user):
    tokens_of(user)

    answer = staff_api.patch(f"{URL}/{user.pk}", {"is_active": False})

    assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    assert not SignIn.objects.live().filter(user=user).exists()


def test_activating_lets_in_again(staff_api):
    gone = UserFactory(is_active=False)

    assert staff_api.patch(f"{URL}/{gone.pk}", {"is_active": True}).json()["is_active"] is True


@pytest.mark.parametrize("name", ["is_active", "is_staff", "is_superuser"])
def test_nobody_takes_their_own_rank(boss_api, boss, name):
    assert refusal(boss_api.patch(f"{URL}/{boss.pk}", {name: False})) == (403, "not_allowed", name)


def test_managers_leave_staff_alone(staff_api):
    colleague = staff_of(MANAGER)

    assert refusal(staff_api.patch(f"{URL}/{colleague.pk}", {"is_active": False})) == (403, "not_allowed", None)
    assert User.objects.get(pk=colleague.pk).is_active


# --- Rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"is_staff": True}, {"is_superuser": True}, {"groups": ["Front desk"]}])
def test_managers_give_no_rights(staff_api, user, change):
    [name] = change

    assert refusal(staff_api.patch(f"{URL}/{user.pk}", change)) == (403, "not_allowed", name)
    user.refresh_from_db()
    assert (user.is_staff, user.is_superuser, list(user.groups.all())) == (False, False, [])


def test_managers_give_themselves_no_rights(staff_api, staff):
    assert refusal(staff_api.patch(f"{URL}/{staff.pk}", {"is_superuser": True})) == (403, "not_allowed", None)


def test_nothing_changes_if_one_part_is_refused(staff_api, user):
    staff_api.patch(f"{URL}/{user.pk}", {"is_active": False, "is_staff": True})

    user.refresh_from_db()
    assert (user.is_active, user.is_staff) == (True, False)


def test_superusers_give_rights(boss_api, user):
    answer = boss_api.patch(f"{URL}/{user.pk}", {"is_staff": True, "groups": ["Manager"]})

    assert (answer.json()["roles"], answer.json()["groups"]) == (["staff"], ["Manager"])
    assert User.objects.get(pk=user.pk).may("accounts.view_user")


def test_superusers_take_groups(boss_api, user):
    user.groups.add(group(MANAGER))

    assert boss_api.patch(f"{URL}/{user.pk}", {"groups": []}).json()["groups"] == []


def test_group_must_be_there(boss_api, user):
    assert refusal(boss_api.patch(f"{URL}/{user.pk}", {"groups": ["Nobody"]})) == (400, "does_not_exist", "groups")


def test_name_and_email_are_not_changed_here(boss_api, user):
    assert refusal(boss_api.patch(f"{URL}/{user.pk}", {"email": "x@example.org"})) == (400, "read_only_field", "email")


# --- Sign-ins ---------------------------------------------------------------------------------------------------------


def test_somebody_is_signed_out_everywhere(staff_api, user):
    for _ in range(2):
        tokens_of(user)

    assert staff_api.post(f"{URL}/{user.pk}/end-sign-ins").json() == {"ended": 2}
    assert not SignIn.objects.live().filter(user=user).exists()


def test_managers_do_not_sign_staff_out(staff_api, boss):
    tokens_of(boss)

    assert staff_api.post(f"{URL}/{boss.pk}/end-sign-ins").status_code == 403
    assert SignIn.objects.live().filter(user=boss).exists()


@pytest.mark.parametrize("sent", [{"is_active": True}, {"is_staff": True}, {"groups": [FRONT_DESK]}])
def test_erased_login_gets_nothing_back(boss_api, user, sent):
    group(FRONT_DESK)
    client = ClientFactory(user=user)
    erase_client(client_id=client.pk, actor=SYSTEM, now=NOON)

    answer = boss_api.patch(f"{URL}/{user.pk}", sent)

    assert refusal(answer) == (409, "login_erased", next(iter(sent)))
    user.refresh_from_db()
    assert not user.is_active

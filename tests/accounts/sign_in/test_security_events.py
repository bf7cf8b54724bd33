"""Events of logins and rights: in the security log, and mailed to the person concerned."""

import logging

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.management.commands.changepassword import Command
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client as Browser
from django.utils.http import urlsafe_base64_encode

from accounts.models import Client, Provider, SignIn, User
from accounts.privacy.operations import delete_account
from accounts.sign_in.operations import ask_new_email
from tests.accounts.helpers import bearer, code_of, mails, tokens_of
from tests.accounts.sign_in.test_mailboxes import NEW, reset_path
from tests.conftest import logged_in
from tests.factories import NOON, PASSWORD, ClientFactory, ProviderFactory, UserFactory
from tests.reminders.helpers import account_messages

pytestmark = pytest.mark.django_db


@pytest.fixture
def events(caplog, django_capture_on_commit_callbacks):
    """Return the lines that a call writes to the security log: `events(call, …)`."""
    caplog.set_level(logging.INFO, "security")

    def of(call, *arguments, **named):
        caplog.clear()
        with django_capture_on_commit_callbacks(execute=True):
            call(*arguments, **named)
        return [record.getMessage() for record in caplog.records if record.name == "security"]

    return of


@pytest.fixture
def user():
    user = UserFactory(email="owner@example.org")
    EmailAddress.objects.update(verified=True)
    return user


def told():
    """Return subjects and recipients of all mails, pending and sent."""
    return [(mail.subject.partition(" – ")[0], mail.to[0]) for mail in mails()]


def api_login(api, **sent):
    return api.post("/api/login", {"email": "owner@example.org", "password": PASSWORD, **sent})


def page_login(browser, **sent):
    return browser.post("/account/login/", {"login": "owner@example.org", "password": PASSWORD, **sent})


# --- Logging in and out -----------------------------------------------------------------------------------------------


def test_log_has_log_ins(events, api, client, user):
    assert events(api_login, api) == [f"login.succeeded face=api address=127.0.0.1 login={user.pk} method=password"]
    assert events(page_login, client) == [
        f"login.succeeded face=page address=127.0.0.1 login={user.pk} method=password"
    ]


def test_log_has_failed_log_ins_without_what_was_typed(events, api, client, user):
    wrong = f"login.failed face={{}} address=127.0.0.1 login={user.pk} reason=wrong_password"
    assert events(api_login, api, password="hunter2") == [wrong.format("api")]
    assert events(page_login, client, password="hunter2") == [wrong.format("page")]
    assert events(api_login, api, email="nobody@example.org") == [
        "login.failed face=api address=127.0.0.1 reason=no_account"
    ]


def test_log_has_log_ins_of_the_inactive(events, api, user):
    User.objects.update(is_active=False)

    (line,) = events(api_login, api)
    assert line.endswith("reason=inactive")


def test_log_has_wrong_codes(events, api, user):
    key = generate_totp_secret()
    TOTP.activate(user, key)

    assert [line.rpartition(" ")[2] for line in events(api_login, api, code="000000")] == ["reason=wrong_code"]
    assert [line.rpartition(" ")[2] for line in events(api_login, api, code=code_of(key))] == ["method=second_factor"]


def test_log_has_who_is_slowed_down(events, api, user, throttle):
    for _ in range(5):
        api_login(api, password="wrong")

    assert events(api_login, api) == [f"login.slowed face=api address=127.0.0.1 login={user.pk} seconds=2"]


def test_log_has_log_outs(events, client, user):
    client.force_login(user)

    (line,) = [line for line in events(client.post, "/account/logout/") if line.startswith("logout")]
    assert line == f"logout face=page address=127.0.0.1 login={user.pk}"


def test_log_has_new_logins(events, api):
    sent = {"name": "Ada", "email": "ada@example.org", "password": "notes-on-the-engine"}
    lines = events(api.post, "/api/register", sent)

    assert [line.partition(" ")[0] for line in lines if "login.created" in line] == ["login.created"]


def test_log_has_passwords_asked_for_again(events, client, user):
    client.force_login(user)
    failed = events(client.post, "/account/reauthenticate/", {"password": "wrong"})
    passed = events(client.post, "/account/reauthenticate/", {"password": PASSWORD})

    assert [line.partition(" ")[0] for line in failed + passed] == [
        "reauthentication.failed",
        "reauthentication.succeeded",
    ]


# --- Limits and refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "path"), [("login", "/api/login"), ("read", "/api/providers")])
def test_log_has_a_limit_once_a_window(events, api, throttle, scope, path):
    throttle[scope] = "2/d"
    ask = api.get if scope == "read" else api.post
    lines = [line for _ in range(5) for line in events(ask, path) if line.startswith("limit")]

    assert lines == [f"limit.reached face=api address=127.0.0.1 scope={scope}"]


def test_log_says_whose_limit_it_is(events, user, throttle):
    throttle["read"] = "1/d"
    api = bearer(logged_in(user), tokens_of(user)["access"])
    api.get("/api/me")

    (line,) = events(api.get, "/api/me")
    assert line.startswith(f"limit.reached face=api address=127.0.0.1 login={user.pk}")


def test_log_has_refusals_of_every_face_without_keys(events, user):
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(user)
    api = logged_in(user)

    assert events(browser.post, "/account/reauthenticate/") == [
        f"access.refused face=page address=127.0.0.1 login={user.pk} method=POST route=account/reauthenticate/"
    ]
    (line,) = events(api.post, "/api/providers", {"name": "x"})
    assert line.startswith("access.refused face=api address=127.0.0.1")
    assert line.endswith('method=POST route="api/providers/?$" reason=permission_denied') or "reason=" in line


def test_log_has_no_line_for_what_is_allowed(events, client):
    assert events(client.get, "/") == []


# --- Passwords: in the log and told, by every path --------------------------------------------------------------------


def change_by_page(user, office):
    browser = Browser()
    browser.force_login(user)
    sent = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert browser.post("/account/password/change/", sent).status_code == 302


def change_by_api(user, office):
    sent = {"current_password": PASSWORD, "new_password": NEW}
    assert logged_in(user).post("/api/password/change", sent).status_code == 200


def reset_by_page(user, office):
    browser = Browser()
    page = browser.get(reset_path(user), follow=True)
    assert browser.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW}).status_code == 302


def reset_by_api(user, office):
    token = reset_path(user).rstrip("/").rpartition("/")[2].partition("-")[2]
    sent = {"uid": urlsafe_base64_encode(str(user.pk).encode()), "token": token, "new_password": NEW}
    assert Browser().post("/api/password/reset/confirm", sent, content_type="application/json").status_code == 204


def change_by_admin(user, office):
    sent = {"usable_password": "true", "password1": NEW, "password2": NEW}
    assert office.post(f"/admin/accounts/user/{user.pk}/password/", sent).status_code == 302


def change_by_command(user, office):
    command = Command()
    command._get_pass = lambda *_: NEW
    call_command(command, user.email)


PATHS = [change_by_page, change_by_api, reset_by_page, reset_by_api, change_by_admin, change_by_command]


@pytest.mark.parametrize("path", PATHS)
def test_new_password_is_logged_and_told_once(events, user, office, path):
    lines = [line for line in events(path, user, office) if line.startswith("password.changed")]

    assert User.objects.get(pk=user.pk).check_password(NEW)
    assert len(lines) == 1
    assert f"login={user.pk}" in lines[0]
    assert told() == [("Your password was changed", "owner@example.org")]
    assert NEW not in lines[0]


def test_new_password_by_staff_is_told_so_without_their_address(user, office):
    change_by_admin(user, office)

    (mail,) = mails()
    assert "The Scheduler team made this change." in mail.body
    assert "127.0.0.1" not in mail.body


def test_new_password_by_the_owner_tells_from_where(user, office):
    change_by_page(user, office)

    (mail,) = mails()
    assert "127.0.0.1" in mail.body
    assert "/account/password/reset/" in mail.body


def test_renewed_hash_is_no_new_password(events, api, user, settings):
    settings.PASSWORD_HASHERS = ["accounts.sign_in.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]

    lines = events(api_login, api)

    assert User.objects.get(pk=user.pk).password.startswith("pbkdf2")
    assert [line.partition(" ")[0] for line in lines] == ["login.succeeded"]
    assert told() == []


def test_password_that_was_not_kept_is_not_told(user):
    user.set_password(NEW)

    assert told() == []


# --- Emails -----------------------------------------------------------------------------------------------------------


def test_new_email_is_logged_and_told_to_the_old_one(events, client, user):
    address = ask_new_email(user_id=user.pk, email="new@example.org")
    client.force_login(user)

    lines = events(client.post, f"/account/confirm-email/{EmailConfirmationHMAC(address).key}/")

    assert [line.partition(" ")[0] for line in lines if "email" in line] == ["email.changed"]
    assert told() == [("Your email was changed", "owner@example.org")]


def test_new_email_by_staff_is_told_to_the_old_one(events, user):
    user.email = "new@example.org"

    assert [line.partition(" ")[0] for line in events(user.save)] == ["email.changed"]
    assert told() == [("Your email was changed", "owner@example.org")]


# --- Second factors ---------------------------------------------------------------------------------------------------


def test_second_factor_added_is_logged_and_told(events, user):
    def activate():
        TOTP.activate(user, generate_totp_secret())
        RecoveryCodes.activate(user)

    assert [line.partition(" ")[0] for line in events(activate)] == ["second_factor.added", "recovery_codes.renewed"]
    assert told() == [("Two-factor authentication is on for your account", "owner@example.org")]


@pytest.mark.parametrize(
    "remove", [lambda row: row.delete(), lambda row: Authenticator.objects.filter(pk=row.pk).delete()]
)
def test_second_factor_removed_is_logged_and_told(events, user, remove):
    row = TOTP.activate(user, generate_totp_secret()).instance
    account_messages().delete()

    lines = events(remove, row)

    assert [line.partition(" ")[0] for line in lines if "factor" in line] == ["second_factor.removed"]
    assert told() == [("Two-factor authentication is off for your account", "owner@example.org")]


@pytest.mark.parametrize("change", ["added", "removed"])
def test_second_factor_that_changes_ends_sign_ins_by_whatever_path(user, change):
    if change == "removed":
        TOTP.activate(user, generate_totp_secret())
    mine, others = (
        SignIn.objects.create(user=owner, kind=SignIn.Kind.PROGRAM, created_at=NOON, last_used_at=NOON)
        for owner in (user, UserFactory())
    )

    if change == "added":
        TOTP.activate(user, generate_totp_secret())
    else:
        Authenticator.objects.filter(user=user).delete()

    mine.refresh_from_db()
    others.refresh_from_db()
    assert mine.ended_at is not None
    assert others.ended_at is None


@pytest.mark.parametrize(
    "goes", [lambda user: user.delete(), lambda user: delete_account(user_id=user.pk, password=PASSWORD, now=NOON)]
)
def test_login_that_goes_is_logged_and_not_written_to(events, user, goes):
    TOTP.activate(user, generate_totp_secret())
    account_messages().delete()

    lines = events(goes, User.objects.get(pk=user.pk))

    assert [line.partition(" ")[0] for line in lines if "login." in line] == ["login.deleted"]
    assert told() == []


# --- Rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["is_staff", "is_superuser", "is_active"])
def test_log_has_changed_rights_of_a_login(events, user, what):
    setattr(user, what, not getattr(user, what))

    assert f"login={user.pk} what={what} to={getattr(user, what)}" in events(user.save)[0]
    assert events(user.save) == []


def test_log_has_rights_a_login_is_made_with(events):
    lines = events(User.objects.create_superuser, "root@example.org", PASSWORD)

    assert {line.rpartition(" what=")[2] for line in lines if "rights" in line} == {
        "is_staff to=True",
        "is_superuser to=True",
    }


def test_log_has_groups_and_permissions(events, user):
    group = Group.objects.create(name="Desk")
    permission = Permission.objects.first()

    changes = [
        (user.groups.add, group, f"login={user.pk} what=groups added={group.pk}"),
        (user.groups.add, group, None),
        (group.user_set.remove, user, f"login={user.pk} what=groups removed={group.pk}"),
        (user.user_permissions.set, [permission], f"login={user.pk} what=permissions added={permission.pk}"),
        (lambda _: user.user_permissions.clear(), None, f"login={user.pk} what=permissions removed=all"),
        (group.permissions.add, permission, f"group={group.pk} what=group_permissions added={permission.pk}"),
    ]

    for change, argument, wanted in changes:
        lines = events(change, argument)
        assert [line.partition("face=command ")[2] for line in lines] == ([wanted] if wanted else [])


def test_log_has_the_approval_of_a_provider(events):
    provider = Provider.objects.get(pk=ProviderFactory(is_approved=False).pk)
    provider.is_approved = True

    (line,) = events(provider.save)
    assert f"login={provider.user_id} what=is_approved to=True provider={provider.pk}" in line


def test_log_has_who_changed_rights_in_the_admin(events, user, office, boss):
    sent = {"action": "deactivate", "_selected_action": [user.pk]}

    lines = [line for line in events(office.post, "/admin/accounts/user/", sent) if "rights" in line]

    assert lines == [
        f"rights.changed face=admin address=127.0.0.1 login={user.pk} by={boss.pk} what=is_active to=False"
    ]


def test_rights_that_are_not_changed_cost_no_query(user, django_assert_num_queries):
    with django_assert_num_queries(2):  # one tells the database who is at work
        user.save(update_fields=["last_login"])


def test_notices_of_one_thing_are_a_few_an_hour(user, throttle):
    throttle["mail"] = "2/d"
    for number in range(4):
        user.set_password(f"microseconds-of-rope-{number}")
        user.save()

    assert len(told()) == 2


def test_clients_without_a_login_are_nobodys_business(events):
    assert events(ClientFactory, user=None) == []
    assert Client.objects.exists()

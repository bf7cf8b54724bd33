"""The first proof of a mailbox ends earlier credentials: somebody else may have made the login and waited."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.conf import settings as project
from django.contrib.auth.tokens import default_token_generator
from django.test import Client as Browser
from django.utils.http import int_to_base36, urlsafe_base64_encode
from rest_framework.test import APIClient

from accounts.models import ApiKey, Client, Provider, User
from booking.calendars.operations import open_feed
from booking.models import CalendarFeed
from reminders.models import Message, Preferences, WebhookEndpoint
from reminders.preferences.operations import set_preferences
from scheduler_project.common.models import IdempotentRequest
from tests.accounts.helpers import bearer, mails
from tests.accounts.keys.helpers import new_key
from tests.factories import (
    NOON,
    PASSWORD,
    ClientFactory,
    UserFactory,
    WebhookEndpointFactory,
    actor_of,
    appoint,
    at,
    open_provider,
)
from tests.reminders.helpers import account_messages

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

NEW = "microseconds-of-rope"
VICTIM = "victim@example.org"


@pytest.fixture
def trap():
    """A login made with another person's mailbox, with everything that keeps working by itself."""
    provider = open_provider(horizon_days=4)
    user = provider.user
    user.email = VICTIM
    user.save()
    client = ClientFactory(user=user, email=VICTIM, phone="+4930901820")
    Provider.objects.filter(pk=provider.pk).update(embed_origins=["https://evil.example"])
    actor = actor_of(user)
    set_preferences(client_id=client.pk, changes={"channels": ["sms"]}, actor=actor, now=NOON)
    WebhookEndpointFactory(provider=provider, url="https://evil.example/")
    new_key(user, now=NOON)
    EmailAddress.objects.create(user=user, email="attacker@evil.example")
    IdempotentRequest.objects.create(user=user, key="1", fingerprint="x", created_at=NOON)
    browser = Browser()
    browser.post("/account/login/", {"login": VICTIM, "password": PASSWORD})
    tokens = APIClient().post("/api/login", {"email": VICTIM, "password": PASSWORD}).json()
    # By the maker of the trap, who stays signed in: no signal ends the other sign-ins.
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    Authenticator.objects.bulk_create(Authenticator(user=user, type=kind, data={}) for kind in kinds)
    SocialAccount.objects.bulk_create([SocialAccount(user=user, provider="https://login.example.org", uid="mallory")])
    return SimpleNamespace(
        user=user,
        client=client,
        browser=browser,
        tokens=tokens,
        feeds=[
            open_feed(provider_id=provider.pk, actor=actor, now=NOON),
            open_feed(client_id=client.pk, actor=actor, now=NOON),
        ],
    )


# --- The ways in which a mailbox is proved ----------------------------------------------------------------------------


def reset_by_api(trap):
    user = User.objects.get(pk=trap.user.pk)
    body = {"uid": urlsafe_base64_encode(str(user.pk).encode()), "token": default_token_generator.make_token(user)}
    assert APIClient().post("/api/password/reset/confirm", body | {"new_password": NEW}).status_code == 204


def reset_path(user):
    user = User.objects.get(pk=user.pk)
    return f"/account/password/reset/key/{int_to_base36(user.pk)}-{default_token_generator.make_token(user)}/"


def reset_by_page(trap):
    browser = Browser()
    page = browser.get(reset_path(trap.user), follow=True)
    browser.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert User.objects.get(pk=trap.user.pk).check_password(NEW)


def open_link(trap, browser=None):
    address = EmailAddress.objects.get(user=trap.user, email=VICTIM)
    answer = (browser or Browser()).post(f"/account/confirm-email/{EmailConfirmationHMAC(address).key}/")
    assert EmailAddress.objects.get(pk=address.pk).verified
    return answer


def as_staff():
    browser = Browser()
    browser.force_login(UserFactory(staff=True, is_superuser=True))
    return browser


def tick(trap):
    address = EmailAddress.objects.get(user=trap.user, email=VICTIM)
    form = {"user": trap.user.pk, "email": VICTIM, "primary": "on", "verified": "on"}
    as_staff().post(f"/admin/account/emailaddress/{address.pk}/change/", form)
    assert EmailAddress.objects.get(pk=address.pk).verified


def mark(trap):
    address = EmailAddress.objects.get(user=trap.user, email=VICTIM)
    as_staff().post("/admin/account/emailaddress/", {"action": "make_verified", "_selected_action": [address.pk]})
    assert EmailAddress.objects.get(pk=address.pk).verified


WAYS = {"reset by API": reset_by_api, "reset by page": reset_by_page, "link": open_link, "tick": tick, "mark": mark}


# --- What keeps on working --------------------------------------------------------------------------------------------


def browser_is_logged_in(trap):
    return trap.browser.get("/account/").status_code == 200


def access_token_opens(trap):
    return bearer(APIClient(), trap.tokens["access"]).get("/api/me").status_code == 200


def refresh_token_opens(trap):
    return APIClient().post("/api/token/refresh", {"refresh": trap.tokens["refresh"]}).status_code == 200


def feeds_open(trap):
    return {Browser().get(f"/calendar/{feed.token}.ics").status_code for feed in trap.feeds} == {200}


THINGS = {
    "page session": browser_is_logged_in,
    "access token": access_token_opens,
    "refresh token": refresh_token_opens,
    "API key": lambda trap: ApiKey.objects.live(now=NOON).exists(),
    "feeds": feeds_open,
    "webhooks": lambda trap: WebhookEndpoint.objects.exists(),
    "phone": lambda trap: Client.objects.exclude(phone="", verified_phone="").filter(pk=trap.client.pk).exists(),
    "channels": lambda trap: Preferences.objects.get(client=trap.client).channels is not None,
    "second factor": lambda trap: Authenticator.objects.filter(type="totp").exists(),
    "recovery codes": lambda trap: Authenticator.objects.filter(type="recovery_codes").exists(),
    "identity": lambda trap: SocialAccount.objects.exists(),
    "pending email": lambda trap: EmailAddress.objects.filter(email="attacker@evil.example").exists(),
    "replayed answers": lambda trap: IdempotentRequest.objects.exists(),
    "framing": lambda trap: Provider.objects.get(user=trap.user).embed_origins != [],
    "password": lambda trap: User.objects.get(pk=trap.user.pk).check_password(PASSWORD),
}


def working(trap):
    return {thing for thing, works in THINGS.items() if works(trap)}


def test_trap_works_before_the_mailbox_is_proved(trap):
    assert working(trap) == set(THINGS)


@pytest.mark.parametrize("way", WAYS)
def test_first_proof_ends_what_was_made_before(trap, way):
    WAYS[way](trap)

    assert working(trap) == set()


def test_first_proof_by_who_is_logged_in_ends_all_but_their_session_and_password(trap):
    browser = Browser()
    browser.force_login(trap.user)

    open_link(trap, browser)

    assert working(trap) == {"password"}
    assert browser.get("/account/").status_code == 200


@pytest.mark.parametrize("way", ["reset by API", "reset by page"])
def test_later_reset_ends_sign_ins_but_not_what_the_owner_made(trap, way):
    EmailAddress.objects.filter(email=VICTIM).update(verified=True)

    WAYS[way](trap)

    works = working(trap)
    gone = {"page session", "access token", "refresh token", "password", "pending email"}
    assert works == set(THINGS) - gone


def test_first_proof_marks_the_mailbox_as_verified_by_a_reset_too(trap):
    reset_by_api(trap)

    assert list(EmailAddress.objects.values_list("email", "primary", "verified")) == [(VICTIM, True, True)]


def test_first_proof_withdraws_what_was_to_go_to_the_phone(trap):
    appoint(trap.user.provider, at("2026-03-04 09:00"), client=trap.client)
    before = set(Message.objects.filter(kind="reminder", status="pending").values_list("channel", flat=True))

    reset_by_api(trap)

    after = set(Message.objects.filter(kind="reminder", status="pending").values_list("channel", flat=True))
    assert "sms" in before
    assert "sms" not in after


def test_first_proof_touches_nobody_else(trap):
    other = open_provider(horizon_days=4)
    WebhookEndpointFactory(provider=other)
    open_feed(provider_id=other.pk, actor=actor_of(other), now=NOON)
    somebody = ClientFactory(phone="+4930901821")

    reset_by_api(trap)

    somebody.refresh_from_db()
    assert (WebhookEndpoint.objects.get().provider, CalendarFeed.objects.get().provider) == (other, other)
    assert str(somebody.phone) == "+4930901821"


def test_first_proof_leaves_a_number_that_a_provider_wrote_down(trap):
    Client.objects.filter(pk=trap.client.pk).update(owner=open_provider(horizon_days=4))

    reset_by_api(trap)

    assert THINGS["phone"](trap)


@pytest.mark.parametrize("way", WAYS)
def test_owner_is_told_what_ended_and_what_is_still_there(trap, way):
    appoint(trap.user.provider, at("2026-03-04 09:00"), now=NOON)
    account_messages().delete()

    WAYS[way](trap)

    (told,) = [mail for mail in mails() if "verified" in mail.subject]
    assert told.to == [VICTIM]
    for words in ("calendar subscription", "webhooks", "phone number", "two-factor authentication", "remind"):
        assert words in told.body
    assert "profile" in told.body


def test_owner_of_a_fresh_login_is_not_written_to_for_nothing(client):
    sent = {"role": "client", "name": "Ada", "email": VICTIM, "password1": PASSWORD}
    client.post("/account/signup/", sent)
    (link,) = re.findall(r"http://localhost:8000(/\S+)", mails()[0].body)
    before = len(mails())

    client.post(link)

    assert EmailAddress.objects.get().verified
    assert len(mails()) == before


def test_link_leads_who_is_not_logged_in_to_a_new_password(trap):
    browser = Browser()

    answer = open_link(trap, browser)
    page = browser.get(answer.url, follow=True)
    browser.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})

    assert User.objects.get(pk=trap.user.pk).check_password(NEW)


@pytest.mark.parametrize("way", ["tick", "mark"])
def test_staff_who_vouch_for_a_mailbox_have_a_link_to_a_new_password_sent_there(trap, way):
    account_messages().delete()

    WAYS[way](trap)

    assert {mail.to[0] for mail in mails()} == {VICTIM}
    [letter] = [mail for mail in mails() if mail.subject.startswith("Choose a new password")]
    (link,) = re.findall(r"http://localhost:8000(/\S+)", letter.body)
    browser = Browser()
    page = browser.get(link, follow=True)
    browser.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert User.objects.get(pk=trap.user.pk).check_password(NEW)


@pytest.mark.parametrize("staff", [True, False])
def test_new_password_stays_in_whose_browser_ever_it_was_set(trap, staff):
    """Even if it is somebody else's, even a staff member's: the link decides."""
    browser = as_staff() if staff else Browser()

    page = browser.get(reset_path(trap.user), follow=True)
    browser.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})

    assert User.objects.get(pk=trap.user.pk).check_password(NEW)


def test_staff_who_vouch_for_their_own_mailbox_keep_their_password():
    user = UserFactory(staff=True, is_superuser=True)
    browser = Browser()
    browser.force_login(user)
    mine = EmailAddress.objects.get(user=user)

    browser.post("/admin/account/emailaddress/", {"action": "make_verified", "_selected_action": [mine.pk]})

    assert EmailAddress.objects.get(pk=mine.pk).verified
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def test_link_warns_who_is_not_logged_in(trap, client):
    key = EmailConfirmationHMAC(EmailAddress.objects.get(email=VICTIM)).key

    shown = client.get(f"/account/confirm-email/{key}/").content.decode()

    assert "Sign in first" in shown
    assert "Sign in first" not in trap.browser.get(f"/account/confirm-email/{key}/").content.decode()


def test_password_that_ended_can_be_set_by_a_mailed_link(trap):
    open_link(trap)
    APIClient().post("/api/password/reset", {"email": VICTIM})

    assert any("/password/reset/" in mail.body and mail.to == [VICTIM] for mail in mails())


# --- Another email ----------------------------------------------------------------------------------------------------


@pytest.fixture
def changing(trap):
    """A login with a verified email that waits for the victim to confirm theirs."""
    trap.address = EmailAddress.objects.get(email=VICTIM)
    EmailAddress.objects.filter(pk=trap.address.pk).update(primary=False)
    EmailAddress.objects.filter(email="attacker@evil.example").update(verified=True, primary=True)
    User.objects.filter(pk=trap.user.pk).update(email="attacker@evil.example")
    return trap


@pytest.mark.parametrize("logged_in", [True, False])
def test_another_email_is_confirmed_by_the_login_itself_only(changing, logged_in):
    browser = changing.browser if logged_in else Browser()

    answer = browser.post(f"/account/confirm-email/{EmailConfirmationHMAC(changing.address).key}/")

    assert (User.objects.get(pk=changing.user.pk).email == VICTIM) is logged_in
    assert answer.url.startswith("/account/" if logged_in else "/account/login/?next=")


def test_another_email_ends_nothing_that_the_same_owner_made(changing):
    changing.browser.post(f"/account/confirm-email/{EmailConfirmationHMAC(changing.address).key}/")

    assert THINGS["feeds"](changing)
    assert THINGS["second factor"](changing)


# --- Nothing is forgotten ---------------------------------------------------------------------------------------------

SECRET = re.compile(
    r"token|secret|key|code|phone|password|session|jti|refresh|channels|url|^data$|origins|address|email|hash"
)

ENDS = {
    "account.EmailAddress.email": "pending email",
    "accounts.ApiKey.hash": "API key",
    "accounts.Client.phone": "phone",
    "accounts.Client.verified_phone": "phone",
    "accounts.Provider.embed_origins": "framing",
    "accounts.SignIn.former_refresh_id": "refresh token",
    "accounts.SignIn.refresh_id": "refresh token",
    "accounts.User.password": "password",
    "booking.CalendarFeed.token": "feeds",
    "common.IdempotentRequest.key": "replayed answers",
    "mfa.Authenticator.data": "second factor",
    "reminders.PhoneCode.phone": "phone",
    "reminders.Preferences.channels": "channels",
    "reminders.WebhookEndpoint.previous_secret": "webhooks",
    "reminders.WebhookEndpoint.secret": "webhooks",
    "reminders.WebhookEndpoint.url": "webhooks",
    "sessions.Session.session_data": "page session",
    "sessions.Session.session_key": "page session",
}
"""Everything that grants access or sends data to the login's maker, with the name of the test item that ends it."""

OPENS_NOTHING = {
    "account.EmailConfirmation.email_address": "not used: links are signed",
    "account.EmailConfirmation.key": "not used: links are signed",
    "accounts.Client.email": "the mailbox that is proved, or one that a provider wrote down",
    "accounts.SignIn.address": "where somebody signed in from",
    "accounts.SignIn.refreshed_at": "a moment",
    "accounts.User.email": "the mailbox that is proved",
    "auth.Permission.codename": "not about a login",
    "common.Change.key": "names the API key of a change",
    "common.Outage.key": "names a server that does not answer",
    **dict.fromkeys(
        [f"common.SiteSettings.{name}" for name in ("email", "phone", "imprint_url", "privacy_url")], "of the site"
    ),
    "common.Remembered.cache_key": "counts and used codes",
    "common.Tally.key": "counts",
    "django_celery_beat.PeriodicTask.routing_key": "not about a login",
    "reminders.DeliveryAttempt.address": "where something was sent",
    "reminders.Message.key": "names a message",
    "reminders.OptOut.address": "of an address, by who reads it",
    "reminders.Reminder.key": "names a message",
    "socialaccount.SocialApp.key": "not used: issuers come from the settings",
    "socialaccount.SocialApp.secret": "not used: issuers come from the settings",
    "socialaccount.SocialToken.token": "not used: tokens of an issuer are not kept",
    "socialaccount.SocialToken.token_secret": "not used: tokens of an issuer are not kept",
}


def test_every_key_of_a_login_ends_or_says_why_not():
    """A new kind fails here: end it at `mailbox_proved` and prove it above, or give the reason why it grants
    nothing."""
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if SECRET.search(field.name)
    }

    assert found == set(ENDS) | set(OPENS_NOTHING)
    assert set(ENDS.values()) <= set(THINGS)


def test_source_verifies_emails_where_it_is_noticed():
    """`QuerySet.update` and `bulk_create` send no signals: a mailbox verified by them would end nothing."""
    silent = re.compile(r"update\([^)]*\bverified=True|bulk_create\([^)]*EmailAddress", re.DOTALL)
    folders = ("scheduler_project", "accounts", "booking", "reminders", "analytics")
    paths = [path for folder in folders for path in Path(project.BASE_DIR, folder).rglob("*.py")]

    assert not [path for path in paths if silent.search(path.read_text()) and "migrations" not in path.parts]

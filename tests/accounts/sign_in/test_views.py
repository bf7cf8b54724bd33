"""django-allauth's pages, as they are configured here."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import DataError, transaction
from django.test import Client as Browser

from accounts.models import Client, Provider, User
from accounts.sign_in.operations import ask_new_email, change_password
from booking.models import Schedule
from reminders.preferences.operations import preferences_of
from tests.accounts.helpers import code_of, mails
from tests.factories import PASSWORD, ClientFactory, ProviderFactory, UserFactory

pytestmark = pytest.mark.django_db

GRACE = {"role": "client", "name": "Grace Hopper", "email": "Grace@Example.org", "password1": "nanoseconds-of-wire"}


def sign_up(browser, query="", **changes):
    return browser.post(f"/account/signup/{query}", GRACE | changes)


def log_in(browser, user, query="", password=PASSWORD):
    return browser.post(f"/account/login/{query}", {"login": user.email, "password": password})


def links(mail):
    return re.findall(r"http://localhost:8000(/\S+)", mail.body)


# --- Signing up -------------------------------------------------------------------------------------------------------


def test_sign_up_makes_a_client_in_the_visitors_timezone(client):
    client.cookies["timezone"] = "Europe/Berlin"

    answer = sign_up(client)

    made = Client.objects.get()
    assert (made.name, made.email, made.timezone, made.owner) == (
        "Grace Hopper",
        "grace@example.org",
        "Europe/Berlin",
        None,
    )
    assert made.user.email == "grace@example.org"
    assert made.user.timezone == "Europe/Berlin"
    assert answer.url == "/account/welcome/"
    assert client.session["_auth_user_id"] == str(made.user_id)


@pytest.mark.parametrize(("read", "kept"), [("de", "de"), ("en", "")])
def test_whoever_signs_up_in_another_language_than_the_sites_is_written_to_in_it(client, settings, read, kept):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = read

    sign_up(client)

    made = Client.objects.get()
    assert made.user.language == kept
    assert preferences_of(made).language == kept


def test_sign_up_as_a_provider_opens_a_calendar(client):
    sign_up(client, role="provider")

    assert Schedule.objects.get().provider == Provider.objects.get()
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    ("query", "chosen"), [("", "client"), ("?role=provider", "provider"), ("?role=owner", "client")]
)
def test_sign_up_offers_the_role_that_is_asked_for(client, query, chosen):
    page = client.get(f"/account/signup/{query}").content.decode()

    assert re.findall(r'value="(\w+)"[^>]*checked', page) == [chosen]


def test_sign_up_honours_next(client):
    assert sign_up(client, "?next=/me/calendar/").url == "/me/calendar/"


def test_sign_up_mails_a_link_that_verifies_by_post(client):
    sign_up(client)
    (mail,) = mails()
    (link,) = links(mail)

    client.get(link)
    before = EmailAddress.objects.get().verified
    client.post(link)

    assert (before, EmailAddress.objects.get().verified) == (False, True)
    assert mail.alternatives[0][1] == "text/html"


def test_sign_up_knows_one_primary_unverified_email(client):
    sign_up(client)

    assert list(EmailAddress.objects.values_list("email", "primary", "verified")) == [
        ("grace@example.org", True, False)
    ]


def test_sign_up_refuses_an_email_that_is_taken(client):
    UserFactory(email="grace@example.org")

    answer = sign_up(client)

    assert "email" in answer.context["form"].errors
    assert User.objects.count() == 1


def test_sign_up_is_limited_per_address_and_together_with_the_api(client, api, throttle):
    throttle["register"] = "3/d"
    api.post("/api/register", {})
    answers = [sign_up(client, password1="short").status_code for _ in range(3)]

    assert answers == [200, 200, 429]
    assert client.get("/account/signup/").status_code == 200


@pytest.mark.parametrize("password", ["short", "123456789012", "grace hopper"])
def test_sign_up_refuses_what_djangos_validators_refuse(client, password):
    answer = sign_up(client, password1=password)

    assert "password1" in answer.context["form"].errors


def test_sign_up_finds_no_bookings_that_guests_made_under_the_email(client):
    ClientFactory(owner=ProviderFactory(), user=None, email="grace@example.org")

    sign_up(client)

    assert Client.objects.filter(user__isnull=False).count() == 1
    assert Client.objects.get(owner__isnull=False).user is None


# --- Logging in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "where"),
    [
        (lambda: ProviderFactory().user, "/dashboard/"),
        (lambda: ClientFactory().user, "/me/"),
        (lambda: UserFactory(staff=True), "/admin/"),
        (UserFactory, "/account/"),
    ],
)
def test_log_in_leads_everybody_to_their_own(client, who, where):
    user = who()

    log_in(client, user)

    assert client.get("/account/welcome/").url == where


@pytest.mark.parametrize(
    ("next_page", "where"), [("/me/past/", "/me/past/"), ("https://evil.example/", "/account/welcome/")]
)
def test_log_in_honours_next_on_this_site_only(client, booker, next_page, where):
    assert log_in(client, booker.user, f"?next={next_page}").url == where


def test_log_in_refuses_inactive_logins_like_wrong_passwords(client):
    inactive = UserFactory(is_active=False)

    told = [log_in(client, inactive).content, log_in(client, inactive, password="wrong").content]
    errors = [re.search(rb"errorlist.*?</ul>", page, re.DOTALL)[0] for page in told]

    assert errors[0] == errors[1]
    assert "_auth_user_id" not in client.session


def test_log_in_is_limited_per_address_and_together_with_the_api(client, api, throttle):
    throttle["login"] = "3/d"
    api.post("/api/login", {})
    answers = [client.post("/account/login/", {}).status_code for _ in range(3)]

    assert answers == [200, 200, 429]
    assert client.get("/account/login/").status_code == 200


def test_log_in_brings_the_language_of_the_login(client):
    user = ClientFactory(user__language="de").user

    answer = log_in(client, user)

    assert answer.cookies["django_language"].value == "de"


def test_log_out_acts_on_post_only(client, booker):
    client.force_login(booker.user)

    client.get("/account/logout/")
    before = "_auth_user_id" in client.session
    client.post("/account/logout/")

    assert (before, "_auth_user_id" in client.session) == (True, False)


# --- Passwords --------------------------------------------------------------------------------------------------------


def test_reset_mails_the_same_link_as_the_api_and_it_works(client, booker):
    client.post("/account/password/reset/", {"email": booker.user.email})
    (link,) = links(mails()[0])

    page = client.get(link, follow=True)
    new = {"password1": "microseconds-of-rope", "password2": "microseconds-of-rope"}
    client.post(page.redirect_chain[-1][0], new)

    assert re.match(r"/password/reset/[\w-]+/[\w-]+/$", link)
    assert User.objects.get(pk=booker.user_id).check_password("microseconds-of-rope")


def test_reset_link_that_is_made_up_says_so(client):
    answer = client.get("/password/reset/MQ/made-up/")

    assert answer.status_code == 400
    assert "Request a new one" in answer.content.decode()


def test_reset_answers_the_same_whoever_asks_and_writes_to_no_strangers(client, booker):
    known = client.post("/account/password/reset/", {"email": booker.user.email})
    unknown = client.post("/account/password/reset/", {"email": "nobody@example.org"})

    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert [mail.to for mail in mails()] == [[booker.user.email]]


def test_changing_the_password_keeps_logged_in_and_is_told(client, booker):
    client.force_login(booker.user)
    new = {"oldpassword": PASSWORD, "password1": "microseconds-of-rope", "password2": "microseconds-of-rope"}

    client.post("/account/password/change/", new)

    assert client.get("/account/").status_code == 200
    assert [mail.to for mail in mails()] == [[booker.user.email]]


# --- Emails -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def owner(client):
    """The browser of a client with a verified email who has just given their password again."""
    who = ClientFactory(email="old@example.org", user__email="old@example.org")
    EmailAddress.objects.update(verified=True)
    client.post("/account/login/", {"login": who.user.email, "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    return who


def change_email(browser, email="new@example.org"):
    return browser.post("/account/email/", {"email": email, "action_add": ""})


def test_another_email_counts_once_it_is_verified(client, owner):
    change_email(client)
    before = User.objects.get(pk=owner.user_id).email
    (link,) = links(mails()[0])
    client.post(link)

    owner.refresh_from_db()
    assert before == "old@example.org"
    assert owner.user.email == "new@example.org"
    assert owner.email == "new@example.org"
    assert list(EmailAddress.objects.values_list("email", "primary", "verified")) == [("new@example.org", True, True)]


def test_another_email_needs_the_password_again(client, booker):
    client.force_login(booker.user)

    assert change_email(client).url.startswith("/account/reauthenticate/")


def test_another_email_leaves_one_that_was_never_verified_until_it_is(client, owner):
    EmailAddress.objects.update(verified=False)

    change_email(client)
    change_email(client, "newer@example.org")

    assert User.objects.get(pk=owner.user_id).email == "old@example.org"
    assert set(EmailAddress.objects.values_list("email", "primary")) == {
        ("old@example.org", True),
        ("newer@example.org", False),
    }


@pytest.mark.parametrize(
    "new_password",
    [
        lambda browser, user: browser.post(
            "/account/password/change/",
            {"oldpassword": PASSWORD, "password1": "notes-on-the-engine", "password2": "notes-on-the-engine"},
        ),
        lambda browser, user: change_password(
            user_id=user.pk, current_password=PASSWORD, new_password="notes-on-the-engine"
        ),
    ],
    ids=["page", "api"],
)
def test_another_email_asked_for_with_the_old_password_is_forgotten_with_it(client, owner, new_password):
    change_email(client)
    new_password(client, owner.user)

    client.post(links(mails()[0])[0])

    user = User.objects.get(pk=owner.user_id)
    assert user.check_password("notes-on-the-engine")
    assert user.email == "old@example.org"


def test_another_email_asked_for_twice_leaves_the_first_link_good(client, owner):
    change_email(client)
    change_email(client)

    client.post(links(mails()[0])[0])

    assert User.objects.get(pk=owner.user_id).email == "new@example.org"


def test_another_email_that_cannot_be_kept_leaves_the_one_before(owner):
    ask_new_email(user_id=owner.user_id, email="new@example.org")

    with pytest.raises(DataError), transaction.atomic():
        ask_new_email(user_id=owner.user_id, email="x" * 999)

    assert EmailAddress.objects.filter(email="new@example.org").exists()


def test_another_email_may_be_ones_own_but_once(client, owner):
    answer = change_email(client, "OLD@example.org")

    assert list(answer.context["form"].errors) == ["email"]


def test_another_email_of_somebody_with_a_second_factor_counts_once_it_is_verified(client, owner):
    secret = generate_totp_secret()
    TOTP.activate(owner.user, secret)
    log_in(client, owner.user)
    client.post("/account/2fa/authenticate/", {"code": code_of(secret)})

    change_email(client)
    (asked,) = [mail for mail in mails() if mail.to == ["new@example.org"]]
    client.post(links(asked)[0])

    assert User.objects.get(pk=owner.user_id).email == "new@example.org"
    assert Authenticator.objects.filter(user=owner.user_id).exists()


@pytest.mark.parametrize(
    "send",
    [
        change_email,
        lambda browser, email: sign_up(Browser(), email=email),
        lambda browser, email: browser.post("/account/password/reset/", {"email": email}),
    ],
    ids=["change", "sign-up", "reset"],
)
def test_an_email_that_is_too_long_is_refused(client, owner, send):
    answer = send(client, f"{'x' * 60}@{'y' * 60}.{'y' * 60}.{'y' * 60}.example.org")

    assert list(answer.context["form"].errors) == ["email"]


def test_another_email_is_mailed_a_few_times_only(client, owner, throttle):
    throttle["mail"] = "1/d"
    EmailAddress.objects.update(verified=False)

    for email in ("new@example.org", "newer@example.org", "new@example.org"):
        change_email(client, email)

    assert [mail.to for mail in mails()] == [["new@example.org"], ["newer@example.org"]]


@pytest.mark.parametrize("scope", ["mail_login", "mail_network"])
def test_a_login_has_few_strangers_mailed(client, owner, throttle, scope):
    throttle |= {"mail_login": "9/d", "mail_network": "9/d", scope: "2/d"}

    for number in range(4):
        change_email(client, f"stranger{number}@example.org")

    assert [mail.to for mail in mails()] == [["stranger0@example.org"], ["stranger1@example.org"]]


def test_another_network_and_login_are_mailed_all_the_same(client, owner, throttle):
    throttle |= {"mail_login": "1/d", "mail_network": "1/d"}
    change_email(client, "stranger@example.org")

    sign_up(Browser(REMOTE_ADDR="192.0.2.77"))

    assert [mail.to for mail in mails()] == [["stranger@example.org"], ["grace@example.org"]]


def test_looking_at_somebody_elses_link_logs_nobody_out(client, owner):
    change_email(client)
    other = Browser()
    other.force_login(UserFactory())

    shown = other.get(links(mails()[0])[0])

    assert shown.status_code == 200
    assert other.get("/account/").status_code == 200


@pytest.mark.parametrize("email", ["stranger@example.org", "taken@example.org"])
@pytest.mark.parametrize("verified", [True, False])
def test_another_email_is_made_the_logins_by_nothing_but_its_link(client, owner, email, verified):
    EmailAddress.objects.update(verified=verified)
    UserFactory(email="taken@example.org")
    change_email(client, email)

    answer = client.post("/account/email/", {"email": email, "action_primary": ""})

    assert answer.status_code == 302
    assert User.objects.get(pk=owner.user_id).email == "old@example.org"
    assert [mail.to for mail in mails()] == [[email]]


def test_another_email_that_waits_is_asked_for_again_and_taken_back(client, owner):
    change_email(client)

    client.post("/account/email/", {"email": "new@example.org", "action_send": ""})
    assert EmailAddress.objects.filter(email="new@example.org").exists()

    client.post("/account/email/", {"email": "new@example.org", "action_remove": ""})
    assert not EmailAddress.objects.filter(email="new@example.org").exists()


def test_another_email_that_waits_keeps_its_owner_from_nothing(client, owner):
    change_email(client, "grace@example.org")

    sign_up(Browser())

    assert User.objects.filter(email="grace@example.org").exists()


def test_another_email_is_refused_when_somebody_took_it_meanwhile(client, owner):
    change_email(client)
    UserFactory(email="new@example.org")

    client.post(links(mails()[0])[0])

    assert User.objects.get(pk=owner.user_id).email == "old@example.org"


@pytest.mark.parametrize("make", [UserFactory, lambda: User.objects.create_superuser("root@example.org")])
def test_every_login_has_its_email_noted(make):
    user = make()

    assert list(EmailAddress.objects.filter(user=user).values_list("email", "primary")) == [(user.email, True)]


def test_an_email_that_staff_change_has_yet_to_be_verified():
    user = UserFactory(email="old@example.org")
    EmailAddress.objects.update(verified=True)

    user.email = "new@example.org"
    user.save()

    assert list(EmailAddress.objects.values_list("email", "primary", "verified")) == [("new@example.org", True, False)]


# --- All of them ------------------------------------------------------------------------------------------------------

FOR_STRANGERS = [
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
    "/account/password/reset/done/",
    "/account/password/reset/key/done/",
    "/account/password/reset/key/1-none/",
    "/account/confirm-email/none/",
    "/account/inactive/",
]
FOR_ALL = [
    "/account/",
    "/account/email/",
    "/account/password/change/",
    "/account/logout/",
    "/account/reauthenticate/",
    "/account/2fa/",
    "/account/2fa/totp/activate/",
    "/account/delete/",
]


@pytest.mark.parametrize("path", FOR_STRANGERS)
def test_pages_for_strangers_are_ours(client, path):
    page = client.get(path).content.decode()

    assert 'class="site-header"' in page
    assert page.count("<h1>") == 1
    assert "style=" not in page


@pytest.mark.parametrize("path", FOR_ALL)
def test_pages_for_those_logged_in_are_ours(client, owner, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        answer = client.get(path)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'class="site-header"' in page
    assert page.count("<h1>") == 1
    assert "style=" not in page


@pytest.mark.parametrize("path", FOR_ALL)
def test_pages_of_ones_own_ask_strangers_to_log_in(path):
    assert Browser().get(path).url.startswith(("/account/login/", "/"))

"""Logging in by an OpenID Connect issuer, on the pages and in the API, and what its liars try."""

import time
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client as Browser

from accounts.models import Client, SignIn, User
from accounts.privacy.operations import delete_account, export_person
from accounts.sign_in import issuer as trusted
from tests.accounts.helpers import bearer, code_of, mails, refusal
from tests.accounts.sign_in.issuer import CLIENT, new_key, trusted_issuer
from tests.factories import NOON, PASSWORD, ClientFactory, ProviderFactory, UserFactory

pytestmark = pytest.mark.django_db

GRACE = "grace@example.org"


@pytest.fixture
def issuer(settings):
    with trusted_issuer(settings) as issuer:
        yield issuer


def begin(browser, **sent):
    """Press the button. Return the issuer's address."""
    answer = browser.post("/account/issuer/", sent)
    assert answer.status_code == 200
    return answer.headers["Refresh"].removeprefix("0; url=")


def come_back(browser, address):
    parts = urlsplit(address)
    return browser.get(f"{parts.path}?{parts.query}")


def log_in(browser, issuer, **claims):
    return come_back(browser, issuer.log_in(begin(browser), **claims))


def swap(api, issuer, token=None, **more):
    """Swap a token for ours; without one, one about Grace."""
    return api.post("/api/v1/login/oidc", {"id_token": token or issuer.signed(issuer.claims()), **more})


def is_logged_in(browser):
    return "_auth_user_id" in browser.session


def verified(user):
    EmailAddress.objects.filter(user=user).update(verified=True)
    return user


def grace(**fields):
    return verified(ClientFactory(user__email=GRACE, **fields).user)


# --- The pages --------------------------------------------------------------------------------------------------------


def test_button_is_on_the_log_in_page(client, issuer):
    assert "Sign in with Practice account" in client.get("/account/login/").content.decode()


def test_without_an_issuer_there_is_no_button_and_no_address(client):
    assert "/account/issuer/" not in client.get("/account/login/").content.decode()
    assert client.post("/account/issuer/").status_code == 404
    assert client.get("/account/issuer/back/?code=x&state=y").status_code == 404


def test_log_in_begins_with_state_nonce_and_pkce(client, issuer):
    asked = parse_qs(urlsplit(begin(client)).query)

    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://localhost:8000/account/issuer/back/"]


def test_log_in_begins_only_by_a_button_of_ours(issuer):
    assert Browser(enforce_csrf_checks=True).post("/account/issuer/").status_code == 403
    assert Browser().get("/account/issuer/").url == "/account/login/"


def test_visitor_cannot_choose_what_the_issuer_is_asked(client, issuer):
    answer = client.post("/account/issuer/?scope=admin&auth_params=prompt%3Dnone&process=connect")

    asked = parse_qs(urlsplit(answer.headers["Refresh"]).query)
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
    assert "prompt" not in asked


def test_new_person_becomes_a_client(client, issuer):
    client.cookies["timezone"] = "Europe/Berlin"
    answer = log_in(client, issuer)

    made = Client.objects.get(email=GRACE)
    assert (made.name, made.timezone, answer.url) == ("Grace Hopper", "Europe/Berlin", "/account/welcome/")
    assert EmailAddress.objects.get(user=made.user).verified
    assert client.session["_auth_user_id"] == str(made.user_id)


def test_person_comes_back_by_their_subject_whatever_their_email_is_now(client, issuer):
    log_in(client, issuer)
    user = User.objects.get()
    again = Browser()
    log_in(again, issuer, email="other@example.org", email_verified=False)

    assert again.session["_auth_user_id"] == str(user.pk)
    assert User.objects.get().email == GRACE


def test_page_that_asked_for_the_log_in_is_shown_after_it(client, issuer):
    assert come_back(client, issuer.log_in(begin(client, next="/account/data/"))).url == "/account/data/"
    assert come_back(client, issuer.log_in(begin(client, next="https://evil.example.net/"))).url == "/account/welcome/"


def test_login_with_the_same_verified_email_is_joined_and_told(client, issuer):
    user = grace()
    log_in(client, issuer)

    assert client.session["_auth_user_id"] == str(user.pk)
    assert "You can now sign in to your account with another service" in mails()[-1].subject
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def test_provider_logs_in_too(client, issuer):
    provider = ProviderFactory(user__email=GRACE)
    verified(provider.user)
    log_in(client, issuer)

    assert client.get("/account/welcome/").url == "/dashboard/"


def test_log_in_is_listed_logged_and_ended_like_others(client, issuer, caplog):
    caplog.set_level("INFO", "security")
    log_in(client, issuer)
    sign_in = SignIn.objects.get()
    SignIn.objects.update(ended_at=NOON)

    assert sign_in.kind == "browser"
    assert any("login.succeeded" in line and "method=identity" in line for line in caplog.messages)
    assert client.get("/account/").status_code == 302


def test_nothing_of_the_issuer_is_kept_but_the_subject(client, issuer):
    log_in(client, issuer)

    kept = SocialAccount.objects.get()
    assert (kept.provider, kept.uid, kept.extra_data) == (issuer.url, "grace-1", {})
    assert not SocialToken.objects.exists()


def test_email_may_be_only_in_the_issuers_other_answer(client, issuer):
    issuer.userinfo = {"sub": "grace-1", "email": GRACE, "email_verified": True}
    log_in(client, issuer, email=None, email_verified=None)

    assert User.objects.get().email == GRACE


def test_other_answer_about_another_person_is_refused(client, issuer):
    issuer.userinfo = {"sub": "mallory", "email": GRACE, "email_verified": True}
    log_in(client, issuer, email=None)

    assert not is_logged_in(client)


def test_whoever_cancels_there_sees_the_log_in_page(client, issuer):
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    answer = client.get(f"/account/issuer/back/?{urlencode({'error': 'access_denied', 'state': state})}")

    assert answer.url == "/account/login/"


def test_log_in_shows_who_it_is_for_a_few_minutes(client, issuer):
    log_in(client, issuer)

    assert client.get("/account/data/").status_code == 200


def test_person_removes_the_identity(client, issuer):
    log_in(client, issuer)
    assert "Sign-in with Practice account" in client.get("/account/").content.decode()
    client.post("/account/issuer/remove/")

    assert not SocialAccount.objects.exists()


# --- Whose login ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", [False, None, "false", 1, "yes"])
def test_email_that_the_issuer_has_not_verified_joins_nothing(client, issuer, claim):
    grace()
    answer = log_in(client, issuer, email_verified=claim)

    assert (answer.status_code, is_logged_in(client)) == (403, False)
    assert not SocialAccount.objects.exists()


def test_email_that_the_issuer_has_not_verified_registers_nobody(client, issuer):
    assert log_in(client, issuer, email_verified=False).status_code == 403
    assert not User.objects.exists()


def test_what_somebody_set_up_before_with_that_email_ends(client, issuer):
    squatter = ClientFactory(user__email=GRACE, phone="+4930123456").user
    TOTP.activate(squatter, generate_totp_secret())
    theirs = Browser()
    theirs.force_login(squatter)
    log_in(client, issuer)

    assert client.session["_auth_user_id"] == str(squatter.pk)
    assert theirs.get("/account/").status_code == 302
    assert not User.objects.get().check_password(PASSWORD)
    assert not Authenticator.objects.exists()
    assert Client.objects.get().phone == ""


def test_identity_that_joined_before_a_mailbox_was_proved_ends(client, issuer):
    user = ClientFactory(user__email=GRACE).user
    SocialAccount.objects.create(user=user, provider=issuer.url, uid="mallory")
    log_in(client, issuer)

    assert SocialAccount.objects.get().uid == "grace-1"


def test_second_identity_with_that_email_is_refused(client, issuer):
    log_in(client, issuer)
    other = Browser()

    assert log_in(other, issuer, sub="grace-2").status_code == 409
    assert not is_logged_in(other)


def test_subject_of_another_issuer_is_another_person(client, issuer):
    other = UserFactory()
    SocialAccount.objects.create(user=other, provider="https://former.example.org", uid="grace-1")
    log_in(client, issuer)

    assert client.session["_auth_user_id"] != str(other.pk)


def test_inactive_login_is_refused(client, issuer):
    log_in(client, issuer)
    User.objects.update(is_active=False)
    again = Browser()

    assert log_in(again, issuer).status_code == 403
    assert not is_logged_in(again)


@pytest.mark.parametrize("rank", ["staff", "superuser"])
def test_staff_are_not_joined_by_email(client, issuer, rank):
    verified(UserFactory(email=GRACE, **{rank: True}))

    assert log_in(client, issuer).status_code == 403
    assert not SocialAccount.objects.exists()


def test_client_who_became_staff_logs_in_by_password(client, issuer):
    log_in(client, issuer)
    User.objects.update(is_staff=True)

    assert log_in(Browser(), issuer).status_code == 403


def test_staff_log_in_where_the_issuer_is_trusted_with_them(client, issuer, settings):
    settings.OIDC_STAFF = True
    user = verified(UserFactory(email=GRACE, staff=True))
    log_in(client, issuer)

    assert client.session["_auth_user_id"] == str(user.pk)


def test_second_factor_is_asked_for_after_the_issuer(client, issuer):
    user, secret = grace(), generate_totp_secret()
    TOTP.activate(user, secret)

    assert log_in(client, issuer).url == "/account/2fa/authenticate/"
    assert not is_logged_in(client)
    client.post("/account/2fa/authenticate/", {"code": code_of(secret)})
    assert client.session["_auth_user_id"] == str(user.pk)


def test_second_factor_is_left_to_an_issuer_that_is_trusted_with_it(client, issuer, settings):
    settings.OIDC_SECOND_FACTOR = True
    user = grace()
    TOTP.activate(user, generate_totp_secret())
    log_in(client, issuer)

    assert client.session["_auth_user_id"] == str(user.pk)


def test_trust_in_the_issuer_is_no_trust_in_passwords(client, issuer, settings):
    settings.OIDC_SECOND_FACTOR = True
    user = grace()
    TOTP.activate(user, generate_totp_secret())
    client.post("/account/login/", {"login": GRACE, "password": PASSWORD})

    assert not is_logged_in(client)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Grace\n Hopper ", "Grace Hopper"),
        ("www.evil.example.com", "grace"),
        ("\u202eecarG", "grace"),
        ("\u3164", "grace"),
        ("x" * 999, "x" * 150),
        (["a list"], "['a list']"),
    ],
)
def test_name_is_one_that_people_may_have(client, issuer, name, shown):
    log_in(client, issuer, name=name)

    assert Client.objects.get().name == shown


@pytest.mark.parametrize("email", ["grace@localhost", "no email", "x" * 250 + "@example.org", "gräce@example.org", ""])
def test_email_that_nobody_could_register_with_is_refused(client, issuer, email):
    assert log_in(client, issuer, email=email).status_code == 403


def test_identity_is_exported_and_erased(client, issuer):
    log_in(client, issuer)
    user = User.objects.get()
    user.set_password(PASSWORD)
    user.save()
    archive = export_person(user_id=user.pk)["login"]["identities"]
    delete_account(user_id=user.pk, password=PASSWORD, now=NOON)

    assert (archive[0]["issuer"], archive[0]["subject"]) == (issuer.url, "grace-1")
    assert not SocialAccount.objects.exists()


def test_issuers_in_the_database_are_not_read(client, issuer):
    SocialApp.objects.create(provider="openid_connect", provider_id="evil", client_id="x", settings={})

    assert client.get("/account/login/").status_code == 200
    assert issuer.url in begin(client)


# --- Tokens that lie --------------------------------------------------------------------------------------------------


def public_pem(issuer):
    return issuer.keys["one"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def by_public_key(issuer, claims):
    """Sign with HS256 and the public key, which everybody knows. PyJWT refuses to, so sign by hand."""
    head = {"alg": "HS256", "typ": "JWT", "kid": "one"}
    parts = [jwt.utils.base64url_encode(jwt.api_jws.json.dumps(part).encode()) for part in (head, claims)]
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return b".".join(
        [*parts, jwt.utils.base64url_encode(algorithm.sign(b".".join(parts), public_pem(issuer)))]
    ).decode()


LIES = {
    "another issuer": lambda issuer: issuer.signed(issuer.claims(iss="https://evil.example.net")),
    "another audience": lambda issuer: issuer.signed(issuer.claims(aud="another-site")),
    "several audiences": lambda issuer: issuer.signed(issuer.claims(aud=[CLIENT, "another-site"])),
    "for another party": lambda issuer: issuer.signed(issuer.claims(azp="another-site")),
    "no audience": lambda issuer: issuer.signed(issuer.claims(aud=None)),
    "expired": lambda issuer: issuer.signed(issuer.claims(exp=int(time.time()) - 61)),
    "no end": lambda issuer: issuer.signed(issuer.claims(exp=None)),
    "from the future": lambda issuer: issuer.signed(issuer.claims(iat=int(time.time()) + 600)),
    "no subject": lambda issuer: issuer.signed(issuer.claims(sub=None)),
    "empty subject": lambda issuer: issuer.signed(issuer.claims(sub="")),
    "long subject": lambda issuer: issuer.signed(issuer.claims(sub="x" * 192)),
    "numeric subject": lambda issuer: issuer.signed(issuer.claims(sub=7)),
    "unsigned": lambda issuer: jwt.encode(issuer.claims(), None, algorithm="none", headers={"kid": "one"}),
    "signed by the public key": lambda issuer: by_public_key(issuer, issuer.claims()),
    "signed by a stranger": lambda issuer: issuer.signed(issuer.claims(), key=new_key()),
    "signed by an unknown key": lambda issuer: issuer.signed(issuer.claims(), kid="two"),
    "changed": lambda issuer: issuer.signed(issuer.claims())[:-8] + "AAAAAAAA",
    "no token": lambda issuer: "a.b.c",
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_refused_in_the_api(api, issuer, lie):
    assert refusal(swap(api, issuer, LIES[lie](issuer))) == (401, [("identity_not_valid", None)])
    assert not User.objects.exists()


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_refused_on_the_pages(client, issuer, lie):
    issuer.token_of = lambda claims: LIES[lie](issuer)

    assert log_in(client, issuer).status_code == 400
    assert not is_logged_in(client)


def test_token_of_another_log_in_is_refused(client, issuer):
    assert log_in(client, issuer, nonce="of another").status_code == 400
    assert not is_logged_in(client)


def test_answer_without_a_token_is_refused(client, issuer):
    issuer.token_of = lambda claims: None

    assert log_in(client, issuer).status_code == 400


def test_state_works_once_and_only_in_its_browser(client, issuer):
    back = issuer.log_in(begin(client))

    assert come_back(Browser(), back).status_code == 400
    assert come_back(client, back).status_code == 302
    assert come_back(client, back).status_code == 400


def test_answer_in_the_name_of_another_issuer_is_refused(client, issuer):
    back = issuer.log_in(begin(client))

    assert come_back(client, f"{back}&iss=https://evil.example.net").status_code == 400


def test_code_of_another_browser_is_refused(client, issuer):
    stolen = parse_qs(urlsplit(issuer.log_in(begin(Browser()))).query)["code"][0]
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    answer = client.get(f"/account/issuer/back/?{urlencode({'code': stolen, 'state': state})}")

    assert (answer.status_code, is_logged_in(client)) == (400, False)


def test_new_key_of_the_issuer_is_found(api, issuer, monkeypatch):
    swap(api, issuer)
    monkeypatch.setattr(trusted, "RENEWED_SECONDS", -1)
    issuer.keys = {"two": new_key()}
    claims = issuer.claims(sub="grace-1")

    assert swap(api, issuer, issuer.signed(claims, key=issuer.keys["two"], kid="two")).status_code == 200


def test_documents_are_asked_for_once(api, issuer):
    for number in range(3):
        swap(api, issuer, issuer.signed(issuer.claims(iat=int(time.time()) - number)))

    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


# --- An issuer in trouble ---------------------------------------------------------------------------------------------


def test_silent_issuer_is_not_waited_for(api, issuer, settings):
    settings.OIDC_TIMEOUT_SECONDS, issuer.hang = 0.2, True
    begun = time.monotonic()
    answer = swap(api, issuer)

    assert refusal(answer) == (503, [("issuer_unavailable", None)])
    assert time.monotonic() - begun < 2
    begun = time.monotonic()
    assert swap(api, issuer).status_code == 503
    assert time.monotonic() - begun < 0.2


def test_silent_issuer_leaves_the_log_in_page(client, issuer, settings):
    settings.OIDC_TIMEOUT_SECONDS, issuer.hang = 0.2, True

    assert client.post("/account/issuer/").status_code == 503
    assert client.get("/account/login/").status_code == 200


def test_issuer_that_falls_silent_halfway_is_not_waited_for(client, issuer, settings):
    back = issuer.log_in(begin(client))
    settings.OIDC_TIMEOUT_SECONDS, issuer.hang = 0.2, True

    assert come_back(client, back).status_code == 503


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example.net"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": None},
        b"no JSON",
        b"[]",
        b"x" * 500_001,
    ],
)
def test_issuer_that_is_none_is_unavailable(client, issuer, document):
    path = "/.well-known/openid-configuration"
    issuer.documents[path] = document if isinstance(document, bytes) else issuer.documents[path] | document

    assert client.post("/account/issuer/").status_code == 503


def test_issuer_with_https_is_not_left_for_http(issuer, settings, monkeypatch):
    address = issuer.url.replace("http:", "https:")
    document = issuer.documents["/.well-known/openid-configuration"] | {"issuer": address}
    settings.OIDC_ISSUER = address
    kept = {f"{address}/.well-known/openid-configuration": trusted.Kept(document)}
    monkeypatch.setattr(trusted.DOCUMENTS, "kept", kept)

    with pytest.raises(trusted.IssuerUnavailable):
        trusted.configuration()


# --- The API ----------------------------------------------------------------------------------------------------------


def test_id_token_is_swapped_for_tokens(api, issuer):
    answer = swap(api, issuer, timezone="Europe/Berlin")

    assert answer.status_code == 200
    assert answer.data["user"]["email"] == GRACE
    assert Client.objects.get().timezone == "Europe/Berlin"
    assert bearer(api, answer.data["access"]).get("/api/v1/me").status_code == 200
    assert SignIn.objects.get().kind == "program"


def test_id_token_works_once(api, issuer):
    token = issuer.signed(issuer.claims())
    swap(api, issuer, token)

    assert refusal(swap(api, issuer, token)) == (401, [("identity_not_valid", None)])


def test_id_token_is_refused_when_it_is_old(api, issuer):
    token = issuer.signed(issuer.claims(iat=int(time.time()) - 601, exp=int(time.time()) + 9999))

    assert refusal(swap(api, issuer, token)) == (401, [("identity_not_valid", None)])


@pytest.mark.parametrize("nonce", [None, "other"])
def test_nonce_of_the_token_must_be_that_of_the_program(api, issuer, nonce):
    token = issuer.signed(issuer.claims(nonce="mine"))

    assert swap(api, issuer, token, **({"nonce": nonce} if nonce else {})).status_code == 401
    assert swap(api, issuer, token, nonce="mine").status_code == 200


def test_second_factor_is_asked_for_in_the_api(api, issuer):
    user, secret = grace(), generate_totp_secret()
    TOTP.activate(user, secret)
    token = issuer.signed(issuer.claims())

    assert refusal(swap(api, issuer, token)) == (401, [("second_factor_required", None)])
    assert swap(api, issuer, token, code=code_of(secret)).status_code == 200


def test_unverified_email_is_refused_in_the_api(api, issuer):
    token = issuer.signed(issuer.claims(email_verified=False))

    assert refusal(swap(api, issuer, token)) == (403, [("identity_unverified", None)])


def test_staff_are_refused_in_the_api(api, issuer):
    verified(UserFactory(email=GRACE, staff=True))

    assert refusal(swap(api, issuer)) == (403, [("staff_by_password", None)])


def test_there_is_no_such_log_in_without_an_issuer(api):
    answer = api.post("/api/v1/login/oidc", {"id_token": "a.b.c"})

    assert refusal(answer) == (403, [("no_issuer", None)])

"""Password hashing, and the limit on parallel hashing."""

import threading

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangosHasher
from django.contrib.auth.hashers import check_password, identify_hasher, make_password

from accounts.models import User
from accounts.sign_in.hashers import Argon2PasswordHasher, hashing_semaphore, turn
from scheduler_project.common.errors import TooBusy
from tests.accounts.helpers import refusal
from tests.factories import PASSWORD, UserFactory

HASHERS = ["accounts.sign_in.hashers.Argon2PasswordHasher", "accounts.sign_in.hashers.PBKDF2PasswordHasher"]


@pytest.fixture
def argon(settings):
    """Hash passwords as in production, with a short maximum wait."""
    settings.PASSWORD_HASHERS = HASHERS
    settings.PASSWORD_HASH_WAIT_SECONDS = 0.05
    hashing_semaphore.cache_clear()
    return settings


@pytest.fixture
def all_taken(argon):
    """Occupy all allowed hashings."""
    argon.PASSWORD_HASHES_AT_ONCE = 1
    with turn():
        yield


def test_hash_takes_19_mebibytes_two_passes_and_one_lane(argon):
    assert make_password(PASSWORD).startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_hash_of_either_kind_is_verified(argon):
    pbkdf2 = make_password(PASSWORD, hasher="pbkdf2_sha256")
    assert check_password(PASSWORD, make_password(PASSWORD))
    assert check_password(PASSWORD, pbkdf2)
    assert not check_password("wrong", pbkdf2)


@pytest.mark.django_db
def test_login_renews_a_hash_made_with_other_parameters(argon, api):
    user = UserFactory()
    User.objects.filter(pk=user.pk).update(password=DjangosHasher().encode(PASSWORD, "s" * 22))

    assert api.post("/api/login", {"email": user.email, "password": PASSWORD}).status_code == 200

    user.refresh_from_db()
    assert identify_hasher(user.password).decode(user.password)["memory_cost"] == 19456
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize(("at_once", "wanted"), [(1, 1), (2, 2), (5, 4)])
def test_process_hashes_no_more_than_that_at_once(argon, monkeypatch, at_once, wanted):
    """Four threads hash; each waits inside until the allowed number has arrived."""
    argon.PASSWORD_HASHES_AT_ONCE, argon.PASSWORD_HASH_WAIT_SECONDS = at_once, 20
    inside, most, lock, full = 0, 0, threading.Lock(), threading.Event()

    def encode(self, password, salt):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == wanted:
                full.set()
        full.wait(10)
        with lock:
            inside -= 1
        return "argon2$"

    monkeypatch.setattr(DjangosHasher, "encode", encode)
    threads = [threading.Thread(target=Argon2PasswordHasher().encode, args=("x", "salt")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert most == wanted


def test_turn_is_given_back_after_a_failure(argon):
    argon.PASSWORD_HASHES_AT_ONCE = 1
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), turn():
            raise ZeroDivisionError


@pytest.mark.parametrize("hasher", ["argon2", "pbkdf2_sha256"])
def test_hash_is_refused_when_its_turn_does_not_come(all_taken, hasher):
    with pytest.raises(TooBusy):
        make_password(PASSWORD, hasher=hasher)


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["user@example.org", "nobody@example.org"])
def test_api_answers_503_when_its_turn_does_not_come(argon, api, email):
    UserFactory(email="user@example.org")
    argon.PASSWORD_HASHES_AT_ONCE = 1
    with turn():
        response = api.post("/api/login", {"email": email, "password": PASSWORD})

    assert refusal(response) == (503, [("too_busy", None)])
    assert response.headers["Retry-After"] == "2"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/account/login/", {"login": "user@example.org", "password": PASSWORD}),
        (
            "/account/signup/",
            {"role": "client", "name": "Ada", "email": "ada@example.org", "password1": "notes-on-the-engine"},
        ),
    ],
)
def test_page_answers_503_when_its_turn_does_not_come(argon, client, path, sent):
    UserFactory(email="user@example.org")
    argon.PASSWORD_HASHES_AT_ONCE = 1
    with turn():
        response = client.post(path, sent)

    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert "very busy right now" in response.content.decode()
    assert client.post(path, sent).status_code == 302


@pytest.mark.django_db
def test_admin_answers_503_when_its_turn_does_not_come(argon, office):
    user = UserFactory()
    argon.PASSWORD_HASHES_AT_ONCE = 1
    sent = {"usable_password": "true", "password1": "notes-on-the-engine", "password2": "notes-on-the-engine"}
    with turn():
        response = office.post(f"/admin/accounts/user/{user.pk}/password/", sent)

    assert response.status_code == 503

"""The same action done twice at once."""

import threading

import pytest
import time_machine
from django.db import connection
from django.utils.http import urlsafe_base64_encode

from accounts.clients.operations import edit_client, edit_user
from accounts.models import SignIn, User
from accounts.sign_in.errors import EmailTaken, LinkNotValid, TokenNotValid
from accounts.sign_in.operations import default_token_generator, reset_password
from accounts.sign_in.registration import Role, register
from accounts.sign_in.sign_ins import renew
from tests.accounts.helpers import tokens_of
from tests.factories import NOON, ClientFactory, UserFactory, actor_of

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*deeds):
    """Run each function in its own thread, and return their results or exceptions."""
    start = threading.Barrier(len(deeds))
    outcomes = [None] * len(deeds)

    def run(number):
        try:
            start.wait(timeout=10)
            outcomes[number] = deeds[number]()
        except Exception as error:  # noqa: BLE001  (looked at by the test)
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


def kinds(outcomes):
    return sorted(type(outcome).__name__ for outcome in outcomes)


def test_register_gives_an_email_to_one_only():
    def deed():
        return register(
            name="Grace", email="grace@example.org", password="x", timezone="UTC", role=Role.CLIENT, now=NOON
        )

    assert kinds(at_once(*[deed] * 4)) == sorted([EmailTaken.__name__] * 3 + ["User"])


def test_register_gives_namesakes_slugs_of_their_own_or_asks_again():
    def deed(number):
        return lambda: register(
            name="Ada", email=f"ada{number}@example.org", password="x", timezone="UTC", role=Role.PROVIDER, now=NOON
        )

    outcomes = at_once(*[deed(number) for number in range(4)])

    made = [outcome for outcome in outcomes if isinstance(outcome, User)]
    assert made
    assert set(kinds(outcomes)) <= {"User", "TryAgain"}
    assert len({user.provider.slug for user in made}) == len(made)


def test_refresh_takes_a_token_once(settings):
    settings.REFRESH_GRACE_SECONDS = 0
    with time_machine.travel(NOON, tick=False):
        token = tokens_of(UserFactory())["refresh"]

        outcomes = at_once(*[lambda: renew(refresh=token, now=NOON)] * 4)

    assert kinds(outcomes) == sorted([TokenNotValid.__name__] * 3 + ["dict"])
    assert SignIn.objects.get().ended_at == NOON


def test_refresh_answers_one_token_to_all_who_ask_at_once():
    with time_machine.travel(NOON, tick=False):
        token = tokens_of(UserFactory())["refresh"]

        outcomes = at_once(*[lambda: renew(refresh=token, now=NOON)] * 4)

    assert len({outcome["refresh"] for outcome in outcomes}) == 1
    assert SignIn.objects.get().ended_at is None


def test_confirm_takes_a_link_once():
    user = UserFactory()
    uid = urlsafe_base64_encode(str(user.pk).encode())
    token = default_token_generator.make_token(user)

    outcomes = at_once(
        *[
            lambda password=password: reset_password(uid=uid, token=token, new_password=password)
            for password in ("first-rope", "second-rope", "third-rope")
        ]
    )

    assert kinds(outcomes) == sorted([LinkNotValid.__name__] * 2 + ["User"])


def test_edits_of_a_login_and_its_client_leave_them_in_step():
    booker = ClientFactory()
    actor = actor_of(booker)

    outcomes = at_once(
        *[lambda: edit_user(user_id=booker.user_id, changes={"name": "By the login"}, actor=actor)] * 2,
        *[lambda: edit_client(client_id=booker.pk, changes={"name": "By the client"}, actor=actor)] * 2,
    )

    booker.refresh_from_db()
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert booker.name == User.objects.get(pk=booker.user_id).name

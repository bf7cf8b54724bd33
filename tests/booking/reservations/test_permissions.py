"""The actions that a caller may take on a hold."""

import pytest
from django.contrib.auth.models import Permission

from accounts.actors import Actor, Source
from booking.models import Reservation
from booking.reservations.permissions import allowed_actions
from tests.factories import NOON, ClientFactory, User, UserFactory, at, hold, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_people")]


@pytest.fixture
def held(provider, booker):
    return hold(provider, at("2026-03-04 09:00"), client=booker)


def allowed(held, user, now=NOON):
    return allowed_actions(Reservation.objects.get(pk=held.pk), Actor.of(user, Source.API), now)


@pytest.mark.parametrize("who", ["provider", "booker"])
def test_both_sides_may_confirm_and_release(held, who, provider, booker):
    user = {"provider": provider, "booker": booker}[who].user

    assert allowed(held, user) == ["confirm", "release"]


@pytest.mark.parametrize(
    ("permission", "actions"),
    [
        ("booking.view_reservation", []),
        ("booking.change_reservation", ["release"]),
        ("booking.add_appointment", ["confirm"]),
    ],
)
def test_staff_may_what_their_permissions_say(held, permission, actions):
    user = UserFactory(staff=True)
    user.user_permissions.add(Permission.objects.get(codename=permission.partition(".")[2]))

    assert allowed(held, User.objects.get(pk=user.pk)) == actions


def test_others_may_nothing(held):
    assert allowed(held, ClientFactory().user) == []


def test_hold_that_has_ended_allows_nothing(held, booker):
    assert allowed(held, booker.user, NOON + minutes(30)) == []

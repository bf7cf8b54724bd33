"""`manage.py load_demo`: a practice to look around in, made once and never over real data."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from accounts.actors import Source
from accounts.models import Client, Provider, User
from booking.appointments.enums import AppointmentStatus
from booking.demo import practice
from booking.demo.logins import replace_known_password
from booking.demo.people import PASSWORD
from booking.models import (
    Appointment,
    AppointmentSeries,
    AvailabilityWindow,
    Closure,
    DateOverride,
    Reservation,
    Slot,
    TimeOff,
)
from booking.reservations.enums import ReservationStatus
from tests.factories import ProviderFactory, UserFactory
from tests.groups import browser_of

pytestmark = pytest.mark.django_db


def load(**options):
    out = StringIO()
    call_command("load_demo", stdout=out, **options)
    return out.getvalue()


def census():
    return {
        model.__name__: model.objects.count()
        for model in (
            *(User, Provider, Client, Reservation, Appointment, AppointmentSeries),
            *(Slot, TimeOff, Closure, DateOverride),
        )
    }


def test_makes_a_practice_with_everything_in_it_and_only_once(throttle):
    said = load(known_password=True)
    now = timezone.now()

    assert Provider.objects.count() == 8
    assert all(provider.is_verified for provider in Provider.objects.all())
    assert len(set(Provider.objects.values_list("schedule__timezone", flat=True))) >= 5
    assert set(Appointment.objects.values_list("status", flat=True)) == set(AppointmentStatus.values)
    assert set(Reservation.objects.values_list("status", flat=True)) == set(ReservationStatus.values)
    assert Reservation.objects.held(now=now).count() == 2
    assert not Reservation.objects.stale(now=now).exists()
    assert Appointment.objects.past(now=now).count() > 20
    assert Appointment.objects.coming(now=now).count() > 20
    assert not Appointment.objects.past(now=now).filter(status="scheduled").exists()
    assert not Appointment.objects.filter(created_at__gt=now).exists()
    registered = Reservation.objects.filter(client__owner=None)
    assert set(registered.values_list("face", flat=True)) == {Source.PAGE}
    assert set(Reservation.objects.exclude(client__owner=None).values_list("face", flat=True)) == {Source.COMMAND}
    for kind in (TimeOff, Closure, DateOverride, AvailabilityWindow):
        assert kind.objects.exists()
    assert set(AppointmentSeries.objects.values_list("rrule", flat=True)) == {"FREQ=WEEKLY", "FREQ=MONTHLY;BYDAY=1WE"}
    assert all(series.appointments.filter(status="scheduled").exists() for series in AppointmentSeries.objects.all())
    assert len(AppointmentSeries.objects.get(rrule__startswith="FREQ=MONTHLY").exdates) == 1
    for provider in Provider.objects.published():
        assert Slot.objects.filter(provider=provider, reservation=None, starts_at__gt=now + timedelta(days=30)).exists()
    for email in ("admin@example.com", "office@example.com", "maya@example.com", "sam@example.com"):
        assert email in said
        assert User.objects.get(email=email).check_password(PASSWORD)
    assert PASSWORD in said
    assert list(User.objects.get(email="office@example.com").groups.values_list("name", flat=True)) == ["Front desk"]

    before = census()
    assert PASSWORD in load(known_password=True)
    assert load(if_empty=True) == ""
    assert census() == before


def password_in(said):
    return re.search(r"The password of each is (\S+)", said)[1]


def test_logins_have_a_password_of_their_own_unless_asked_otherwise(quiet):
    password = password_in(load())

    assert password != PASSWORD
    for email in ("admin@example.com", "office@example.com", "maya@example.com", "sam@example.com"):
        assert User.objects.get(email=email).check_password(password)
        assert not User.objects.get(email=email).check_password(PASSWORD)
    assert "were told when they were made" in load()
    assert "were told when they were made" in load(known_password=True)
    assert User.objects.get(email="maya@example.com").check_password(password)
    another = password_in(load(new_password=True))
    assert User.objects.get(email="maya@example.com").check_password(another)
    assert password_in(load(new_password=True, known_password=True)) == PASSWORD


@pytest.fixture
def known():
    """Return one of the demo's logins, with the demo password."""
    return UserFactory(email="admin@example.com", password=PASSWORD)


def test_known_password_is_replaced_where_others_come(known):
    spared = UserFactory(email="maya@example.com", password="her own")
    other = UserFactory(email="other@example.com", password=PASSWORD)
    browser = browser_of(known)

    password = replace_known_password()

    known.refresh_from_db()
    spared.refresh_from_db()
    other.refresh_from_db()
    assert known.check_password(password)
    assert spared.check_password("her own")
    assert other.check_password(PASSWORD)
    assert browser.get("/api/me").status_code == 401
    assert replace_known_password() is None


@pytest.mark.slow
def test_the_same_moment_gives_the_same_practice(quiet):
    now = timezone.now()
    seen = []
    for _time in range(2):
        with transaction.atomic():
            practice.Practice(now, PASSWORD).open()
            rows = Appointment.objects.order_by("reservation__starts_at", "reservation__provider__name")
            seen.append(
                list(rows.values_list("title", "status", "reservation__starts_at", "reservation__client__name"))
            )
            transaction.set_rollback(True)

    assert seen[0] == seen[1]


def test_if_empty_returns_at_once_when_there_is_any_provider(django_assert_num_queries):
    ProviderFactory()

    with django_assert_num_queries(1):
        assert load(if_empty=True) == ""


@pytest.fixture
def quiet(monkeypatch):
    """A practice with next to no appointments, which is quicker."""
    monkeypatch.setattr(practice, "PAST_EACH", 1)
    monkeypatch.setattr(practice, "COMING_EACH", 1)


def test_refuses_to_stand_beside_real_providers_unless_forced(quiet):
    ProviderFactory()

    with pytest.raises(CommandError, match="--force"):
        load()
    assert Provider.objects.count() == 1
    load(force=True)

    assert Provider.objects.count() == 9


def test_refuses_to_take_over_a_login_that_exists():
    UserFactory(email="sam@example.com")

    with pytest.raises(CommandError, match="sam@example"):
        load()

    assert User.objects.count() == 1


def test_leaves_the_password_of_an_admin_who_is_there(quiet):
    admin = UserFactory(superuser=True, email="admin@example.com", password="mine-alone")

    load()

    admin.refresh_from_db()
    assert admin.check_password("mine-alone")

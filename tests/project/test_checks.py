"""The start-up check of timezones."""

import pytest
from django.core.checks import run_checks
from django.core.management import call_command

from scheduler_project.common import checks
from tests.factories import AppointmentFactory, ScheduleFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_zones_in_use_are_those_that_rows_name():
    UserFactory(timezone="Europe/Berlin")
    ScheduleFactory(timezone="Asia/Kathmandu", provider__user__timezone="Europe/Berlin")
    AppointmentFactory(timezone="America/New_York")

    assert checks.zones_in_use("default") == {"UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"}


def test_zones_in_use_leave_out_names_that_nobody_knows():
    UserFactory(timezone="Mars/Olympus")

    assert checks.zones_in_use("default") == set()


def test_zones_agree_says_nothing_of_zones_that_agree():
    UserFactory(timezone="UTC")

    assert checks.zones_agree(databases=["default"]) == []


def test_zones_agree_names_a_zone_that_does_not(monkeypatch):
    UserFactory(timezone="Asia/Kathmandu")
    monkeypatch.setattr(checks, "_offsets", lambda name, moments: [3600] * len(moments))

    (found,) = checks.zones_agree(databases=["default"])

    assert (found.id, "Asia/Kathmandu" in found.msg) == ("common.W001", True)


def test_zones_agree_asks_no_database_it_was_not_given():
    assert checks.zones_agree() == []


def test_zones_agree_is_run_with_the_checks_of_a_database(monkeypatch):
    UserFactory(timezone="Asia/Kathmandu")
    monkeypatch.setattr(checks, "_offsets", lambda name, moments: [])

    found = {message.id for message in run_checks(tags=["database"], databases=["default"])}

    assert "common.W001" in found


def test_check_passes():
    call_command("check", databases=["default"], fail_level="ERROR")

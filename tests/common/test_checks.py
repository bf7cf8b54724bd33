"""The start-up checks of timezones and of connections."""

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection

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


def test_connections_suffice_says_how_many_of_those_allowed_may_be_used(settings):
    settings.WEB_WORKERS, settings.WEB_THREADS, settings.WORKER_PROCESSES = 3, 5, 2

    (found,) = checks.connections_suffice(databases=["default"])

    assert found.id == "common.I001"
    assert f"can use {15 + 2 + 2 * 16 + 1 + checks.RESERVE} of the 197 " in found.msg
    assert "web 15, worker 2, sender 32, beat 1" in found.msg


def test_connections_suffice_refuses_more_than_the_server_allows(settings):
    settings.WEB_WORKERS, settings.WEB_THREADS = 20, 10

    (found,) = checks.connections_suffice(databases=["default"])

    assert (found.id, found.is_serious()) == ("common.E001", True)
    assert "allows 197" in found.msg


def test_connections_suffice_counts_what_the_database_or_role_is_allowed():
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} CONNECTION LIMIT 40")

    assert checks.connections_allowed("default") == 40


def test_connections_suffice_leaves_counting_to_a_pooler(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)

    assert checks.connections_suffice(databases=["default"]) == []


@pytest.mark.parametrize(
    ("header", "proxies", "found"),
    [
        (None, 0, []),
        (("HTTP_X_FORWARDED_PROTO", "https"), 1, []),
        (("HTTP_X_FORWARDED_PROTO", "https"), 0, ["common.W002"]),
    ],
    ids=["no proxy", "a proxy that counts", "a proxy that does not"],
)
def test_proxy_in_front_has_to_be_counted(settings, header, proxies, found):
    settings.SECURE_PROXY_SSL_HEADER, settings.TRUSTED_PROXIES = header, proxies

    assert [message.id for message in run_checks(tags=["security"])] == found

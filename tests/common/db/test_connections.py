"""Every connection speaks UTC and reads instants exactly."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.django_db


def asked(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]


def test_the_session_is_in_utc():
    assert asked("SHOW TimeZone") == "UTC"


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
    st.integers(-14 * 60, 14 * 60).map(lambda offset: timezone(timedelta(minutes=offset))),
)
def test_an_instant_comes_back_as_the_same_instant_in_utc(naive, zone):
    instant = naive.replace(tzinfo=zone)

    back = asked("SELECT %s::timestamptz", instant)

    assert (back, back.tzinfo) == (instant, UTC)


def test_nothing_comes_back_as_nothing():
    assert asked("SELECT NULL::timestamptz") is None


def test_a_list_of_instants_comes_back_whole():
    instants = [datetime(2026, 3, 29, hour, tzinfo=UTC) for hour in range(3)]

    assert asked("SELECT %s::timestamptz[]", instants) == instants

"""The format of free times."""

from zoneinfo import ZoneInfo

import orjson
import pytest

from booking.availability.api.slots import serialized_times
from booking.availability.search import FreeTime
from tests.factories import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


def as_json(times, zone):
    return orjson.loads(orjson.dumps(serialized_times(times, zone and ZoneInfo(zone)), option=orjson.OPT_UTC_Z))


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        (None, "2026-03-04T09:00:00Z", "2026-03-04T09:15:00Z"),
        ("Asia/Kathmandu", "2026-03-04T14:45:00+05:45", "2026-03-04T15:00:00+05:45"),
        ("America/New_York", "2026-03-04T04:00:00-05:00", "2026-03-04T04:15:00-05:00"),
        ("America/St_Johns", "2026-03-04T05:30:00-03:30", "2026-03-04T05:45:00-03:30"),
        ("Pacific/Kiritimati", "2026-03-04T23:00:00+14:00", "2026-03-04T23:15:00+14:00"),
    ],
)
def test_written_tells_the_time_of_the_zone_asked_for(zone, start, end):
    time = FreeTime(7, 3, at("2026-03-04 09:00"), at("2026-03-04 09:15"))

    assert as_json([time], zone) == [{"id": 7, "provider": 3, "start_time": start, "end_time": end}]


def test_written_tells_each_side_of_a_change_in_its_own_offset():
    time = FreeTime(7, 3, at("2026-03-29 00:00"), at("2026-03-29 01:00"))

    [row] = as_json([time], "Europe/Berlin")

    assert (row["start_time"], row["end_time"]) == ("2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00")

"""Offsets of reminders before a start."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from scheduler_project.common.time.offsets import Offset, canonical, parse_offset
from tests.factories import at


@pytest.mark.parametrize(
    ("text", "offset", "written"),
    [
        ("1 day", Offset(1, 0), "1 day"),
        ("2 days", Offset(2, 0), "2 days"),
        ("1 week", Offset(7, 0), "7 days"),
        ("1 hour", Offset(0, 60), "1 hour"),
        ("90 minutes", Offset(0, 90), "90 minutes"),
        ("30 min", Offset(0, 30), "30 minutes"),
        ("26 hours", Offset(0, 1560), "26 hours"),
        ("1 day 2 hours 30 minutes", Offset(1, 150), "1 day 150 minutes"),
        ("  1   DAY ", Offset(1, 0), "1 day"),
        ("P1D", Offset(1, 0), "1 day"),
        ("PT24H", Offset(0, 1440), "24 hours"),
        ("P1DT2H", Offset(1, 120), "1 day 2 hours"),
        ("P2W", Offset(14, 0), "14 days"),
        ("pt90m", Offset(0, 90), "90 minutes"),
        ("90 days", Offset(90, 0), "90 days"),
    ],
)
def test_parse_offset_reads_words_and_iso_8601(text, offset, written):
    assert (parse_offset(text), str(parse_offset(text))) == (offset, written)


@pytest.mark.parametrize("offset", [Offset(1, 0), Offset(0, 1), Offset(3, 61), Offset(0, 240), Offset(89, 1440)])
def test_parse_offset_reads_what_it_writes(offset):
    assert parse_offset(str(offset)) == offset


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "P", "PT", "1", "day", "-1 day", "0 days", "PT0M", "1.5 hours", "1 month", "P1M", "P1Y", "91 days"),
        *("2160 hours 1 minute", "1 day, 1 hour", "1 dayx", "٣ days", "1 day\x00", "9" * 400 + " days"),
    ],
)
def test_parse_offset_refuses_what_is_none(text):
    with pytest.raises(ValidationError) as refused:
        parse_offset(text)
    assert refused.value.code == "invalid_offset"


def test_canonical_names_each_once_and_the_longest_first():
    assert canonical(["1 hour", "PT60M", "P1D", "1 day"]) == ["1 day", "1 hour"]


def test_canonical_refuses_more_than_ten():
    assert len(canonical([f"{number} hours" for number in range(1, 11)])) == 10
    with pytest.raises(ValidationError, match="Use 10 times or fewer"):
        canonical([f"{number} hours" for number in range(1, 12)])


@pytest.mark.parametrize(
    ("zone", "start", "text", "due"),
    [
        ("UTC", "2026-03-04 09:00", "1 day", "2026-03-03 09:00"),
        ("UTC", "2026-03-04 09:00", "90 minutes", "2026-03-04 07:30"),
        ("Europe/Berlin", "2026-03-29 07:00", "1 day", "2026-03-28 08:00"),  # 09:00 the day before, 23 hours earlier
        ("Europe/Berlin", "2026-03-29 07:00", "24 hours", "2026-03-28 07:00"),
        ("Europe/Berlin", "2026-03-30 00:30", "1 day", "2026-03-29 01:30"),  # 02:30 does not exist: 03:30
        ("America/New_York", "2026-11-01 15:00", "1 day", "2026-10-31 14:00"),
        ("Australia/Lord_Howe", "2026-04-04 22:30", "1 day", "2026-04-03 22:00"),
    ],
)
def test_before_counts_days_by_the_clock_on_the_wall_and_hours_by_the_watch(zone, start, text, due):
    assert parse_offset(text).before(at(start), ZoneInfo(zone)) == at(due)


def test_before_mixes_days_and_hours():
    due = parse_offset("1 day 1 hour").before(at("2026-03-29 07:00"), ZoneInfo("Europe/Berlin"))

    assert due == at("2026-03-29 07:00") - timedelta(hours=24)

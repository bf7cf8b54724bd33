"""A series' rule as pages say it."""

from datetime import date, time

import pytest
from django.utils import translation

from booking.models import AppointmentSeries
from booking.series.rule_in_words import rule_in_words
from booking.templatetags.rules import rule_of


def series(rrule):
    """From Wednesday, 4 March 2026, 09:00 in New York on."""
    return AppointmentSeries(
        rrule=rrule, start_date=date(2026, 3, 4), start_time=time(9), timezone="America/New_York", duration_minutes=30
    )


@pytest.mark.parametrize(
    ("rrule", "words"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=DAILY;INTERVAL=3;COUNT=2", "every 3 days, 2 times"),
        ("FREQ=WEEKLY", "every week on Wednesday"),
        ("FREQ=WEEKLY;BYDAY=WE,MO;COUNT=1", "every week on Monday, Wednesday, 1 time"),
        ("FREQ=WEEKLY;INTERVAL=2;UNTIL=20260506", "every 2 weeks on Wednesday, until Wednesday 6 May 2026"),
        ("FREQ=WEEKLY;UNTIL=20260506T090000", "every week on Wednesday, until Wednesday 6 May 2026"),
        ("FREQ=WEEKLY;UNTIL=20260506T085959", "every week on Wednesday, until Tuesday 5 May 2026"),
        ("FREQ=WEEKLY;UNTIL=20260506T130000Z", "every week on Wednesday, until Wednesday 6 May 2026"),
        ("FREQ=WEEKLY;UNTIL=20260506T125959Z", "every week on Wednesday, until Tuesday 5 May 2026"),
        ("FREQ=MONTHLY", "every month on day 4"),
        ("FREQ=MONTHLY;BYMONTHDAY=31;INTERVAL=2", "every 2 months on day 31"),
        ("FREQ=MONTHLY;BYDAY=1WE", "every month on the first Wednesday"),
        ("FREQ=MONTHLY;BYDAY=-1FR;INTERVAL=6", "every 6 months on the last Friday"),
    ],
)
def test_common_rules_are_said_in_words(rrule, words):
    assert rule_in_words(series(rrule)) == words


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=DAILY;BYDAY=MO",
        "FREQ=DAILY;BYMONTH=3",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;BYMONTHDAY=1,15",
        "FREQ=MONTHLY;BYDAY=WE",
        "FREQ=MONTHLY;BYDAY=1WE,3WE",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE;BYSETPOS=-1",
        "FREQ=MONTHLY;BYDAY=1WE;BYMONTHDAY=4",
        "FREQ=YEARLY",
    ],
)
def test_other_rules_are_shown_as_they_are_written(rrule):
    assert rule_of(series(rrule)) == {"words": "", "rrule": rrule}


def test_weekdays_are_in_the_language_of_the_page():
    with translation.override("de"):
        assert "Mittwoch" in rule_in_words(series("FREQ=WEEKLY"))

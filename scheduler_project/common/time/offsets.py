"""Offsets of reminders before a start: `"1 day"`, `"90 minutes"`, or in ISO 8601 `"PT1H30M"`.

Days and weeks are nominal, hours and minutes exact, as in RFC 5545 §3.3.6: a day before 09:00 is 09:00 on the day
before, however many hours that day has."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from scheduler_project.common.time.zones import to_utc

MOST = 10
"""Maximum number of offsets in a list."""


LONGEST_DAYS = 90


ISO_8601 = re.compile(r"P(?=.)(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?=.)(?:(\d{1,5})H)?(?:(\d{1,6})M)?)?", re.ASCII)


WORDS = re.compile(
    r"(?=.)(?:(\d{1,4}) ?weeks?)? ?(?:(\d{1,4}) ?days?)? ?(?:(\d{1,5}) ?hours?)? ?(?:(\d{1,6}) ?min(?:ute)?s?)?",
    re.ASCII,
)


class Offset(NamedTuple):
    """Nominal days and exact minutes before a start."""

    days: int
    minutes: int

    @property
    def length(self) -> int:
        """The length in minutes, with days of 24 hours."""
        return self.days * 1440 + self.minutes

    def before(self, start: datetime, zone: ZoneInfo) -> datetime:
        """Return the time this long before `start`; days are local days in `zone`."""
        local = start.astimezone(zone).replace(tzinfo=None) - timedelta(days=self.days)
        return (to_utc(local, zone) if self.days else start) - timedelta(minutes=self.minutes)

    def __str__(self) -> str:
        hours, minutes = divmod(self.minutes, 60)
        if hours and minutes and hours < 3:
            hours, minutes = 0, self.minutes
        parts = ((self.days, "day"), (hours, "hour"), (minutes, "minute"))
        return " ".join(f"{number} {unit}{'s' if number > 1 else ''}" for number, unit in parts if number)


@lru_cache(maxsize=1024)
def parse_offset(text: str) -> Offset:
    """Parse an offset. Raises ValidationError (`invalid_offset`) for invalid text, zero, or more than 90 days."""
    written = " ".join(text.split())
    match = ISO_8601.fullmatch(written.upper()) or WORDS.fullmatch(written.lower())
    weeks, days, hours, minutes = (int(number or 0) for number in match.groups()) if match else (0, 0, 0, 0)
    offset = Offset(weeks * 7 + days, hours * 60 + minutes)
    if not 0 < offset.length <= LONGEST_DAYS * 1440:
        raise ValidationError(
            _(
                "“%(value)s” isn't a valid time before the start. Use “1 day”, “90 minutes” or “PT1H30M”, up to 90 "
                "days."
            ),
            code="invalid_offset",
            params={"value": text[:64]},
        )
    return offset


def canonical(texts: Iterable[str]) -> list[str]:
    """Return offsets as stored: in canonical form, without duplicates, the longest first.

    Raises ValidationError.
    """
    offsets = {parse_offset(text) for text in texts}
    if len(offsets) > MOST:
        raise ValidationError(_("Use %(most)d times or fewer."), code="too_many_offsets", params={"most": MOST})
    return [str(offset) for offset in sorted(offsets, key=lambda each: -each.length)]


def offsets_in_words(texts: Iterable[str]) -> str:
    """Return offsets in the reader's language: “1 week, 1 day 2 hours”."""
    return ", ".join(_offset_in_words(parse_offset(text)) for text in texts)


def _offset_in_words(offset: Offset) -> str:
    weeks, days = divmod(offset.days, 7) if offset.days % 7 == 0 else (0, offset.days)
    hours, minutes = divmod(offset.minutes, 60)
    parts = [
        ngettext("%d week", "%d weeks", weeks) % weeks if weeks else "",
        ngettext("%d day", "%d days", days) % days if days else "",
        ngettext("%d hour", "%d hours", hours) % hours if hours else "",
        ngettext("%d minute", "%d minutes", minutes) % minutes if minutes else "",
    ]
    return " ".join(filter(None, parts))

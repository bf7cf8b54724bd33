"""Recurrence rules (RFC 5545 §3.3.10), DAILY or slower, read strictly."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from booking.series.errors import BadRule

MOST = 1000
"""The highest COUNT of a rule, and the most occurrences of one expansion (R14)."""


LONGEST_TEXT = 500


MOST_INTERVAL = 1000


WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Freq(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True)
class Rule:
    """A parsed rule. Empty tuples are parts that were not given.

    `until` is a date (that whole local day), a naive datetime (local) or an aware one (UTC); it is included, as in the
    RFC. `by_day` holds `(ordinal, weekday)`: ordinal 0 is every one, weekday 0 is Monday.
    """

    freq: Freq
    interval: int = 1
    count: int | None = None
    until: date | None = None
    by_month: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_set_pos: tuple[int, ...] = ()
    week_start: int = 0

    def __str__(self) -> str:
        """Return the rule in one canonical spelling."""
        parts: list[tuple[str, Any]] = [
            ("FREQ", self.freq),
            ("UNTIL", _until_text(self.until) if self.until else ""),
            ("COUNT", self.count or ""),
            ("INTERVAL", "" if self.interval == 1 else self.interval),
            *((name, ",".join(map(str, getattr(self, field)))) for name, (field, _low, _high) in NUMBERS.items()),
            ("BYDAY", ",".join(f"{ordinal or ''}{WEEKDAYS[weekday]}" for ordinal, weekday in self.by_day)),
            ("BYSETPOS", ",".join(map(str, self.by_set_pos))),
            ("WKST", WEEKDAYS[self.week_start] if self.week_start else ""),
        ]
        return ";".join(f"{name}={value}" for name, value in parts if value != "")


NUMBERS = {
    "BYMONTH": ("by_month", 1, 12),
    "BYWEEKNO": ("by_week_no", -53, 53),
    "BYYEARDAY": ("by_year_day", -366, 366),
    "BYMONTHDAY": ("by_month_day", -31, 31),
}
"""The lists of numbers: field, least and most. None of them contains zero."""


FORBIDDEN = {
    Freq.DAILY: ("BYWEEKNO", "BYYEARDAY"),
    Freq.WEEKLY: ("BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"),
    Freq.MONTHLY: ("BYWEEKNO", "BYYEARDAY"),
    Freq.YEARLY: (),
}
"""The fields marked N/A in the table of RFC 5545 §3.3.10."""


TOO_FAST = ("HOURLY", "MINUTELY", "SECONDLY")


KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYSETPOS", "WKST", *NUMBERS}


UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?", re.ASCII)


BY_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


NUMBER = re.compile(r"[+-]?\d{1,4}", re.ASCII)


COUNT = re.compile(r"\d{1,9}", re.ASCII)


@lru_cache(maxsize=1024)
def read(text: str) -> Rule:
    """Return the rule in `text` (with or without `RRULE:`). Raises BadRule for what RFC 5545 or R14 does not allow.

    Refused: anything faster than daily, BYHOUR and the like, COUNT with UNTIL, repeated or unknown parts, COUNT over
    1000.
    """
    parts = _parts(text)
    freq = _freq(parts)
    rule = Rule(
        freq,
        interval=_whole(parts, "INTERVAL", MOST_INTERVAL) or 1,
        count=_whole(parts, "COUNT", MOST),
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        by_day=_by_day(parts["BYDAY"]) if "BYDAY" in parts else (),
        by_set_pos=_numbers(parts, "BYSETPOS", -366, 366),
        week_start=_weekday(parts["WKST"]) if "WKST" in parts else 0,
        **{field: _numbers(parts, name, low, high) for name, (field, low, high) in NUMBERS.items()},
    )
    _check(rule, parts)
    return rule


def _parts(text: str) -> dict[str, str]:
    if len(text) > LONGEST_TEXT:
        raise BadRule(_("A rule is at most %d characters long.") % LONGEST_TEXT)
    if not (text.isascii() and text.isprintable()):
        raise BadRule(_("Write the rule on one line, using only plain letters, digits and punctuation."))
    parts: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not (equals and value):
            raise BadRule(_("“%s” isn't a rule part. Write NAME=VALUE, separated by semicolons.") % part[:40])
        if name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            raise BadRule(_("%s is for rules more frequent than daily, which can't be booked.") % name)
        if name not in KNOWN:
            raise BadRule(_("There is no rule part called %s.") % name[:40])
        if name in parts:
            raise BadRule(_("%s appears twice. Give it once.") % name)
        parts[name] = value
    return parts


def _freq(parts: dict[str, str]) -> Freq:
    name = parts.get("FREQ", "")
    if name in TOO_FAST:
        raise BadRule(_("Appointments can repeat daily, weekly, monthly or yearly, not more often."))
    if name not in Freq.__members__:
        raise BadRule(_("Say how often: FREQ=DAILY, WEEKLY, MONTHLY or YEARLY."))
    return Freq(name)


def _whole(parts: dict[str, str], name: str, most: int) -> int | None:
    if name not in parts:
        return None
    if not COUNT.fullmatch(parts[name]) or not 1 <= int(parts[name]) <= most:
        raise BadRule(_("%(name)s is a number from 1 to %(most)d.") % {"name": name, "most": most})
    return int(parts[name])


def _numbers(parts: dict[str, str], name: str, low: int, high: int) -> tuple[int, ...]:
    if name not in parts:
        return ()
    words = parts[name].split(",")
    numbers = {int(word) for word in words if NUMBER.fullmatch(word)}
    if not all(NUMBER.fullmatch(word) for word in words) or not all(low <= n <= high and n for n in numbers):
        raise BadRule(
            _("%(name)s is a list of numbers from %(low)d to %(high)d, without zero.")
            % {"name": name, "low": low, "high": high}
        )
    return tuple(sorted(numbers))


def _by_day(value: str) -> tuple[tuple[int, int], ...]:
    days = set()
    for word in value.split(","):
        match = BY_DAY.fullmatch(word)
        ordinal = int(match[1] or 0) if match else 54
        if match is None or abs(ordinal) > 53 or (match[1] and not ordinal):
            raise BadRule(_("BYDAY is a list of weekdays, such as MO, 1FR or -1SU."))
        days.add((ordinal, WEEKDAYS.index(match[2])))
    return tuple(sorted(days))


def _weekday(value: str) -> int:
    if value not in WEEKDAYS:
        raise BadRule(_("WKST is one of MO, TU, WE, TH, FR, SA, SU."))
    return WEEKDAYS.index(value)


def _until(value: str) -> date:
    match = UNTIL.fullmatch(value)
    day, clock, utc = match.groups() if match else ("", "", "")
    try:
        until = datetime.strptime(day + (clock or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007  (local, or a date)
    except ValueError:
        raise BadRule(_("UNTIL is a date or a time: 20271231, 20271231T235959 or 20271231T235959Z.")) from None
    if clock is None:
        return until.date()
    return until.replace(tzinfo=UTC) if utc else until


def _until_text(until: date) -> str:
    if not isinstance(until, datetime):
        return f"{until.year:04}{until:%m%d}"
    return f"{until.year:04}{until:%m%dT%H%M%S}{'Z' if until.tzinfo else ''}"


def _check(rule: Rule, parts: dict[str, str]) -> None:
    """Check the table of RFC 5545 §3.3.10, and what its text forbids. Raises BadRule."""
    for name in FORBIDDEN[rule.freq]:
        if name in parts:
            raise BadRule(_("%(name)s can't be used in a %(freq)s rule.") % {"name": name, "freq": rule.freq})
    if rule.count is not None and rule.until is not None:
        raise BadRule(_("Give COUNT or UNTIL, not both."))
    if any(ordinal for ordinal, _weekday in rule.by_day):
        if rule.freq not in (Freq.MONTHLY, Freq.YEARLY):
            raise BadRule(_("BYDAY with a number, such as 1MO, works only in MONTHLY and YEARLY rules."))
        if rule.by_week_no:
            raise BadRule(_("BYDAY with a number, such as 1MO, can't be combined with BYWEEKNO."))
    if rule.by_set_pos and not (parts.keys() & {"BYDAY", *NUMBERS}):
        raise BadRule(_("BYSETPOS needs another BY… part to choose from."))

"""A series' rule in words."""

from datetime import UTC, date, datetime, timedelta

from django.template.defaultfilters import date as date_format
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext_lazy

from booking.models import AppointmentSeries
from booking.series.rule import Freq, Rule
from scheduler_project.common.pages.formats import DAY, on

WHICH = {
    1: pgettext_lazy("which weekday of a month", "first"),
    2: pgettext_lazy("which weekday of a month", "second"),
    3: pgettext_lazy("which weekday of a month", "third"),
    4: pgettext_lazy("which weekday of a month", "fourth"),
    5: pgettext_lazy("which weekday of a month", "fifth"),
    -1: pgettext_lazy("which weekday of a month", "last"),
}


def rule_in_words(series: AppointmentSeries) -> str:
    """Return a rule in words, for example “every 2 weeks on Monday, until Tuesday 4 March 2027”; "" if uncommon."""
    rule = series.rule
    text = _how_often(rule, series.start_date)
    if not text:
        return ""
    if rule.count:
        times = ngettext("%(often)s, %(count)d time", "%(often)s, %(count)d times", rule.count)
        return times % {"often": text, "count": rule.count}
    if rule.until:
        last = _last_day(series, rule.until)
        return _("%(often)s, until %(day)s") % {
            "often": text,
            "day": date_format(last, on(last, DAY)),
        }
    return text


def _how_often(rule: Rule, start: date) -> str:
    if rule != Rule(
        rule.freq,
        rule.interval,
        rule.count,
        rule.until,
        by_month_day=rule.by_month_day,
        by_day=rule.by_day,
    ):
        return ""
    number, days, dates = rule.interval, rule.by_day, rule.by_month_day
    names = ", ".join(str(WEEKDAYS[weekday]) for _ordinal, weekday in days or ((0, start.weekday()),))
    if rule.freq == Freq.DAILY and not days and not dates:
        return ngettext("every day", "every %(number)d days", number) % {"number": number}
    if rule.freq == Freq.WEEKLY:
        every = ngettext("every week on %(days)s", "every %(number)d weeks on %(days)s", number)
        return every % {"number": number, "days": names}
    if rule.freq == Freq.MONTHLY and not days and (not dates or (len(dates) == 1 and dates[0] > 0)):
        every = ngettext("every month on day %(day)d", "every %(number)d months on day %(day)d", number)
        return every % {"number": number, "day": dates[0] if dates else start.day}
    if rule.freq == Freq.MONTHLY and len(days) == 1 and days[0][0] in WHICH and not dates:
        every = ngettext(
            "every month on the %(which)s %(day)s", "every %(number)d months on the %(which)s %(day)s", number
        )
        return every % {"number": number, "which": WHICH[days[0][0]], "day": names}
    return ""


def _last_day(series: AppointmentSeries, until: date) -> date:
    """Return the last local date on which an appointment of the series may begin."""
    if not isinstance(until, datetime):
        return until
    local = until.astimezone(series.zone).replace(tzinfo=None) if until.tzinfo == UTC else until
    return local.date() if series.start_time <= local.time() else local.date() - timedelta(days=1)

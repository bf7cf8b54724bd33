"""Pages with reports: a provider's own on their dashboard, all providers' for staff. Each table is a CSV file too."""

from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.models import Provider
from analytics.forms import OFFERED, PickerForm
from analytics.queries import SEE_ALL, build_report
from analytics.report import Report
from analytics.tables import MOST_ROWS, NAMES, count, day_chart, percent, table_of
from booking.models import Schedule
from booking.views.access import login_of, provider_page
from scheduler_project.common.errors import NotFound
from scheduler_project.common.files.csv_export import csv_response
from scheduler_project.common.pages.base import page


def staff_page(view: Any) -> Any:
    """Make a view a page for staff. It does not exist for other users."""

    @login_required
    @page
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not login_of(request).may(SEE_ALL):
            raise NotFound
        return view(request, *args, **kwargs)

    return answer


@provider_page
def provider_reports(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Show a provider's own reports, by the days of their schedule."""
    return render_report(request, schedule.provider, "booking/dashboard/base.html", "dashboard-numbers-csv")


@provider_page
def provider_reports_csv(request: HttpRequest, schedule: Schedule, table: str) -> HttpResponse:
    return sheet(request, schedule.provider, table)


@staff_page
def everybody(request: HttpRequest) -> HttpResponse:
    """Show the reports of all providers, by the days of the visitor's timezone."""
    return render_report(request, None, "base.html", "numbers-csv")


@staff_page
def everybody_csv(request: HttpRequest, table: str) -> HttpResponse:
    return sheet(request, None, table)


def render_report(request: HttpRequest, own: Provider | None, frame: str, csv: str) -> HttpResponse:
    form, found = picked_report(request, own)
    context: dict[str, Any] = {"form": form, "frame": frame, "csv": csv, "own": own}
    if found is None:
        return render(request, "analytics/numbers.html", context, status=400)
    tables = {name: table_of(name, found) for name in NAMES}
    context |= {
        "found": found,
        "total": found.total,
        "chart": day_chart(found),
        "tables": tables,
        "halves": [tables[name] for name in NAMES if name not in ("days", "providers")],
        "most_rows": MOST_ROWS,
        "periods": [(period, period == form.period and not form.cleaned_data.get("from")) for period in OFFERED],
        "facts": {
            "bookings": count(found.total.bookings),
            "cancellations": count(found.total.cancellations),
            "late_share": percent(found.total.late_share),
            "appointments": count(found.total.appointments),
            "missed_rate": percent(found.total.missed_rate),
            "utilisation": percent(found.total.utilisation),
            "confirmed_share": percent(found.confirmed_share),
            "held": count(found.holds.total()),
            "lead": found.lead
            and {"lower": duration_in_words(found.lead.lower), "upper": duration_in_words(found.lead.upper)},
            "notice": found.notice and duration_in_words(found.notice.median),
        },
    }
    return render(request, "analytics/numbers.html", context)


def duration_in_words(hours: int) -> str:
    """Return a number of hours in words: in days from two days on."""
    if hours < 48:
        return ngettext("%d hour", "%d hours", hours) % hours
    days = round(hours / 24)
    return ngettext("%d day", "%d days", days) % days


def sheet(request: HttpRequest, own: Provider | None, name: str) -> Any:
    if name not in NAMES:
        raise NotFound
    _form, found = picked_report(request, own)
    if found is None:
        raise NotFound
    table, span = table_of(name, found), found.span
    return csv_response(f"{name}-{span.first}-{span.last}.csv", table.labels, table.values)


def picked_report(request: HttpRequest, own: Provider | None) -> tuple[PickerForm, Report | None]:
    """Return the visitor's form and its reports; None in place of the reports if the form is not valid."""
    now, form = timezone.now(), PickerForm(request.GET, user=login_of(request), own=own)
    form.is_valid()
    span = form.span(timezone.get_current_timezone(), now)
    if span is None or form.errors:
        return form, None
    return form, build_report(span=span, scope=form.scope, now=now)

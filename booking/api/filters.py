"""Filters and orderings of the lists."""

from datetime import UTC, date, datetime
from typing import Any

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _

from scheduler_project.common.time.zones import YEARS, read_date, read_time


class InstantFormField(forms.Field):
    """An RFC 3339 instant with an offset, or a date, which means its first moment in UTC."""

    def to_python(self, value: Any) -> datetime | None:
        if not value:
            return None
        try:
            instant = read_time(value) if len(value) > len("2027-03-04") else _midnight(read_date(value))
        except ValueError:
            instant = None
        if instant is None or not instant.tzinfo or instant.year not in YEARS:
            raise forms.ValidationError(
                _("Enter a date, or a time with an offset: 2027-03-04T13:30:00Z."), code="invalid"
            )
        return instant


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class InstantFilter(django_filters.Filter):
    field_class = InstantFormField


class AtOneMoment:
    """A filter about the present: it compares with the view's `now`."""

    request: Any

    @property
    def now(self) -> datetime:
        return self.request.parser_context["view"].now

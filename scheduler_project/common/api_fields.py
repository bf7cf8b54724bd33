"""How ids and timezones are read at the edge, and lists put in order: what the API's serializers and filters share."""

from typing import Any

import django_filters
from django import forms
from rest_framework import serializers

from scheduler_project.common.times import validate_timezone

ID = "[0-9]{1,18}"
"""An id in a path."""

BIGGEST_ID = 2**63 - 1


class IdField(serializers.IntegerField):
    """The id of something; None when it may be left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=BIGGEST_ID, **kwargs)


class IdFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=BIGGEST_ID, **kwargs)


class OrderingFilter(django_filters.OrderingFilter):
    """Rows that are equal in what was asked for stand in the order of their ids: no page repeats or skips one."""

    def filter(self, qs: Any, value: Any) -> Any:
        ordered = super().filter(qs, value)
        return ordered if ordered is qs else ordered.order_by(*ordered.query.order_by, "pk")


class TimezoneField(serializers.CharField):
    """An IANA timezone name from the allow-list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, validators=[validate_timezone], **kwargs)

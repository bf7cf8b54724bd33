"""Reading what changed: `?changed_since=` answers rows in the order of their latest changes."""

import re
from typing import Any

from django.db.models import F
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from scheduler_project.common.api.content import Pagination
from scheduler_project.common.api.versions import documented
from scheduler_project.common.db.revisions import safe_revision

CHANGED_SINCE = "changed_since"

START = "start"
"""The cursor before all rows."""

CURSOR = re.compile(r"(\d{1,18})\.(\d{1,18})", re.ASCII)


class ChangesPagination(Pagination):
    """Pages that answer `changed_since` too: the changes after a cursor, and the cursor to go on from.

    The view's rows have a `revision`. `changes_filters` of the view are the filters that may stand beside it: those
    that a row fits for good, as one that fits no longer would be missed.
    """

    extra_parameters = (CHANGED_SINCE,)
    cursor: str | None = None
    left = 0
    is_last = True

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        if CHANGED_SINCE not in request.query_params:
            return super().paginate_queryset(queryset, request, view)
        self.request = request
        self.check_alone(request, view)
        given = request.query_params[CHANGED_SINCE]
        revision, key = read_cursor(given)
        safe = safe_revision()
        # Compared as a pair, because PostgreSQL begins in the index there: with OR it would read from the first row.
        after = TupleGreaterThan(Tuple(F("revision"), F("pk")), (revision, key))
        changed = queryset.filter(after, revision__lte=safe)
        rows: list[Any] = list(changed.order_by("revision", "pk")[: self.get_page_size(request)])
        self.left = changed.count() if rows else 0
        self.cursor = f"{rows[-1].revision}.{rows[-1].pk}" if rows else given
        self.is_last = len(rows) >= self.left
        return rows

    def check_alone(self, request: Request, view: Any) -> None:
        """Raise ValidationError for filters and orders beside `changed_since`, in which changes would go missing."""
        filters = set(view.filterset_class.base_filters) if getattr(view, "filterset_class", None) else set()
        refused = ({self.page_query_param} | filters) - set(getattr(view, "changes_filters", ()))
        if named := sorted(refused & set(request.query_params)):
            text = _("This can't be used with `changed_since`, because changes would be missed.")
            raise serializers.ValidationError({name: [text] for name in named}, code="not_with_changes")

    def get_paginated_response(self, data: Any) -> Response:
        if self.cursor is None or self.request is None:
            return super().get_paginated_response(data)
        address = remove_query_param(self.request.build_absolute_uri(), self.page_query_param)
        following = None if self.is_last else documented(replace_query_param(address, CHANGED_SINCE, self.cursor))
        page = {"count": self.left, "next": following, "previous": None, "next_cursor": self.cursor}
        return Response({**page, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        described = "Only with `changed_since`: send it next time, even if there is nothing new now."
        page["properties"]["next_cursor"] = {"type": "string", "description": described, "example": "1042.7"}
        return page

    def get_schema_operation_parameters(self, view: Any) -> list[Any]:
        described = (
            "Rows that are new or changed since a `next_cursor` that was answered before, in the order of their latest "
            "changes; `start` for all rows. `count` is how many are left, with those answered."
        )
        parameter = {"name": CHANGED_SINCE, "in": "query", "required": False, "schema": {"type": "string"}}
        return [*super().get_schema_operation_parameters(view), {**parameter, "description": described}]


def read_cursor(text: str) -> tuple[int, int]:
    """Return revision and key of a cursor. Raises ValidationError."""
    if text == START:
        return 0, 0
    match = CURSOR.fullmatch(text)
    if match is None:
        raise serializers.ValidationError(
            {CHANGED_SINCE: [_("Use `start`, or a `next_cursor` exactly as we returned it.")]}, code="invalid"
        )
    return int(match[1]), int(match[2])


def asks_for_changes_since(request: Request) -> bool:
    return CHANGED_SINCE in request.query_params

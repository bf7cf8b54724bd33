"""Read-only records in the admin: the audit log and the results of inspections."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scheduler_project.common.admin.base import ReadOnly, StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.api.content import whole_number
from scheduler_project.common.audit.log import audited_tables
from scheduler_project.common.models import Change, Inspection

AT_A_GLANCE = 6
"""Number of columns of a change shown in the list."""


SHORT = 60


NOTHING = "–"


Names = dict[tuple[type[models.Model], int], str]


@cache
def model_of(table: str) -> type[models.Model] | None:
    rows = apps.get_models(include_auto_created=True)
    return next((model for model in rows if model._meta.db_table == table), None)  # noqa: SLF001  (documented)


def noun_of(change: Change) -> type[models.Model] | None:
    """Return the model under which a change is filed, if it still exists."""
    label = audited_tables.get(change.table_name)
    return apps.get_model(label) if label else None


def field_of(table: str, column: str) -> Any:
    model = model_of(table)
    fields = model._meta.concrete_fields if model else ()  # noqa: SLF001
    return next((field for field in fields if field.column == column), None)


def names_of(changes: Iterable[Change]) -> Names:
    """Return the current names of the rows that changes concern or refer to: one query per model."""
    wanted: dict[type[models.Model], set[int]] = defaultdict(set)
    for change in changes:
        if noun := noun_of(change):
            wanted[noun].add(change.row_id)
        for column, values in change.changes.items():
            field = field_of(change.table_name, column)
            if field is not None and field.related_model:
                wanted[field.related_model].update(value for value in values or () if value is not None)
    names: Names = {}
    for model, keys in wanted.items():
        related = [field.name for field in model._meta.concrete_fields if field.related_model]  # noqa: SLF001
        rows = model._base_manager.select_related(*related) if related else model._base_manager  # noqa: SLF001
        names |= {(model, row.pk): str(row) for row in rows.filter(pk__in=keys)}
    return names


def changes_in_words(change: Change, names: Names, *, limit: int | None = None) -> list[tuple[str, str]]:
    """Return the changed columns as label and description. Empty ones are left out."""
    lines = (
        (_label(change.table_name, column), _became(change, column, values, names, limit))
        for column, values in change.changes.items()
        if column != "id"
    )
    return sorted(line for line in lines if line[1] != NOTHING)


def _label(table: str, column: str) -> str:
    field = field_of(table, column)
    return str(field.verbose_name) if field is not None else column


def _became(change: Change, column: str, values: list[Any] | None, names: Names, limit: int | None) -> str:
    if values is None:
        return _("(not kept)")
    field = field_of(change.table_name, column)
    before, after = (Truncator(_value(field, value, names)).chars(limit or 10**6) for value in values)
    if change.kind == Change.Kind.INSERT:
        return after
    return before if change.kind == Change.Kind.DELETE else f"{before} → {after}"


def _value(field: Any, value: Any, names: Names) -> str:
    if value in (None, "", [], {}):
        return NOTHING
    if field is not None and field.related_model:
        return names.get((field.related_model, value), f"#{value}")
    if isinstance(field, models.DateTimeField):
        return here(local_time(datetime.fromisoformat(value)))
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    return str(dict(field.flatchoices).get(value, value) if field is not None else value)


class WhatFilter(admin.SimpleListFilter):
    title = gettext_lazy("what")
    parameter_name = "of"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = {label: apps.get_model(label) for label in audited_tables.values()}
        named = ((label, str(model._meta.verbose_name)) for label, model in found.items())  # noqa: SLF001
        return sorted(named, key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Change]) -> QuerySet[Change]:
        if self.value() is None:
            return queryset
        return queryset.filter(
            table_name__in=[table for table, label in audited_tables.items() if label == self.value()]
        )


class WhoFilter(admin.SimpleListFilter):
    """Filter by actor. Staff are listed; others are found by their key, which the links in the list contain."""

    title = gettext_lazy("changed by")
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        users = get_user_model()._default_manager.filter(is_staff=True).order_by("email")  # noqa: SLF001
        return [(str(user.pk), str(user)) for user in users]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Change]) -> QuerySet[Change]:
        if self.value() is None:
            return queryset
        if not whole_number(str(self.value())):
            raise IncorrectLookupParameters
        return queryset.filter(user=int(str(self.value())))


class NamingChangeList(ChangeList):
    """A change list that loads the names for a whole page at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        names = names_of(self.result_list)
        for change in self.result_list:
            change.names = names


@admin.register(Change)
class ChangeAdmin(ReadOnly, StaffModelAdmin):
    list_display = ("when", "kind", "what", "row", "who", "face", "glance")
    list_filter = (WhatFilter, "kind", "face", WhoFilter)
    list_select_related = ("user", "key")
    list_per_page = 50
    search_fields = ("user__email",)
    search_help_text = gettext_lazy("A row's key, or the email of the person who changed it.")
    date_hierarchy = "at"
    fields = ("when", "kind", "what", "row", "who", "face", "full")
    readonly_fields = fields

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamingChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Change]:
        return super().get_queryset(request).select_related("user", "key")  # None for rows that were deleted

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        change = super().get_object(request, *args, **kwargs)
        if change is not None:
            change.names = names_of([change])
        return change

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        key = search_term.strip().removeprefix("#")
        if whole_number(key):
            return queryset.filter(Q(row_id=int(key))), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description=here(gettext_lazy("at")), ordering="at")
    def when(self, change: Change) -> str:
        return local_time(change.at)

    @admin.display(description=gettext_lazy("what"), ordering="table_name")
    def what(self, change: Change) -> str:
        model = model_of(change.table_name)
        return str(model._meta.verbose_name) if model else change.table_name  # noqa: SLF001

    @admin.display(description=gettext_lazy("row"))
    def row(self, change: Change) -> str:
        """Return the row as a link to all its changes."""
        noun = noun_of(change)
        if noun is None:
            return f"#{change.row_id}"
        name = Truncator(change.names.get((noun, change.row_id), "")).chars(SHORT // 2)  # type: ignore[attr-defined]
        told_of = {"of": audited_tables[change.table_name], "row_id": change.row_id}
        listed = reverse("admin:common_change_changelist", query=told_of)
        return format_html('<a href="{}">#{} {}</a>', listed, change.row_id, name)

    @admin.display(description=gettext_lazy("by"), ordering="user")
    def who(self, change: Change) -> str:
        if change.user_id is None:
            return "–"
        listed = reverse("admin:common_change_changelist", query={"by": change.user_id})
        by = format_html('<a href="{}">{}</a>', listed, change.user or f"#{change.user_id}")
        if change.key_id is None:
            return by
        return format_html("{}, {}", by, _("key “%s”") % (change.key or f"#{change.key_id}"))

    @admin.display(description=gettext_lazy("changes"))
    def glance(self, change: Change) -> str:
        lines = changes_in_words(change, change.names, limit=SHORT)  # type: ignore[attr-defined]
        rest = len(lines) - AT_A_GLANCE
        shown = format_html_join("", "{}: {}<br>", lines[:AT_A_GLANCE])
        return format_html("{}{}", shown, _("and %d more") % rest if rest > 0 else "")

    @admin.display(description=gettext_lazy("changes"))
    def full(self, change: Change) -> str:
        lines = changes_in_words(change, change.names)  # type: ignore[attr-defined]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", lines))


@admin.register(Inspection)
class InspectionAdmin(ReadOnly, StaffModelAdmin):
    list_display = ("when", "well", "found", "seconds")
    date_hierarchy = "at"
    fields = ("when", "well", "found", "seconds", "which")
    readonly_fields = fields

    @admin.display(description=here(gettext_lazy("at")), ordering="at")
    def when(self, inspection: Inspection) -> str:
        return local_time(inspection.at)

    @admin.display(description=gettext_lazy("OK"), boolean=True)
    def well(self, inspection: Inspection) -> bool:
        return inspection.found == 0

    @admin.display(description=gettext_lazy("problems found"))
    def which(self, inspection: Inspection) -> str:
        rows = ((row["check"], row["table"], row["pk"], row["problem"]) for row in inspection.broken)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {} {}: {}</li>", rows))

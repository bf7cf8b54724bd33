"""What every page of the admin shares. A refused form, deed or deletion is an answer, not a crash."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import model_format_dict
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.db.models.deletion import Collector, ProtectedError
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scheduler_project.common.admin_files import Exports
from scheduler_project.common.errors import DomainError
from scheduler_project.common.forms import validate_year
from scheduler_project.common.operations import operation
from scheduler_project.common.times import zone_names
from scheduler_project.common.trail import trailed

SHOWN = 10
"""How many names a message lists before it only counts the rest."""

admin.site.site_header = settings.SITE_NAME
admin.site.site_title = settings.SITE_NAME
admin.site.index_title = gettext_lazy("Office")


# --- Time as people write it ----------------------------------------------------------------------------------------


def told(instant: datetime | None, zone: str = "UTC") -> str:
    """An instant on the clocks of `zone`, such as `Mon 2026-03-02 14:00`. The column or label names the zone."""
    return date_format(instant.astimezone(ZoneInfo(zone)), "D Y-m-d H:i") if instant else "–"


# --- Refusals -------------------------------------------------------------------------------------------------------


class OfficeAdmin(Exports, admin.ModelAdmin):
    """A ModelAdmin whose `save_model` and `delete_model` may raise DomainError.

    Everything done is undone then, and the form comes back with the error on the field it is about. The field names of
    operations are turned into those of the form by `refusal_fields`.
    """

    refusal_fields: dict[str, str] = {}
    show_full_result_count = False
    change_list_template = "admin/tools_change_list.html"

    def explain(self, refusal: DomainError, form: Any) -> str:
        """What the form says about a refusal."""
        return str(refusal.message)

    def describe(self, row: Any) -> str:
        """How a row is told from others where it is chosen."""
        return str(row)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form_class = super().get_form(request, obj, change=change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return form_class if refusal is None else self._refused(form_class, refusal)

    def _refused(self, form_class: Any, refusal: DomainError) -> Any:
        field = self.refusal_fields.get(refusal.field or "", refusal.field)
        explain = self.explain

        class Refused(form_class):
            def _post_clean(self) -> None:
                super()._post_clean()
                self.add_error(field if field in self.fields else None, explain(refusal, self))

        return Refused

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DomainError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Plain rows are saved so that a constraint which only the database saw broken is a refusal as well."""
        operation(super().save_model)(request, obj, form, change)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().delete_view(request, *args, **kwargs)
        except (DomainError, ProtectedError) as error:
            messages.error(request, self._why_not_deleted(error))
            return HttpResponseRedirect(self.list_url())

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changelist_view(request, *args, **kwargs)
        except (DomainError, ProtectedError) as error:
            messages.error(request, self._why_not_deleted(error))
            return HttpResponseRedirect(request.get_full_path())

    def _why_not_deleted(self, error: DomainError | ProtectedError) -> str:
        return str(error.message) if isinstance(error, DomainError) else _("Other rows need this, so it stays.")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """What would go along, counted and not listed: a provider takes thousands of slots with them."""
        collector = Collector(using="default", origin=objs)
        try:
            collector.collect(objs)
        except ProtectedError as error:
            names = [f"{model_format_dict(row)['verbose_name']}: {row}" for row in error.protected_objects]
            return [], {}, set(), first([capfirst(name) for name in names])
        lacking = {str(self.opts.verbose_name) for row in objs if not self.has_delete_permission(request, row)}
        counts = Counter({plural(model): len(rows) for model, rows in collector.data.items()})
        for rows in collector.fast_deletes:
            counts[plural(rows.model)] += rows.count()
        return [str(row) for row in objs], dict(+counts), lacking, []

    def history_url(self, request: HttpRequest, object_id: str) -> str | None:
        """Where the trail of a row is to be read, if it has one and whoever asks may see it."""
        label = self.opts.label
        if label not in trailed.values() or not request.user.has_perm("common.view_change"):
            return None
        return reverse("admin:common_change_changelist", query={"of": label, "row_id": object_id})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """The trail; without one, what the admin itself remembers."""
        url = self.history_url(request, object_id) if self.has_view_or_change_permission(request) else None
        return HttpResponseRedirect(url) if url else super().history_view(request, object_id, extra_context)

    def list_url(self) -> str:
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def change_url(self, pk: Any) -> str:
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change", args=[pk])

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Timezones are chosen from the list there is; dates stay within reach of arithmetic."""
        if db_field.name == "timezone":
            return forms.ChoiceField(
                choices=[(name, name) for name in sorted(zone_names())],
                label=capfirst(db_field.verbose_name),
                help_text=db_field.help_text,
                initial=db_field.get_default(),
            )
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, forms.DateField):
            field.validators.append(validate_year)
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", ChooseOne(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", ChooseMany(db_field, self.admin_site))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def ask(self, request: HttpRequest, *, title: str, submit: str, **context: Any) -> TemplateResponse:
        """A page between: a form, what it is about, and hidden fields that repeat the question."""
        return TemplateResponse(
            request,
            "admin/ask.html",
            {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "submit": submit, **context},
        )


class ReadOnly:
    """For admins and inlines of what only operations write: nothing can be added, changed or deleted by hand."""

    def has_add_permission(self, *args: Any) -> bool:
        return False

    def has_change_permission(self, *args: Any) -> bool:
        return False

    def has_delete_permission(self, *args: Any) -> bool:
        return False


def do_to_each(request: HttpRequest, rows: Iterable[Any], deed: Callable[[Any], Any], done: str) -> None:
    """Do `deed` to every row by itself. Says how many are `done` (with %d), and of each refused one why."""
    count = 0
    for row in rows:
        try:
            deed(row)
        except DomainError as refusal:
            messages.error(request, f"{row}: {refusal.message}")
        else:
            count += 1
    if count:
        messages.success(request, done % count)


def plural(model: Any) -> str:
    return str(model_format_dict(model)["verbose_name_plural"])


def first(names: Sequence[str]) -> list[str]:
    rest = len(names) - SHOWN
    return [*names[:SHOWN], *([_("and %d more") % rest] if rest > 0 else [])]


# --- Choosing a row -------------------------------------------------------------------------------------------------


class ChooseOne(AutocompleteSelect):
    """Django's looks up whatever it is given as a key, words too, and crashes."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [key for key in value if str(key).isdecimal()], attrs)


class ChooseMany(AutocompleteSelectMultiple):
    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [key for key in value if str(key).isdecimal()], attrs)


class Autocomplete(AutocompleteJsonView):
    """Names rows as their admin describes them: two clients called Kim need more than a name."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        describe = getattr(self.model_admin, "describe", str)
        return {"id": str(getattr(obj, to_field_name)), "text": describe(obj)}


def autocomplete(request: HttpRequest) -> HttpResponseBase:
    return Autocomplete.as_view(admin_site=admin.site)(request)


admin.site.autocomplete_view = autocomplete  # type: ignore[assignment, method-assign]

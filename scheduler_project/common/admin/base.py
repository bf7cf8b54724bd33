"""Base classes of all admin pages. A refused form, action or deletion gives a message, not a crash."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import model_format_dict
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.db import DataError, models
from django.db.models.deletion import Collector, ProtectedError
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from scheduler_project.common.admin.actions import PreviewedActions
from scheduler_project.common.admin.files import Exports
from scheduler_project.common.api.content import whole_number
from scheduler_project.common.audit.log import audited_tables
from scheduler_project.common.db.secrets import leads_to_secret
from scheduler_project.common.errors import DomainError
from scheduler_project.common.operations import operation
from scheduler_project.common.pages.forms import FIELDS, DateTimeField, field_of, validate_year
from scheduler_project.common.pictures.models import PictureField as PictureColumn
from scheduler_project.common.time.zones import zone_names
from scheduler_project.common.validators import FSI, composed, isolated

SHOWN = 10
"""Number of names a message lists before it only counts the rest."""


class ListAdmin(admin.ModelAdmin):
    """A ModelAdmin whose list rejects invalid filters, on which Django's crashes.

    Its forms use the same fields as those of the pages.
    """

    formfield_overrides = {
        **{column: {"form_class": field} for column, field in FIELDS.items()},
        models.DateTimeField: {"form_class": DateTimeField},
    }

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)
        except (DataError, OverflowError, ValueError) as error:  # a NUL; a year beyond all dates; December of the last
            raise IncorrectLookupParameters(error) from error

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Compose the search term (NFC) like all stored text, so that it is found however it was typed."""
        return super().get_search_results(request, queryset, composed(search_term))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Title a list's page with the plural name of its rows."""
        context = {"title": capfirst(str(self.opts.verbose_name_plural)), **(extra_context or {})}
        return super().changelist_view(request, context)


class StaffModelAdmin(Exports, PreviewedActions, ListAdmin):
    """A ModelAdmin whose `save_model` and `delete_model` may raise DomainError.

    Everything is then rolled back, and the form shows the error at its field. `refusal_fields` maps the field names of
    operations to those of the form.
    """

    refusal_fields: dict[str, str] = {}
    show_full_result_count = False
    change_list_template = "admin/tools_change_list.html"

    def explain(self, refusal: DomainError, form: Any) -> str:
        """Return the form's message for a refusal."""
        return str(refusal.message)

    def describe(self, row: Any) -> str:
        """Return a description that distinguishes a row from others where it is chosen."""
        return str(row)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow no filter by a secret. Django allows any column."""
        return not leads_to_secret(self.model, lookup) and bool(super().lookup_allowed(lookup, value, request))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form_class = super().get_form(request, obj, change=change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return form_class if refusal is None else self._refused(form_class, refusal)

    def _refused(self, form_class: Any, refusal: DomainError) -> Any:
        field = self.refusal_fields.get(refusal.field or "", refusal.field)
        explain = self.explain

        class RefusedForm(form_class):
            def _post_clean(self) -> None:
                super()._post_clean()
                self.add_error(field if field in self.fields else None, explain(refusal, self))

        return RefusedForm

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        view = partial(super().changeform_view, request, *args, **kwargs)
        try:
            return self.submitted(request, view) if request.method == "POST" else view()
        except DomainError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
            return view()

    def submitted(self, request: HttpRequest, view: Callable[[], Any]) -> Any:
        """Save a submitted form as one operation: it saves several rows, and is retried after a deadlock."""
        return operation(view)()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save plain rows so that a constraint broken only in the database is a refusal as well."""
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
        return (
            str(error.message)
            if isinstance(error, DomainError)
            else _("Other records depend on this, so it can't be deleted.")
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """Return the related rows with their counts instead of a list: a provider has thousands of slots."""
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

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Link to the audit log for users who may read it. Models without one have Django's own history.

        The name in the page's title is isolated, so that it does not change the direction of the rest.
        """
        row = context.get("original")
        elsewhere = isinstance(self, ReadOnly) or self.opts.label in audited_tables.values()
        without = row is not None and elsewhere and not self.history_url(request, str(row.pk))
        subtitle = str(context.get("subtitle") or "")
        ours = {"without_history": without, "subtitle": subtitle if FSI in subtitle else isolated(subtitle)}
        return super().render_change_form(request, {**context, **ours}, *args, **kwargs)

    def history_url(self, request: HttpRequest, object_id: str) -> str | None:
        """Return the URL of a row's audit log, if it has one and the user may see it."""
        label = self.opts.label
        if label not in audited_tables.values() or not request.user.has_perm("common.view_change"):
            return None
        return reverse("admin:common_change_changelist", query={"of": label, "row_id": object_id})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Show the audit log; without one, Django's own history."""
        url = self.history_url(request, object_id) if self.has_view_or_change_permission(request) else None
        return HttpResponseRedirect(url) if url else super().history_view(request, object_id, extra_context)

    def list_url(self) -> str:
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def change_url(self, pk: Any) -> str:
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change", args=[pk])

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer timezones as choices, at first the user's own, and limit dates to years that can be calculated with."""
        if isinstance(db_field, PictureColumn) or getattr(getattr(db_field, "base_field", None), "choices", None):
            return field_of(db_field)
        if db_field.name == "timezone":
            return forms.ChoiceField(
                choices=[(name, name) for name in sorted(zone_names())],
                label=capfirst(db_field.verbose_name),
                help_text=db_field.help_text,
                initial=timezone.get_current_timezone_name(),
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


class ReadOnly:
    """Admin or inline of rows that only operations write: nothing can be added, changed or deleted by hand."""

    def has_add_permission(self, *args: Any) -> bool:
        return False

    def has_change_permission(self, *args: Any) -> bool:
        return False

    def has_delete_permission(self, *args: Any) -> bool:
        return False


class NamedFormSet(forms.BaseInlineFormSet):
    """A formset with labels on each field; Django's own leaves them to the column heads."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():
            field.widget.attrs.setdefault("aria-label", field.label)


class ForSuperusers:
    """An admin for superusers only, whatever permissions others have: its rows give power over other logins."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if request.user.is_superuser else {}  # type: ignore[misc]


def plural(model: Any) -> str:
    return str(model_format_dict(model)["verbose_name_plural"])


def first(names: Sequence[str]) -> list[str]:
    rest = len(names) - SHOWN
    return [*names[:SHOWN], *([_("and %d more") % rest] if rest > 0 else [])]


class ChooseOne(AutocompleteSelect):
    """A field that rejects invalid keys, on which Django's crashes."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [key for key in value if whole_number(str(key))], attrs)


class ChooseMany(AutocompleteSelectMultiple):
    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [key for key in value if whole_number(str(key))], attrs)

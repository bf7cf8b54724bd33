"""Files in the admin: every list can be exported as CSV and JSON, and lists with a sheet can be imported."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scheduler_project.common.db.retention import FILES
from scheduler_project.common.db.secrets import secret_fields
from scheduler_project.common.errors import DomainError
from scheduler_project.common.files.csv_export import csv_response, json_response
from scheduler_project.common.files.csv_reader import check_size
from scheduler_project.common.files.imports import (
    ImportOptions,
    ImportPolicy,
    ImportReport,
    RowOutcome,
    Sheet,
    carry_out,
    rejects,
)
from scheduler_project.common.models import ImportedFile

SHOWN = 100
"""Number of rows per outcome listed in a preview."""


CHUNK = 2000


FORMATS = {"csv": gettext_lazy("Export as CSV"), "json": gettext_lazy("Export as JSON")}


class Exports:
    """An admin mixin for exports: of the filtered list by a button, of selected rows by an action.

    JSON has all columns of the model except secrets. CSV has them too, unless the rows can be imported: then it has the
    columns of that sheet. Rows are read by one statement while they are sent.
    """

    sheets: tuple[Sheet, ...] = ()

    def tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return the buttons above the list: label and address."""
        query = request.GET.urlencode()
        return [
            (str(label), f"{reverse(self._name('export'), args=[kind])}{'?' if query else ''}{query}")
            for kind, label in FORMATS.items()
        ]

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export_view)  # type: ignore[attr-defined]
        name = self._name("export").partition(":")[2]
        return [path("export/<str:kind>/", export, name=name), *super().get_urls()]  # type: ignore[misc]

    def _name(self, what: str) -> str:
        opts = self.opts  # type: ignore[attr-defined]
        return f"admin:{opts.app_label}_{opts.model_name}_{what}"

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)  # type: ignore[misc]
        if self.has_view_permission(request) and "_popup" not in request.GET:  # type: ignore[attr-defined]
            actions |= {f"export_{kind}": (_export_action(kind), f"export_{kind}", FORMATS[kind]) for kind in FORMATS}
        return actions

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = extra_context or {}
        tools = [*context.get("tools", []), *self.tools(request)]
        return super().changelist_view(request, {**context, "tools": tools})  # type: ignore[misc]

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """Export the rows the list shows under the same filters, on all its pages."""
        if kind not in FORMATS:
            raise Http404
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)  # type: ignore[attr-defined]
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse(self._name("changelist")) + "?e=1")
        return self.exported(rows, kind)

    def exported(self, rows: QuerySet, kind: str) -> HttpResponseBase:
        opts = self.opts  # type: ignore[attr-defined]
        name = f"{opts.model_name}-{timezone.now():%Y-%m-%d}.{kind}"
        sheet = next((sheet for sheet in self.sheets if sheet.suffix == "csv"), None)
        if kind == "csv" and sheet:
            return csv_response(name, sheet.header, sheet.export(rows))
        secret = secret_fields(opts.model)
        columns = [field.attname for field in opts.concrete_fields if field.name not in secret]
        respond = csv_response if kind == "csv" else json_response
        return respond(name, columns, _columns_of(rows, columns))


def _export_action(kind: str) -> Any:
    def export(model_admin: Any, request: HttpRequest, queryset: QuerySet) -> HttpResponseBase:
        return model_admin.exported(queryset, kind)

    return export


def _columns_of(rows: QuerySet, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
    return rows.select_related(None).prefetch_related(None).values_list(*columns).iterator(chunk_size=CHUNK)


class UploadForm(forms.Form):
    """A file and the options of its import."""

    file = forms.FileField(label=gettext_lazy("File"))

    def __init__(self, sheet: Sheet, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sheet = sheet
        self.fields["file"].widget.attrs["accept"] = f".{sheet.suffix}"
        for option in sheet.options:
            if not option.permission or request.user.has_perm(option.permission):
                tick: Any = {"label": option.label, "help_text": option.help_text}
                self.fields[option.name] = forms.BooleanField(required=False, **tick)

    def options(self) -> dict[str, Any]:
        """Return the options, ready for JSON."""
        return {option.name: bool(self.cleaned_data.get(option.name)) for option in self.sheet.options}

    def clean(self) -> dict[str, Any]:
        """Read the rows, and return the file's bytes."""
        cleaned = super().clean() or self.cleaned_data
        if "file" in cleaned and not self.errors:
            try:
                check_size(cleaned["file"].size)
                content = cleaned["file"].read()
                self.sheet.rows(content, self.options())
                cleaned["content"] = content
            except DomainError as refusal:
                field = refusal.field if refusal.field in self.fields else "file"
                self.add_error(field, forms.ValidationError(str(refusal.message), code=refusal.code))
        return cleaned


class Imports(Exports):
    """Admin mixin for imports: upload, preview row by row, then import. Nothing is changed before the last step."""

    upload_forms: dict[str, type[UploadForm]] = {}

    def acting(self, request: HttpRequest) -> Any:
        """Return the actor for the operations."""
        raise NotImplementedError

    def tools(self, request: HttpRequest) -> list[tuple[str, str]]:
        mine = [sheet for sheet in self.sheets if request.user.has_perms(sheet.permissions)]
        imports = [(_("Import %s") % sheet.title, reverse(self._name("import"), args=[sheet.name])) for sheet in mine]
        return [*imports, *super().tools(request)]

    def get_urls(self) -> list[Any]:
        name = self._name("import").partition(":")[2]
        views = (
            ("import/<str:sheet>/", self.upload_view, name),
            ("import/<str:sheet>/<uuid:pk>/", self.import_view, f"{name}_file"),
            ("import/<str:sheet>/<uuid:pk>/refused/", self.refused_view, f"{name}_refused"),
        )
        return [
            *(path(where, self.admin_site.admin_view(view), name=called) for where, view, called in views),  # type: ignore[attr-defined]
            *super().get_urls(),
        ]

    def _sheet(self, request: HttpRequest, name: str) -> Sheet:
        sheet = next((sheet for sheet in self.sheets if sheet.name == name), None)
        if sheet is None:
            raise Http404
        if not request.user.has_perms(sheet.permissions):
            raise PermissionDenied
        return sheet

    def _file(self, request: HttpRequest, sheet: Sheet, pk: UUID) -> ImportedFile:
        """Return the user's own file, unless it has been deleted."""
        own = ImportedFile.objects.filter(user=request.user.pk, sheet=sheet.name)
        file = own.filter(pk=pk, created_at__gt=timezone.now() - FILES).first()
        if file is None:
            raise Http404
        return file

    def _page(self, request: HttpRequest, sheet: Sheet, template: str, title: str, **context: Any) -> TemplateResponse:
        site = self.admin_site.each_context(request)  # type: ignore[attr-defined]
        common = {
            "opts": self.opts,  # type: ignore[attr-defined]
            "sheet": sheet,
            "title": title,
            "back": reverse(self._name("changelist")),
            "again": reverse(self._name("import"), args=[sheet.name]),
        }
        return TemplateResponse(request, f"admin/importing/{template}.html", {**site, **common, **context})

    def upload_view(self, request: HttpRequest, sheet: str) -> HttpResponseBase:
        kind = self._sheet(request, sheet)
        sent = (request.POST, request.FILES) if request.method == "POST" else ()
        form = self.upload_forms.get(kind.name, UploadForm)(kind, request, *sent)
        if request.method == "POST" and form.is_valid():
            now = timezone.now()
            ImportedFile.objects.filter(created_at__lte=now - FILES).delete()
            file = ImportedFile.objects.create(
                user_id=int(request.user.pk or 0),
                sheet=kind.name,
                name=form.cleaned_data["file"].name[:200],
                content=form.cleaned_data["content"],
                options=form.options(),
                created_at=now,
            )
            return HttpResponseRedirect(reverse(self._name("import_file"), args=[kind.name, file.pk]))
        return self._page(request, kind, "upload", _("Import %s") % kind.title, form=form)

    def import_view(self, request: HttpRequest, sheet: str, pk: UUID) -> HttpResponseBase:
        """Show the effects of the file with buttons to import it, or, after the import, the results."""
        kind = self._sheet(request, sheet)
        file = self._file(request, kind, pk)
        title = _("Import %s") % kind.title
        try:
            if file.done_at is None and request.method == "POST":
                if "again" in request.POST:
                    self._preview(request, kind, file)
                else:
                    self._import(request, kind, file)
                return HttpResponseRedirect(request.path)
            if file.done_at is None and file.previewed_at is None:
                self._preview(request, kind, file)
        except DomainError as refusal:
            return self._turned_back(request, kind, refusal)
        if file.done_at is not None:
            refused = reverse(self._name("import_refused"), args=[kind.name, pk]) if file.counts["refused"] else ""
            return self._page(
                request, kind, "done", title, file=file, counts=_labelled_counts(file.counts), refused=refused
            )
        parts = kind.parts is not None
        return self._page(request, kind, "preview", title, file=file, parts=parts, **_page_of(file))

    def _turned_back(self, request: HttpRequest, sheet: Sheet, refusal: DomainError) -> HttpResponseBase:
        """Redirect to the upload form: the provider's slug may have changed since."""
        messages.error(request, str(refusal.message))
        return HttpResponseRedirect(reverse(self._name("import"), args=[sheet.name]))

    def _import_options(self, request: HttpRequest, file: ImportedFile) -> ImportOptions:
        return ImportOptions(self.acting(request), timezone.now(), file.options)

    def _preview(self, request: HttpRequest, sheet: Sheet, file: ImportedFile) -> None:
        import_options = self._import_options(request, file)
        report = carry_out(sheet, bytes(file.content), import_options=import_options, policy=None)
        _keep(file, sheet, report, previewed_at=import_options.now, shown=_shown(report))

    def _import(self, request: HttpRequest, sheet: Sheet, file: ImportedFile) -> None:
        """Import the file. Pressing the button twice imports once."""
        import_options = self._import_options(request, file)
        policy = ImportPolicy.ROW_BY_ROW if "row_by_row" in request.POST else ImportPolicy.ALL_OR_NOTHING
        try:
            report = carry_out(sheet, bytes(file.content), import_options=import_options, policy=policy)
        except DomainError as refusal:
            messages.error(request, str(refusal.message))
            return
        if not report.done:
            messages.error(request, _("Nothing was imported because some rows have errors. See below."))
            _keep(file, sheet, report, previewed_at=import_options.now, shown=_shown(report))
            return
        _keep(file, sheet, report, done_at=timezone.now(), content=b"", shown={})

    def refused_view(self, request: HttpRequest, sheet: str, pk: UUID) -> HttpResponseBase:
        """Download the refused rows, in a preview or after the import, each with the reason."""
        kind = self._sheet(request, sheet)
        file = self._file(request, kind, pk)
        if file.done_at is None and file.previewed_at is None:
            try:
                self._preview(request, kind, file)
            except DomainError as refusal:
                return self._turned_back(request, kind, refusal)
        response = HttpResponse(bytes(file.refused), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{kind.name}-refused.csv"'
        response.headers["Cache-Control"] = "no-store"
        return response


def _labelled_counts(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(capfirst(str(RowOutcome(name).label)), number) for name, number in counts.items() if number]


def _keep(file: ImportedFile, sheet: Sheet, report: ImportReport, **more: Any) -> None:
    """Store the outcomes of the rows, unless the file was imported meanwhile."""
    kept = {
        "counts": {str(outcome): number for outcome, number in report.counts().items()},
        "refused": rejects(sheet, report).encode() if report.of(RowOutcome.REFUSED) else b"",
        **more,
    }
    ImportedFile.objects.filter(pk=file.pk, done_at=None).update(**kept)
    for name, value in kept.items():
        setattr(file, name, value)


def _shown(report: ImportReport) -> dict[str, list[dict[str, Any]]]:
    """Return the rows a preview lists, as JSON for PostgreSQL; unchanged rows are only counted."""
    return {
        str(outcome): [
            {
                "line": result.row.number if result.row else None,
                "about": result.about.replace("\0", ""),
                "says": result.says,
                "refusals": [
                    {"field": refusal.field, "message": str(refusal.message).replace("\0", ""), "code": refusal.code}
                    for refusal in result.refusals
                ],
            }
            for result in report.of(outcome)[:SHOWN]
        ]
        for outcome in RowOutcome
        if outcome != RowOutcome.UNCHANGED
    }


def _page_of(file: ImportedFile) -> dict[str, Any]:
    """Return the page's context: refused rows first, then changes, then the rest, up to the maximum listed."""
    order = (RowOutcome.REFUSED, RowOutcome.CHANGED, RowOutcome.REMOVED, RowOutcome.NEW, RowOutcome.UNCHANGED)
    groups = [
        (outcome, number, file.shown.get(outcome, []), max(0, number - SHOWN))
        for outcome in order
        if (number := file.counts[outcome])
    ]
    good = sum(file.counts[outcome] for outcome in (RowOutcome.NEW, RowOutcome.CHANGED, RowOutcome.REMOVED))
    return {"groups": groups, "good": good, "refused": file.counts[RowOutcome.REFUSED]}

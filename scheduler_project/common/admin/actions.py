"""Actions of admins on many rows, and the pages that ask something before they are done."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from scheduler_project.common.errors import DomainError
from scheduler_project.common.operations import is_undone, operation, preview

MOST_AT_ONCE = 200
"""Maximum number of rows per action: its preview keeps them locked meanwhile."""


class PreviewedActions:
    """An admin mixin for actions that are previewed, or ask for more, before they are done."""

    def after_preview(
        self,
        request: HttpRequest,
        rows: Any,
        apply: Callable[[Any], Any],
        *,
        title: str,
        done: str,
        form: Any = None,
        describe: Callable[[Any], str] = str,
    ) -> Any:
        """Run an action on many rows after a preview: first show the effect on each, then, once confirmed, do it.

        The answers of `form`, if given, come with the confirmation. Only the rows that were shown are changed.
        """
        chosen = list(rows[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            messages.error(request, _("Choose fewer rows: at most %d at a time.") % MOST_AT_ONCE)
            return None
        if "answered" in request.POST and (form is None or form.is_valid()):
            do_to_each(request, chosen, apply, done)
            return None
        found = outlook(chosen, apply)
        well = [describe(row) for row, refusal in found if not refusal]
        return self.ask(
            request,
            title=title,
            submit=_("Apply: %d") % len(well) if well else "",
            well=well,
            refused=[(describe(row), refusal) for row, refusal in found if refusal],
            form=form if well else None,
            hidden=[
                ("action", request.POST.get("action", "")),
                ("answered", "1"),
                *((ACTION_CHECKBOX_NAME, row.pk) for row in chosen),
            ],
            back=request.get_full_path(),
            template="admin/preview.html",
        )

    def ask(
        self, request: HttpRequest, *, title: str, submit: str, template: str = "admin/ask.html", **context: Any
    ) -> TemplateResponse:
        """Return an intermediate page: a form, what it is about, and hidden fields that repeat the request."""
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),  # type: ignore[attr-defined]
                "opts": self.opts,  # type: ignore[attr-defined]
                "title": title,
                "submit": submit,
                **context,
            },
        )


def do_to_each(request: HttpRequest, rows: Iterable[Any], apply: Callable[[Any], Any], done: str) -> None:
    """Do `apply` for every row separately. Reports how many are `done` (with %d), and the reason for each refusal."""
    count = 0
    for row in rows:
        try:
            apply(row)
        except DomainError as refusal:
            messages.error(request, f"{row}: {refusal.message}")
        else:
            count += 1
    if count:
        messages.success(request, done % count)


def outlook(rows: Iterable[Any], apply: Callable[[Any], Any]) -> list[tuple[Any, str]]:
    """Return every row with the reason for which `do_to_each` would refuse it, or ''. The changes are rolled back."""

    def do_to_all() -> list[tuple[Any, str]]:
        return [(row, refusal_of(row)) for row in rows]

    def refusal_of(row: Any) -> str:
        try:
            operation(apply)(row)
        except DomainError as refusal:
            if is_undone(refusal.__cause__):
                raise  # All rows are retried.
            return str(refusal.message)
        return ""

    return preview(do_to_all)

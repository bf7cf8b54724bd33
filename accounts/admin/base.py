"""Parts shared by the admins of people."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Client, Provider, User
from accounts.privacy.operations import export_person
from accounts.providers.operations import GIVE_LOGIN
from scheduler_project.common.admin.base import StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.pages.base import as_file


def outranks(request: HttpRequest, login: User | None) -> bool:
    """Return whether the user may change that login, or nobody's."""
    return login is None or (isinstance(request.user, User) and request.user.outranks(login))


class ArchivedAdmin(StaffModelAdmin):
    """An admin mixin for people, with a download of all data stored about one of them."""

    change_form_template = "admin/tools_change_form.html"

    def get_urls(self) -> list[Any]:
        archive = self.admin_site.admin_view(self.archive_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_archive"
        return [path("<int:pk>/archive/", archive, name=name), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        tools = []
        row = self.get_object(request, object_id)
        if row is not None and self.has_change_permission(request, row):
            url = f"admin:{self.opts.app_label}_{self.opts.model_name}_archive"
            tools = [(_("Download their data"), reverse(url, args=[object_id])), *self.tools_of(request, row)]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def tools_of(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        return []

    def archive_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the archive as on `/account/data/`, without secret addresses.

        It lists the login's sign-ins, so an archive of a staff login is for superusers only, even if that person is
        also a client.
        """
        row = self.get_object(request, str(pk))
        if row is None:
            raise Http404
        if not self.has_change_permission(request, row) or not outranks(
            request, row if isinstance(row, User) else row.user
        ):
            raise PermissionDenied
        archive = export_person(user_id=pk) if isinstance(row, User) else export_person(client_id=pk)
        return as_file(archive, f"{self.opts.model_name}-{pk}.json")


class PersonAdmin(StaffModelAdmin):
    """An admin of the fields that providers and clients share: the login, if any, and the date of creation."""

    change_form_template = "admin/tools_change_form.html"
    row_tools: list[Callable[[HttpRequest, Any], list[tuple[str, str]]]]
    """Links on a person's page, as pairs of label and address. Apps above add theirs."""

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        row = self.get_object(request, object_id)
        context = extra_context or {}
        found = [tool for find in self.row_tools for tool in find(request, row)] if row else []
        tools = [*found, *context.get("tools", [])]
        return super().change_view(request, object_id, form_url, {**context, "tools": tools})

    @admin.display(description=gettext_lazy("account"), ordering="user__email")
    def login(self, row: Provider | Client) -> str:
        return str(row.user or "–")

    @admin.display(description=here(gettext_lazy("created")), ordering="created_at")
    def created(self, row: Provider | Client) -> str:
        return local_time(row.created_at)


def gives_logins(request: HttpRequest) -> bool:
    """Return whether the user may choose a provider's login."""
    return bool(request.user.has_perm(GIVE_LOGIN))

"""The admin of clients: add, change, import and erase them."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor, Source
from accounts.admin.base import ArchivedAdmin, PersonAdmin
from accounts.clients.fields import VERIFIED, contact_search, field_names, fields_with, with_proofs
from accounts.clients.imports import CLIENTS
from accounts.clients.operations import add_client, edit_client, remove_client
from accounts.models import Client
from accounts.privacy.operations import erase_client
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.base import first
from scheduler_project.common.admin.files import Imports
from scheduler_project.common.pages.forms import ModelForm


class AddressBookFilter(admin.SimpleListFilter):
    title = gettext_lazy("address book")
    parameter_name = "kept"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("shared (signed up or added by staff)")), ("yes", _("in a provider's address book"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Client]) -> QuerySet[Client]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(owner__isnull=self.value() == "no")


class ClientAdminForm(ModelForm):
    class Meta:
        labels = {"owner": gettext_lazy("Address book")}


@admin.register(Client)
class ClientAdmin(ArchivedAdmin, Imports, PersonAdmin):
    sheets = (CLIENTS,)
    row_tools = []
    form = ClientAdminForm
    list_display = (*with_proofs(in_summary=True), "book", "created")
    list_filter = (AddressBookFilter,)
    list_select_related = ("owner",)
    search_fields = (*contact_search(), "owner__name")
    autocomplete_fields = ("owner",)
    readonly_fields = (*(field.proof for field in VERIFIED), "login", "created")
    actions = ("verify_phones", "erase")

    def get_fields(self, request: HttpRequest, obj: Client | None = None) -> tuple[str, ...]:
        names, rest = (with_proofs, ("login", "created")) if obj else (field_names, ())
        return (*names(is_private=False), "owner", *names(is_private=True), *rest)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        return super().get_queryset(request).select_related("owner", "user")

    def response_post_save_add(self, request: HttpRequest, obj: Client) -> HttpResponseRedirect:
        """Redirect to the new client's page: most clients are added in order to book for them."""
        return HttpResponseRedirect(self.change_url(obj.pk))

    @admin.display(description=gettext_lazy("address book"), ordering="owner__name")
    def book(self, client: Client) -> str:
        return str(client.owner or _("shared"))

    @admin.display(description=gettext_lazy("phone verified"), boolean=True)
    def phone_is_verified(self, client: Client) -> bool | None:
        return client.phone_is_verified if client.phone else None

    @admin.action(description=gettext_lazy("Mark selected phones as verified"), permissions=["change"])
    def verify_phones(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        """Mark the clients' phone numbers as verified, for staff who know them. Text messages go there from now on."""
        actor = Actor.of(request.user, Source.ADMIN)

        def apply(client: Client) -> None:
            edit_client(client_id=client.pk, changes={"phone": client.phone}, actor=actor)

        do_to_each(request, queryset, apply, _("Phones marked as verified: %d."))

    def describe(self, row: Client) -> str:
        known = [str(getattr(row, field.name)) for field in fields_with(in_summary=True)]
        return " · ".join(filter(None, [*known, str(row.owner or "")]))

    def acting(self, request: HttpRequest) -> Actor:
        return Actor.of(request.user, Source.ADMIN)

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        actor = Actor.of(request.user, Source.ADMIN)
        if change:
            wanted = {name: form.cleaned_data[name] for name in form.changed_data}
            edit_client(client_id=obj.pk, changes=wanted, actor=actor)
        else:
            made = add_client(**form.cleaned_data, actor=actor, now=timezone.now())
            obj.__dict__.update(made.__dict__)

    def delete_model(self, request: HttpRequest, obj: Client) -> None:
        remove_client(client_id=obj.pk, actor=Actor.of(request.user, Source.ADMIN))

    @admin.action(description=gettext_lazy("Erase selected clients…"), permissions=["delete"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Client]) -> Any:
        """Erase the client after a confirmation page, since erasure cannot be undone."""
        if "answered" not in request.POST:
            chosen = [(ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)]
            again = [
                ("action", "erase"),
                ("select_across", request.POST.get("select_across", "0")),
                ("answered", "1"),
            ]
            gone = _(
                "This permanently deletes names, addresses, notes and accounts. Past appointments stay, without a name."
            )
            return self.ask(
                request,
                title=_("Erase clients: %d") % queryset.count(),
                submit=_("Erase"),
                about=[gone, *first([self.describe(row) for row in queryset])],
                hidden=[*again, *chosen],
                back=self.list_url(),
            )
        actor, now = Actor.of(request.user, Source.ADMIN), timezone.now()

        def apply(client: Client) -> None:
            erase_client(client_id=client.pk, actor=actor, now=now)

        do_to_each(request, queryset, apply, _("Clients erased: %d."))
        return None

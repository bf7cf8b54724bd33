"""The admin of providers: add, change, approve and decline them."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import re_path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.actors import Actor, Source
from accounts.admin.base import PersonAdmin, gives_logins
from accounts.models import Provider, User
from accounts.providers.operations import (
    CHANGE_PROVIDER,
    add_provider,
    approve_provider,
    decline_provider,
    edit_provider,
    remove_provider,
)
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.panels import Panel, panels
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.pages.forms import TextField
from scheduler_project.common.pages.translations import TranslationsForm, translations_of, with_translations
from scheduler_project.common.validators import isolated

DECISION = r"^(?P<pk>[0-9]{1,18})/(?P<decision>approve|decline)/$"


class DeclineForm(forms.Form):
    """The form for the reason of declining a provider, who gets it by mail."""

    reason = TextField(
        label=gettext_lazy("Reason"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The provider sees it in the email and on their dashboard."),
    )


@translations_of(Provider)
class ProviderForm(TranslationsForm, forms.ModelForm):
    """The form of a provider with their translations."""


@admin.register(Provider)
class ProviderAdmin(PersonAdmin):
    form = ProviderForm
    row_tools = []
    list_display = ("name", "specialization", "login", "is_active", "is_approved", "is_verified", "created")
    list_filter = ("is_active", "is_approved", "is_verified", "specialization")
    list_select_related = ("user",)
    search_fields = ("name", "slug", "specialization", "user__email")
    autocomplete_fields = ("user",)
    date_hierarchy = "created_at"
    actions = ("approve", "deactivate", "activate")

    def get_urls(self) -> list[Any]:
        decide = self.admin_site.admin_view(self.decide_view)
        return [re_path(DECISION, decide, name="accounts_provider_decide"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        row = self.get_object(request, object_id)
        context = extra_context or {}
        if row is not None and not row.is_approved and self.has_change_permission(request, row):
            url = reverse("admin:accounts_provider_decide", args=[row.pk, "decline"])
            context = {**context, "tools": [*context.get("tools", []), (_("Decline…"), url)]}
        return super().change_view(request, object_id, form_url, context)

    def decide_view(self, request: HttpRequest, pk: str, decision: str) -> HttpResponse:
        """Approve at once, or ask for a reason to decline. Both notify the provider by mail."""
        provider = self.get_object(request, pk)
        if provider is None:
            raise Http404
        if not self.has_change_permission(request, provider):
            raise PermissionDenied
        actor, now = Actor.of(request.user, Source.ADMIN), timezone.now()
        form = DeclineForm(request.POST or None)
        if request.method == "POST" and decision == "approve":
            approve_provider(provider_id=provider.pk, actor=actor, now=now)
            messages.success(request, _("%s is approved. We've sent them an email.") % isolated(provider.name))
        elif request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            decline_provider(provider_id=provider.pk, actor=actor, now=now, reason=reason)
            messages.success(request, _("%s is declined. We've sent them an email.") % isolated(provider.name))
        elif decision == "decline":
            about = [
                _("Clients can't find them, and we send nothing on their behalf. You can still approve them later.")
            ]
            title = _("Decline %s") % isolated(provider.name)
            context = {"original": provider, "form": form, "about": about, "back": self.change_url(provider.pk)}
            return self.ask(request, title=title, submit=_("Decline"), **context)
        return HttpResponseRedirect(
            reverse("admin:index") if request.method == "POST" else self.change_url(provider.pk)
        )

    def get_fields(self, request: HttpRequest, obj: Provider | None = None) -> tuple[str, ...]:
        if obj is None:
            login = ("user",) if gives_logins(request) else ()
            return ("name", "timezone", "title", "specialization", "bio", "photo", "languages", *login, "is_approved")
        declined = ("declined", "decline_reason") if obj.declined_at else ()
        return (
            "name",
            "slug",
            *with_translations(*Provider.translated),
            "photo",
            "languages",
            "user",
            "embed_origins",
            "is_active",
            "accepts_new_clients",
            "is_approved",
            "is_verified",
            *declined,
            "created",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Provider | None = None) -> tuple[str, ...]:
        login = () if gives_logins(request) else ("user",)
        return ("is_verified", "declined", "decline_reason", "created", *login) if obj else ()

    @admin.display(description=here(pgettext_lazy("provider", "declined")), ordering="declined_at")
    def declined(self, row: Provider) -> str:
        return local_time(row.declined_at)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            zone = self.formfield_for_dbfield(User.timezone.field, request)
            zone.help_text = _("The hours start as Monday to Friday, 09:00 to 17:00, in this time zone.")
            kwargs["form"] = type("NewProviderForm", (forms.ModelForm,), {"timezone": zone})
        return super().get_form(request, obj, change=change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        if change:
            wanted = {name: form.cleaned_data[name] for name in form.changed_data}
            edit_provider(
                provider_id=obj.pk, changes=wanted, actor=Actor.of(request.user, Source.ADMIN), now=timezone.now()
            )
        else:
            made = add_provider(**form.cleaned_data, now=timezone.now())
            obj.__dict__.update(made.__dict__)

    def delete_model(self, request: HttpRequest, obj: Provider) -> None:
        remove_provider(provider_id=obj.pk, actor=Actor.of(request.user, Source.ADMIN))

    @admin.action(description=gettext_lazy("Approve selected providers"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        self._edit(request, queryset, {"is_approved": True}, _("Providers approved: %d. Clients can find them now."))

    @admin.action(description=gettext_lazy("Deactivate selected providers"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        done = _("Providers deactivated: %d. Their appointments stay booked.")
        self._edit(request, queryset, {"is_active": False}, done)

    @admin.action(description=gettext_lazy("Activate selected providers"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        self._edit(request, queryset, {"is_active": True}, _("Providers activated: %d."))

    def _edit(self, request: HttpRequest, queryset: QuerySet[Provider], changes: dict[str, bool], done: str) -> None:
        actor, now = Actor.of(request.user, Source.ADMIN), timezone.now()

        def apply(provider: Provider) -> None:
            edit_provider(provider_id=provider.pk, changes=changes, actor=actor, now=now)

        do_to_each(request, queryset, apply, done)


SHOWN = 8
"""Maximum number of waiting providers in the panel."""


def new_providers(request: HttpRequest, now: datetime) -> Panel | None:
    """Return the panel of providers who wait for approval, or None if there are none."""
    if not request.user.has_perm("accounts.view_provider"):
        return None
    found = list(Provider.objects.awaiting_approval().select_related("user").order_by("created_at", "pk")[: SHOWN + 1])
    context = {
        "providers": found[:SHOWN],
        "more": len(found) > SHOWN,
        "decides": request.user.has_perm(CHANGE_PROVIDER),
    }
    return Panel("admin/panels/new_providers.html", context) if found else None


panels.append(new_providers)

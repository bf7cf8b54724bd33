"""The admin of webhooks. A secret is shown once, to the user who adds or rotates it, and on no other page."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor, Source
from booking.admin.base import provider_filter
from reminders.models import WebhookEndpoint
from reminders.webhooks import operations as webhooks
from reminders.webhooks.events import EVENTS
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.base import StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.pages.forms import ModelForm, URLField
from scheduler_project.common.validators import one_line


class WebhookAdminForm(ModelForm):
    url = URLField(
        label=gettext_lazy("Address"),
        max_length=500,
        assume_scheme="https",
        validators=[one_line],
        widget=forms.URLInput(attrs={"class": "vURLField"}),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=[(event, event) for event in EVENTS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Events to send. Empty: all events."),
    )

    def _get_validation_exclusions(self) -> set[str]:
        """Exclude the fields validated by the operation that writes them."""
        return {*super()._get_validation_exclusions(), "url", "events"}  # type: ignore[misc]


class DisabledFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("well", _("OK")), ("failing", _("failing")), ("disabled", _("disabled"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> QuerySet[WebhookEndpoint]:
        if self.value() == "disabled":
            return queryset.filter(disabled_at__isnull=False)
        if self.value() in ("well", "failing"):
            return queryset.filter(disabled_at=None, failing_since__isnull=self.value() == "well")
        return queryset


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(StaffModelAdmin):
    form = WebhookAdminForm
    list_display = ("url", "provider", "told_of", "failing", "disabled", "deliveries")
    list_filter = (DisabledFilter, provider_filter("provider"))
    list_select_related = ("provider",)
    search_fields = ("url", "description", "provider__name")
    autocomplete_fields = ("provider",)
    date_hierarchy = "created_at"
    actions = ("rotate", "enable", "disable")

    def get_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> tuple[str, ...]:
        fields = ("provider", "url", "description", "events")
        return (*fields, "failing", "disabled", "disabled_reason", "created", "deliveries") if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> tuple[str, ...]:
        return ("provider", "failing", "disabled", "disabled_reason", "created", "deliveries") if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        return super().get_queryset(request).select_related("provider")

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        common: dict[str, Any] = {"actor": Actor.of(request.user, Source.ADMIN), "now": timezone.now()}
        if change:
            wanted = {name: form.cleaned_data[name] for name in form.changed_data}
            made = webhooks.change_endpoint(endpoint_id=obj.pk, fields=wanted, **common)
        else:
            wanted = {name: form.cleaned_data[name] for name in ("url", "description", "events")}
            made = webhooks.add_endpoint(provider_id=form.cleaned_data["provider"].pk, fields=wanted, **common)
            self._show_secret(request, made)
        obj.__dict__.update(made.__dict__)

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        webhooks.remove_endpoint(endpoint_id=obj.pk, actor=Actor.of(request.user, Source.ADMIN), now=timezone.now())

    # --- What is shown ---

    @admin.display(description=gettext_lazy("events"))
    def told_of(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.events) or _("all")

    @admin.display(description=here(gettext_lazy("failing since")), ordering="failing_since")
    def failing(self, endpoint: WebhookEndpoint) -> str:
        return local_time(endpoint.failing_since)

    @admin.display(description=here(gettext_lazy("disabled")), ordering="disabled_at")
    def disabled(self, endpoint: WebhookEndpoint) -> str:
        return local_time(endpoint.disabled_at)

    @admin.display(description=here(gettext_lazy("created")), ordering="created_at")
    def created(self, endpoint: WebhookEndpoint) -> str:
        return local_time(endpoint.created_at)

    @admin.display(description=gettext_lazy("deliveries"))
    def deliveries(self, endpoint: WebhookEndpoint) -> str:
        listed = reverse("admin:reminders_message_changelist", query={"endpoint__id__exact": endpoint.pk})
        return format_html('<a href="{}">{}</a>', listed, _("Deliveries"))

    # --- Actions ---

    @admin.action(description=gettext_lazy("Generate new secrets for selected webhooks"), permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        actor, now = Actor.of(request.user, Source.ADMIN), timezone.now()

        def apply(endpoint: WebhookEndpoint) -> None:
            made = webhooks.rotate_secret(endpoint_id=endpoint.pk, actor=actor, now=now)
            self._show_secret(request, made)

        do_to_each(request, queryset, apply, _("New secrets generated: %d. The old ones work for one more day."))

    @admin.action(description=gettext_lazy("Enable selected webhooks"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        actor, now = Actor.of(request.user, Source.ADMIN), timezone.now()

        def apply(endpoint: WebhookEndpoint) -> None:
            webhooks.enable_endpoint(endpoint_id=endpoint.pk, actor=actor, now=now)

        do_to_each(request, queryset, apply, _("Webhooks enabled: %d."))

    @admin.action(description=gettext_lazy("Disable selected webhooks"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        actor, now = Actor.of(request.user, Source.ADMIN), timezone.now()

        def apply(endpoint: WebhookEndpoint) -> None:
            webhooks.disable_endpoint(endpoint_id=endpoint.pk, actor=actor, now=now)

        do_to_each(request, queryset, apply, _("Webhooks disabled: %d."))

    def _show_secret(self, request: HttpRequest, endpoint: WebhookEndpoint) -> None:
        messages.warning(
            request,
            _("Secret for %(url)s, shown only once: %(secret)s") % {"url": endpoint.url, "secret": endpoint.secret},
        )

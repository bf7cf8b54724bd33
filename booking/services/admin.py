"""The admin of services."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor, Source
from booking.admin.imports import BookingImports
from booking.imports.kinds import SERVICES
from booking.models import Service
from booking.services.models import SETTINGS
from booking.services.operations import edit_service
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.base import StaffModelAdmin
from scheduler_project.common.pages.translations import TranslationsForm, translations_of, with_translations

LONG = ("description", "preparation", "reminder_offsets")
"""The settings that do not fit into a list."""


REST = tuple(name for name in SETTINGS if name not in Service.translated)
"""The settings that are the same in every language."""


@translations_of(Service)
class ServiceForm(TranslationsForm, forms.ModelForm):
    """The form of a service with its translations."""


@admin.register(Service)
class ServiceAdmin(BookingImports, StaffModelAdmin):
    """Bookable services. A change applies to later bookings; existing appointments keep their time."""

    form = ServiceForm
    sheets = (SERVICES,)
    list_display = (*(name for name in SETTINGS if name not in LONG), "owner")
    list_filter = ("is_active", "needs_approval")
    list_select_related = ("owner",)
    search_fields = ("name", "description", "owner__name", "providers__name")
    autocomplete_fields = ("owner", "providers")
    fields = (*with_translations(*Service.translated), "photo", *REST, "owner", "providers")
    actions = ("deactivate", "activate")

    def save_model(self, request: HttpRequest, obj: Service, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        edit_service(
            service_id=obj.pk,
            fields={name: form.cleaned_data[name] for name in form.changed_data if name != "providers"},
            actor=Actor.of(request.user, Source.ADMIN),
            now=timezone.now(),
        )

    @admin.action(description=gettext_lazy("Deactivate selected services"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        self._set_active(request, queryset, _("Services deactivated: %d."), active=False)

    @admin.action(description=gettext_lazy("Activate selected services"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        self._set_active(request, queryset, _("Services activated: %d."), active=True)

    def _set_active(self, request: HttpRequest, queryset: QuerySet[Service], done: str, *, active: bool) -> None:
        actor = Actor.of(request.user, Source.ADMIN)

        def apply(service: Service) -> None:
            edit_service(service_id=service.pk, fields={"is_active": active}, actor=actor, now=timezone.now())

        do_to_each(request, queryset, apply, done)

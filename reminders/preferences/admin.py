"""The admin of reminder preferences and opt-outs. Changes go through the operations, which replan the reminders."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts.clients.fields import contact_search
from booking.admin.base import staff
from reminders.channels.registry import personal, personal_choices
from reminders.models import OptOut, Preferences
from reminders.preferences import operations
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.base import ReadOnly, StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.pages.forms import ModelForm


class PreferencesForm(ModelForm):
    channels = forms.MultipleChoiceField(
        label=gettext_lazy("Channels"),
        choices=personal_choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    sites_channels = forms.BooleanField(
        label=gettext_lazy("Use the site's channels"),
        required=False,
        help_text=gettext_lazy("Ignores the choices above."),
    )

    class Meta:
        model = Preferences
        fields = ("client", "language", "quiet_from", "quiet_until")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["sites_channels"] = self.instance.channels is None
        self.initial["channels"] = self.instance.channels or []

    def changes(self) -> dict[str, Any]:
        """Return the changed fields for `set_preferences`."""
        given = self.cleaned_data
        wanted = {name: given[name] for name in ("language", "quiet_from", "quiet_until")}
        return {**wanted, "channels": None if given["sites_channels"] else given["channels"]}

    def _get_validation_exclusions(self) -> set[str]:
        """Exclude the fields validated by the operation; only the client is checked here."""
        return {*super()._get_validation_exclusions(), "quiet_from", "quiet_until"}  # type: ignore[misc]


@admin.register(Preferences)
class PreferencesAdmin(StaffModelAdmin):
    form = PreferencesForm
    list_display = ("client", "channels_display", "language_display", "quiet_from", "quiet_until", "clock", "changed")
    list_filter = ("language",)
    list_select_related = ("client",)
    search_fields = contact_search("client__")
    autocomplete_fields = ("client",)
    date_hierarchy = "updated_at"
    fields = ("client", "channels", "sites_channels", "language", "quiet_from", "quiet_until")

    def has_delete_permission(self, request: HttpRequest, obj: Preferences | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Preferences | None = None) -> tuple[str, ...]:
        return ("client", "clock", "changed") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Preferences | None = None) -> tuple[str, ...]:
        return (*self.fields, "clock", "changed") if obj else self.fields

    def save_model(self, request: HttpRequest, obj: Preferences, form: Any, change: bool) -> None:
        made = operations.set_preferences(
            client_id=obj.client_id, changes=form.changes(), actor=staff(request), now=timezone.now()
        )
        obj.__dict__.update(made.__dict__)

    @admin.display(description=gettext_lazy("channels"))
    def channels_display(self, preferences: Preferences) -> str:
        if preferences.channels is None:
            return _("site default")
        return ", ".join(str(personal(name).label) for name in preferences.channels) or _("none")

    @admin.display(description=gettext_lazy("language"), ordering="language")
    def language_display(self, preferences: Preferences) -> str:
        return preferences.get_language_display() or _("site default")

    @admin.display(description=gettext_lazy("time zone"), ordering="client__timezone")
    def clock(self, preferences: Preferences) -> str:
        return preferences.client.timezone

    @admin.display(description=here(gettext_lazy("changed")), ordering="updated_at")
    def changed(self, preferences: Preferences) -> str:
        return local_time(preferences.updated_at)


class StandingFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "stands"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", pgettext("opt-out", "active")), ("no", pgettext("opt-out", "ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OptOut]) -> QuerySet[OptOut]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(ended_at__isnull=self.value() == "yes")


class OptOutForm(ModelForm):
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), choices=personal_choices)

    class Meta:
        model = OptOut
        fields = ("channel", "address")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("channel") and given.get("address"):
            try:
                given["address"] = personal(given["channel"]).checked(given["address"])
            except forms.ValidationError as error:
                self.add_error("address", error)
        return given


@admin.register(OptOut)
class OptOutAdmin(ReadOnly, StaffModelAdmin):
    """The admin of opt-outs. Staff add and remove them at the owner's request; otherwise they are read-only."""

    form = OptOutForm
    list_display = ("address", "channel", "source", "since", "ended")
    list_filter = (StandingFilter, "channel", "source")
    search_fields = ("address",)
    date_hierarchy = "at"
    actions = ("take_back",)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("reminders.add_optout")

    def has_take_back_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("reminders.change_optout")

    def get_fields(self, request: HttpRequest, obj: OptOut | None = None) -> tuple[str, ...]:
        return ("channel", "address", "source", "since", "ended") if obj else ("channel", "address")

    def get_readonly_fields(self, request: HttpRequest, obj: OptOut | None = None) -> tuple[str, ...]:
        return ("source", "since", "ended") if obj else ()

    def save_model(self, request: HttpRequest, obj: OptOut, form: Any, change: bool) -> None:
        made = operations.opt_out_as(channel=obj.channel, address=obj.address, actor=staff(request), now=timezone.now())
        obj.__dict__.update(made.__dict__)

    @admin.action(description=gettext_lazy("End selected opt-outs"), permissions=["take_back"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[OptOut]) -> None:
        now = timezone.now()

        def apply(row: OptOut) -> None:
            operations.withdraw_opt_out(opt_out_id=row.pk, actor=staff(request), now=now)

        do_to_each(request, queryset, apply, _("Opt-outs ended: %d."))

    @admin.display(description=here(gettext_lazy("since")), ordering="at")
    def since(self, row: OptOut) -> str:
        return local_time(row.at)

    @admin.display(description=here(gettext_lazy("ended")), ordering="ended_at")
    def ended(self, row: OptOut) -> str:
        return local_time(row.ended_at)

"""The form that selects the days, provider and service of a report."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Provider, User
from analytics.periods import Period, Span, chosen_span, span_of
from analytics.report import ReportScope
from booking.models import Service
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages.forms import DayField, refuse

USUAL = Period.LAST_30_DAYS
OFFERED = (Period.LAST_7_DAYS, Period.LAST_30_DAYS, Period.MONTH, Period.LAST_MONTH)
"""The periods with a link on the page."""


class PickerForm(forms.Form):
    """The days of a report and, for staff, the provider. `from` and `to` are dates chosen by hand."""

    provider = forms.ModelChoiceField(
        Provider.objects.none(), required=False, label=_("Provider"), empty_label=_("all")
    )
    service = forms.ModelChoiceField(
        Service.objects.none(), required=False, label=_("Service"), empty_label=pgettext_lazy("services", "all")
    )

    def __init__(self, data: Any, *, user: User, own: Provider | None) -> None:
        """Prepare the form for one provider's `own` report, or for staff, who may choose a provider."""
        super().__init__(data)
        self.own = own
        for name, label in (("from", _("From")), ("to", _("Until"))):
            self.fields[name] = DayField(required=False, label=label)
        services = Service.objects.visible_to(user)
        self.fields["service"].queryset = services.filter(providers=own) if own else services  # type: ignore[attr-defined]
        if own:
            del self.fields["provider"]
        else:
            self.fields["provider"].queryset = Provider.objects.editable_by(user)  # type: ignore[attr-defined]
        self.order_fields(["from", "to", "provider", "service"])

    @property
    def scope(self) -> ReportScope:
        return ReportScope(self.own or self.cleaned_data.get("provider"), self.cleaned_data.get("service"))

    @property
    def period(self) -> Period:
        """The chosen period; the default one if none was chosen, or an unknown one."""
        chosen = self.data.get("period", "")
        return Period(chosen) if chosen in Period.values else USUAL

    def span(self, zone: ZoneInfo, now: Any) -> Span | None:
        """Return the days to count. If they are not valid, add an error to their field and return None."""
        try:
            chosen = chosen_span(self.cleaned_data.get("from"), self.cleaned_data.get("to"), zone)
        except DomainError as refusal:
            refuse(self, refusal)
            return None
        return chosen or span_of(self.period, zone, now)

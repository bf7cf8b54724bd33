"""Forms of staff in the admin: reasons, times, and bookings for a client."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Client, ClientQuerySet, Provider
from booking.appointments.forms import CLIENTS_FOUND, ForClientForm, TimeForm
from booking.models import Schedule
from booking.reservations.enums import Override
from scheduler_project.common.pages.forms import TextField

OVERRIDES = [
    (Override.HOURS, gettext_lazy("Outside the provider's hours, or while they are away")),
    (Override.NOTICE, gettext_lazy("At shorter notice, or further ahead, than clients may book")),
]


class WhoseForm(forms.Form):
    """The first step of a booking: the choice of the provider."""

    schedule = forms.ModelChoiceField(
        Schedule.objects.select_related("provider").filter(provider__is_active=True), label=gettext_lazy("Provider")
    )


class StaffReasonForm(forms.Form):
    reason = TextField(
        label=gettext_lazy("Reason"),
        max_length=500,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("The client sees it, and it stays in the history."),
    )


class StaffTimeForm(TimeForm):
    """A time in another person's schedule. If rules are overridden, the operation asks for a reason."""

    overrides = forms.MultipleChoiceField(
        label=gettext_lazy("Override"),
        choices=OVERRIDES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Appointments can never overlap."),
    )
    reason = TextField(
        label=gettext_lazy("Reason"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy(
            "Required when you override rules. It stays in the appointment's history; the client doesn't see it."
        ),
    )

    def clean_time(self) -> Any:
        """Accept times off the grid here; the operation refuses them and names the nearest on the grid."""
        return self.cleaned_data["time"]


class StaffBookForm(StaffTimeForm, ForClientForm):
    """A booking for a client on the phone."""

    search = TextField(label=gettext_lazy("Name, email or phone"), required=False, max_length=100)
    somebody_else = forms.BooleanField(
        label=gettext_lazy("This is a different person with the same email or phone"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client"].queryset = bookable_clients(self.schedule.provider)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not cleaned.get("client") and not self.has_error("client"):
            if not cleaned.get("name"):
                self.add_error("name", _("Choose a client, or enter the name of a new one."))
            elif self.namesakes() and not cleaned.get("somebody_else"):
                self.add_error(
                    "somebody_else",
                    _("There is already a client with this email or phone. Choose them, or tick this box."),
                )
        return cleaned

    def namesakes(self) -> list[Client]:
        """Return the clients who have the email or the phone of the new one."""
        cleaned = self.cleaned_data
        same = Q(pk__in=[])
        if cleaned.get("email"):
            same |= Q(email__iexact=cleaned["email"])
        if cleaned.get("phone"):
            same |= Q(phone=cleaned["phone"])
        return list(bookable_clients(self.schedule.provider).filter(same)[:CLIENTS_FOUND])


def bookable_clients(provider: Provider) -> ClientQuerySet:
    """Return the clients whom staff may book with a provider: those in the provider's address book or in none."""
    return Client.objects.filter(Q(owner=None) | Q(owner=provider)).exclude(name="")

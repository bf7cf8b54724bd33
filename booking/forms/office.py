"""What staff write in the admin: reasons, times, and bookings for whoever is on the phone."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from phonenumber_field.formfields import PhoneNumberField

from accounts.models import Client, ClientQuerySet, Provider
from booking.enums import Override
from booking.forms.desk import CLIENTS_FOUND, TimeForm
from booking.models import Schedule, Service
from scheduler_project.common.text import one_line

OVERRIDES = [
    (Override.HOURS, gettext_lazy("Outside the provider's hours, or while they are away")),
    (Override.NOTICE, gettext_lazy("At shorter notice, or further ahead, than clients may book")),
]


class WhoseForm(forms.Form):
    """The first step of a booking: with whom."""

    schedule = forms.ModelChoiceField(
        Schedule.objects.select_related("provider").filter(provider__is_active=True), label=gettext_lazy("Provider")
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, widget=forms.TextInput(attrs={"class": "vTextField"})
    )


class OfficeTimeForm(TimeForm):
    """A time of somebody else's calendar. Where its rules are set aside, the operation asks why."""

    overrides = forms.MultipleChoiceField(
        label=gettext_lazy("Set aside"),
        choices=OVERRIDES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Two appointments at one time are never possible."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("Needed where rules are set aside. It stays in the appointment's history."),
    )

    def clean_time(self) -> Any:
        """Times off the grid are refused by the operation, which names the nearest that are on it."""
        return self.cleaned_data["time"]


class OfficeBookForm(OfficeTimeForm):
    """A booking for a client who is known, or for a new one."""

    search = forms.CharField(label=gettext_lazy("Name, email or phone"), required=False, max_length=100)
    client = forms.ModelChoiceField(label=gettext_lazy("Client"), queryset=Client.objects.none(), required=False)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=150, required=False, validators=[one_line])
    email = forms.EmailField(label=gettext_lazy("Email"), required=False)
    phone = PhoneNumberField(
        label=gettext_lazy("Phone"), required=False, help_text=gettext_lazy("With the country, such as +49 30 1234567.")
    )
    somebody_else = forms.BooleanField(
        label=gettext_lazy("This is somebody else with the same email or phone"), required=False
    )
    service = forms.ModelChoiceField(
        label=gettext_lazy("Service"),
        queryset=Service.objects.none(),
        required=False,
        empty_label=gettext_lazy("No service, only a length"),
    )
    title = forms.CharField(label=gettext_lazy("Title"), max_length=200, required=False, validators=[one_line])
    description = forms.CharField(
        label=gettext_lazy("Description"), max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        provider = self.schedule.provider
        self.fields["date"].required = True
        self.fields["client"].queryset = bookable_clients(provider)  # type: ignore[attr-defined]
        self.fields["service"].queryset = Service.objects.filter(  # type: ignore[attr-defined]
            providers=provider, is_active=True
        )

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        if not said.get("client") and not self.has_error("client"):
            if not said.get("name"):
                self.add_error("name", _("Choose a client, or write the name of a new one."))
            elif self.namesakes() and not said.get("somebody_else"):
                self.add_error(
                    "somebody_else", _("There is already a client with this email or phone. Choose them, or tick this.")
                )
        return said

    def namesakes(self) -> list[Client]:
        """The clients who have the email or the phone of the new one."""
        said = self.cleaned_data
        same = Q(pk__in=[])
        if said.get("email"):
            same |= Q(email__iexact=said["email"])
        if said.get("phone"):
            same |= Q(phone=said["phone"])
        return list(bookable_clients(self.schedule.provider).filter(same)[:CLIENTS_FOUND])


def bookable_clients(provider: Provider) -> ClientQuerySet:
    """Whom staff may book with a provider: those of their address book, and those in nobody's."""
    return Client.objects.filter(Q(owner=None) | Q(owner=provider)).exclude(name="")

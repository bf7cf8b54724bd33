"""Links from a client's or a provider's page to bookings with them."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.clients.admin import ClientAdmin
from accounts.models import Client, Provider
from accounts.providers.admin import ProviderAdmin


def of_client(request: HttpRequest, client: Client) -> list[tuple[str, str]]:
    book = reverse("admin:booking_appointment_add", query={"client": client.pk})
    listed = reverse("admin:booking_appointment_changelist", query={"reservation__client__id__exact": client.pk})
    return _allowed(
        request, ("booking.add_appointment", _("Book"), book), ("booking.view_appointment", _("Appointments"), listed)
    )


def of_provider(request: HttpRequest, provider: Provider) -> list[tuple[str, str]]:
    if not hasattr(provider, "schedule"):
        return []
    calendar = reverse("admin:booking_schedule_change", args=[provider.schedule.pk])
    day = reverse("admin:booking_appointment_day", query={"provider": provider.pk})
    return _allowed(
        request, ("booking.view_appointment", _("Day"), day), ("booking.view_schedule", _("Schedule"), calendar)
    )


def _allowed(request: HttpRequest, *tools: tuple[str, Any, str]) -> list[tuple[str, str]]:
    return [(label, url) for right, label, url in tools if request.user.has_perm(right)]


ClientAdmin.row_tools.append(of_client)


ProviderAdmin.row_tools.append(of_provider)

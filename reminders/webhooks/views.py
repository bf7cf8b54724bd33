"""A provider's webhooks: endpoints, secrets and deliveries."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.models import Schedule
from booking.views.access import actor_of, provider_page
from reminders.channels.webhook.channel import WebhookChannel
from reminders.enums import MessageStatus
from reminders.models import Message, WebhookEndpoint
from reminders.webhooks import operations
from reminders.webhooks.forms import WebhookForm
from reminders.webhooks.payloads import event_of
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.pages.base import KEPT_BY_NOBODY
from scheduler_project.common.pages.forms import refuse

PAGE = 25


@provider_page
def webhooks(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """List the provider's webhooks and add one. Its secret is shown in the response and never again."""
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = operations.add_endpoint(
                provider_id=schedule.provider_id,
                fields=form.cleaned_data,
                actor=actor_of(request),
                now=timezone.now(),
            )
        except DomainError as refusal:
            refuse(form, refusal)
        else:
            return secret_shown(request, schedule, made)
    rows = WebhookEndpoint.objects.filter(provider=schedule.provider).order_by("pk")
    return render(request, "reminders/dashboard/webhooks.html", {"schedule": schedule, "form": form, "webhooks": rows})


@provider_page
def webhook(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Show one webhook: edit it, rotate its secret, disable, enable or delete it, replay a delivery."""
    endpoint = WebhookEndpoint.objects.filter(provider=schedule.provider, pk=pk).first()
    if endpoint is None:
        raise NotFound
    action = request.POST.get("do", "")
    form = WebhookForm(request.POST if action == "save" else None, endpoint=endpoint)
    refusal = None
    if request.method == "POST" and (action != "save" or form.is_valid()):
        try:
            answer = do_action(request, schedule, endpoint, action, form)
        except DomainError as error:
            if action == "save":
                refuse(form, error)
            else:
                refusal = error
        else:
            return answer
    deliveries = Message.objects.filter(endpoint=endpoint, channel=WebhookChannel.name).prefetch_related("attempts")
    page = Paginator(deliveries.order_by("-created_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    context = {
        "schedule": schedule,
        "endpoint": endpoint,
        "form": form,
        "refusal": refusal,
        "page": page,
        "deliveries": [delivery(message, endpoint) for message in page],
    }
    status = refusal.kind.value if refusal else 200
    return render(request, "reminders/dashboard/webhook.html", context, status=status)


def do_action(
    request: HttpRequest, schedule: Schedule, endpoint: WebhookEndpoint, action: str, form: WebhookForm
) -> HttpResponse:
    """Do the action of the button. An unknown action does nothing."""
    arguments: dict[str, Any] = {"actor": actor_of(request), "now": timezone.now()}
    if action == "save":
        operations.change_endpoint(endpoint_id=endpoint.pk, fields=form.cleaned_data, **arguments)
        messages.success(request, _("The webhook was saved."))
    elif action == "rotate":
        return secret_shown(request, schedule, operations.rotate_secret(endpoint_id=endpoint.pk, **arguments))
    elif action == "enable":
        operations.enable_endpoint(endpoint_id=endpoint.pk, **arguments)
        messages.success(request, _("Webhook enabled. It receives events from now on."))
    elif action == "disable":
        operations.disable_endpoint(endpoint_id=endpoint.pk, **arguments)
        messages.success(request, _("Webhook disabled."))
    elif action == "remove":
        operations.remove_endpoint(endpoint_id=endpoint.pk, **arguments)
        messages.success(request, _("The webhook was deleted."))
        return HttpResponseRedirect(reverse("dashboard-webhooks"))
    elif action == "replay":
        delivery = endpoint.messages.filter(pk=number_of(request.POST.get("message", ""))).first()
        if delivery is None:
            raise NotFound
        operations.replay(message_id=delivery.pk, **arguments)
        messages.success(request, _("Queued to send again."))
    return HttpResponseRedirect(request.path)


def number_of(text: str) -> int:
    """Return an id from a form; 0, which no row has, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def secret_shown(request: HttpRequest, schedule: Schedule, endpoint: WebhookEndpoint) -> HttpResponse:
    """Return the only page that shows a secret. It is the response to a POST, so that no URL leads to it."""
    context = {"schedule": schedule, "endpoint": endpoint}
    response = render(request, "reminders/dashboard/secret.html", context)
    for name, value in KEPT_BY_NOBODY.items():
        response.headers[name] = value
    return response


def delivery(message: Message, endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return one delivery with its attempts, and whether it can be replayed."""
    ended = message.status not in (MessageStatus.PENDING, MessageStatus.CANCELLED)
    return {"message": message, "event": event_of(message), "again": ended and endpoint.disabled_at is None}

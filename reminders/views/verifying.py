"""Phone verification, shared by the two pages that request a code."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import Client
from reminders.forms.mine import CodeForm
from reminders.operations import phones
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages import too_many
from scheduler_project.common.throttling import site_network


def verify(request: HttpRequest, client: Client, form: CodeForm, *, actor: Actor, now: datetime) -> HttpResponse | None:
    """Send a code (`do=code`) or check one (`do=verify`). Errors go into the form. Rate-limited users get a page of
    its own."""
    if request.POST.get("do") == "code":
        refused = too_many(request, "code", f"client:{client.pk}")
        if refused is None:
            phones.ask_code(client_id=client.pk, actor=actor, network=site_network(request), now=now)
            messages.info(request, phones.CODE_ASKED)
        return refused
    if form.is_valid():
        try:
            phones.verify_phone(client_id=client.pk, code=form.cleaned_data["code"], actor=actor, now=now)
        except DomainError as error:
            form.add_error("code", str(error.message))
        else:
            messages.success(request, _("Your phone is verified."))
    return None

"""The page of a login's API keys: create, rotate and revoke."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor, Source
from accounts.keys import operations
from accounts.keys.forms import KeyForm
from accounts.models import ApiKey, User
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages.base import KEPT_BY_NOBODY, page
from scheduler_project.common.pages.forms import refuse


@login_required
@page
def keys(request: HttpRequest) -> HttpResponse:
    """List the keys and create one. It is shown in the response and never again."""
    user = request.user
    assert isinstance(user, User)
    now = timezone.now()
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return shown_once(
                request, operations.create_key(**form.wanted(now), actor=Actor.of(user, Source.PAGE), now=now)
            )
        except DomainError as refusal:
            refuse(form, refusal)
    rows = ApiKey.objects.filter(user=user).select_related("provider")
    context = {
        "form": form,
        "keys": [(row, row.is_live(now)) for row in rows],
        "may_create": not user.is_staff or user.may(operations.ADD),
    }
    return render(request, "accounts/keys.html", context)


@login_required
@page
def key(request: HttpRequest, pk: int) -> HttpResponse:
    """Rotate or revoke a key, as the button says. An unknown action does nothing."""
    actor, now, action = Actor.of(request.user, Source.PAGE), timezone.now(), request.POST.get("do", "")
    try:
        if action == "rotate":
            return shown_once(request, operations.rotate_key(key_id=pk, actor=actor, now=now))
        if action == "revoke":
            operations.revoke_key(key_id=pk, actor=actor, now=now)
            messages.success(request, _("The key was revoked."))
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    return HttpResponseRedirect(reverse("my-keys"))


def shown_once(request: HttpRequest, made: operations.NewKey) -> HttpResponse:
    """Return the only page that shows a key. It is the response to a POST, so that no URL leads to it."""
    context = {"key": made.row, "text": made.text, "overlap": settings.API_KEY_OVERLAP_HOURS}
    response = render(request, "accounts/key.html", context)
    for name, value in KEPT_BY_NOBODY.items():
        response.headers[name] = value
    return response

"""Pages that list and end the sign-ins of a login."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.sign_in.errors import SignInEnded
from accounts.sign_in.sign_ins import end_one_of, end_sign_ins, live_sign_ins
from scheduler_project.common.pages.base import page


@login_required
@page
def sign_ins(request: HttpRequest) -> HttpResponse:
    """List the browsers and programs that are signed in."""
    user = request.user
    assert isinstance(user, User)
    if request.method == "POST":
        end_sign_ins(user=user, keep=user.sign_in, now=timezone.now())
        messages.success(request, _("You are signed out everywhere else."))
        return HttpResponseRedirect(reverse("my-sign-ins"))
    rows = live_sign_ins(user, now=timezone.now())
    rows.sort(key=lambda row: row != user.sign_in)  # the current one first
    return render(request, "accounts/sign_ins.html", {"sign_ins": rows, "current": user.sign_in})


@login_required
@page
def end(request: HttpRequest, sign_in_id: UUID) -> HttpResponse:
    """End one sign-in. Ending the current one leads to the login page."""
    user = request.user
    assert isinstance(user, User)
    if request.method == "POST":
        try:
            end_one_of(user=user, sign_in_id=sign_in_id, now=timezone.now())
        except SignInEnded as error:
            messages.info(request, str(error.message))
        else:
            messages.success(request, _("Signed out."))
    return HttpResponseRedirect(reverse("my-sign-ins"))

"""Pages that list and end the sign-ins of a login."""

from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.sign_in.errors import SignInEnded
from accounts.sign_in.identities import remove_identity
from accounts.sign_in.issuer_pages import authorization_url, come_back
from accounts.sign_in.sign_ins import end_one_of, end_sign_ins, live_sign_ins
from scheduler_project.common.errors import NotFound
from scheduler_project.common.pages.base import limited_as, page


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


@page
@limited_as("login")
def log_in_by_issuer(request: HttpRequest) -> HttpResponse:
    """Lead to the issuer.

    The header `Refresh` and no redirect: browsers hold a form's redirects to the policy of the page it was on, which
    would have to name every address of the issuer.
    """
    if not settings.OIDC_ISSUER:
        raise NotFound
    if request.method != "POST":
        return HttpResponseRedirect(reverse("account_login"))
    url = authorization_url(request)
    response = render(request, "account/issuer.html", {"url": url})
    response.headers["Refresh"] = f"0; url={url}"
    return response


@page
@limited_as("login")
def back_from_issuer(request: HttpRequest) -> HttpResponse:
    """Log in whom the issuer leads back."""
    if not settings.OIDC_ISSUER:
        raise NotFound
    return come_back(request)


@login_required
@reauthentication_required
@page
def remove_issuer(request: HttpRequest) -> HttpResponse:
    """Let the issuer's identity log in no longer."""
    assert isinstance(request.user, User)
    if request.method == "POST":
        remove_identity(user_id=request.user.pk)
        messages.success(request, _("Removed."))
    return HttpResponseRedirect(reverse("account"))

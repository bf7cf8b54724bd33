"""Pages of the visitor's own login: where it leads, and changing it."""

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.views import (
    ConfirmEmailView,
    email,
    login,
    password_change,
    password_reset,
    password_reset_from_key,
    reauthenticate,
    signup,
)
from allauth.mfa.base import views as mfa
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import int_to_base36
from django.utils.translation import gettext as _

from accounts.actors import Actor, Source
from accounts.clients.operations import edit_client, edit_user
from accounts.models import User
from accounts.sign_in.adapter import remember_language
from accounts.sign_in.devices import remember_browser
from accounts.sign_in.operations import owner_of_link
from accounts.users.forms import UserProfileForm
from scheduler_project.common.pages.base import back, limited_as, page, remember_zone, secret_page

EMAIL_ACTIONS = frozenset({"action_add", "action_send", "action_remove"})
"""The allowed actions of allauth's page of emails. If several are sent, allauth takes the first."""


@page
@limited_as("register")
def sign_up(request: HttpRequest) -> HttpResponse:
    """Sign up. Like the API it reveals whether an email is taken."""
    return signup(request)


@page
@limited_as("login")
def log_in(request: HttpRequest) -> HttpResponse:
    """Log in. Wrong passwords are also counted (`guesses`), here and on all pages that ask for a password or code."""
    return login(request)


@page
@limited_as("login")
def enter_code(request: HttpRequest) -> HttpResponse:
    """Log in by the second factor, after the password."""
    return mfa.authenticate(request)


@page
@limited_as("login")
def enter_password_again(request: HttpRequest) -> HttpResponse:
    return reauthenticate(request)


@page
@limited_as("login")
def enter_code_again(request: HttpRequest) -> HttpResponse:
    return mfa.reauthenticate(request)


@login_required
@page
@limited_as("register")
def change_email(request: HttpRequest) -> HttpResponse:
    """Request another email for a login, resend its link, or withdraw the request.

    allauth also has `action_primary`, by which a login that never verified an email takes any other at once. Here only
    the mailed link makes an email the login's. Like signing up it reveals whether an email is taken.
    """
    if request.method == "POST" and not EMAIL_ACTIONS & request.POST.keys():
        return HttpResponseRedirect(reverse("account_email"))
    return email(request)


class ConfirmEmail(ConfirmEmailView):
    """The page behind the link that verifies an email. Opening it does not log the user out."""

    def logout_other_user(self, confirmation: EmailConfirmationHMAC) -> None:
        if self.request.method == "POST":
            super().logout_other_user(confirmation)


@login_required
@page
@limited_as("login")
def change_password(request: HttpRequest) -> HttpResponse:
    """Change the password. This browser still counts as one that has logged in before."""
    return remembering(request, password_change(request))


@page
@limited_as("login")
def reset_password(request: HttpRequest) -> HttpResponse:
    """Ask for a link to set a password."""
    return password_reset(request)


@page
@limited_as("login")
def set_password(request: HttpRequest, uidb36: str, key: str) -> HttpResponse:
    """Set a password by the mailed link. It proves the mailbox: this browser then counts as known to the login."""
    return remembering(request, password_reset_from_key(request, uidb36=uidb36, key=key))


def remembering(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Remember this browser for the login if its password has changed."""
    user = getattr(request, "has_new_password", None)
    if user is not None:
        remember_browser(response, user)
    return response


@login_required
def after_login(request: HttpRequest) -> HttpResponse:
    """Redirect to `next`, else providers to their dashboard, clients to their appointments, staff to the admin."""
    user = request.user
    assert isinstance(user, User)
    if user.provider_or_none:
        role = "dashboard"
    elif user.client_or_none:
        role = "my-appointments"
    else:
        role = "admin:index" if user.is_staff else "account"
    return HttpResponseRedirect(back(request, role))


@login_required
@page
def account(request: HttpRequest) -> HttpResponse:
    """Show name, timezone and language, with links to everything else about the login."""
    user = request.user
    assert isinstance(user, User)
    form = UserProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        actor = Actor.of(user, Source.PAGE)
        edit_user(user_id=user.pk, changes={name: form.cleaned_data[name] for name in form.Meta.fields}, actor=actor)
        if form.client and form.contact:
            edit_client(client_id=form.client.pk, changes=form.contact, actor=actor)
        messages.success(request, _("Saved."))
        response = HttpResponseRedirect(reverse("account"))
        remember_zone(response, form.cleaned_data["timezone"])
        if form.cleaned_data["language"]:
            remember_language(response, form.cleaned_data["language"])
        return response
    addresses = list(EmailAddress.objects.filter(user=user))
    context = {
        "form": form,
        "verified": any(address.verified for address in addresses if address.primary),
        "pending": next((address for address in addresses if not address.primary), None),
        "second_factor": is_mfa_enabled(user),
        "identity": SocialAccount.objects.filter(user=user, provider=settings.OIDC_ISSUER or None).first(),
    }
    return render(request, "accounts/account.html", context)


@secret_page
def reset_link(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Redirect from the mailed link to the form for a new password. Raises LinkNotValid."""
    user = owner_of_link(uid=uid, token=token)
    return HttpResponseRedirect(reverse("account_reset_password_from_key", args=[int_to_base36(user.pk), token]))

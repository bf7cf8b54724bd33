"""One's login: where it leads, and what can be changed about it."""

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.views import ConfirmEmailView, email, login, password_change, password_reset_from_key, signup
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import int_to_base36
from django.utils.translation import gettext as _

from accounts.actors import Actor, Face
from accounts.adapter import remember_language
from accounts.devices import remember_browser
from accounts.forms import ProfileForm
from accounts.models import User
from accounts.operations.logins import owner_of_link
from accounts.operations.people import edit_user
from scheduler_project.common.pages import back, page, remember_zone, secret_page, too_many

EMAIL_ACTIONS = frozenset({"action_add", "action_send", "action_remove"})
"""The actions of allauth's page of emails that are open. Of several it takes the first."""


@page
def sign_up(request: HttpRequest) -> HttpResponse:
    """Registering, as often as the API lets anybody: both tell whether an email is taken."""
    refused = too_many(request, "register") if request.method == "POST" else None
    return refused or signup(request)


@page
def log_in(request: HttpRequest) -> HttpResponse:
    """Logging in, as often as the API lets anybody. Wrong passwords are counted beside that (`guesses`)."""
    refused = too_many(request, "login") if request.method == "POST" else None
    return refused or login(request)


@login_required
@page
def change_email(request: HttpRequest) -> HttpResponse:
    """Another email for a login: asked for, its link mailed again, or taken back.

    allauth also knows `action_primary`, by which a login that never verified an email takes any other at once. Here
    nothing but the mailed link makes an email the login's.
    """
    if request.method == "POST" and not EMAIL_ACTIONS & request.POST.keys():
        return HttpResponseRedirect(reverse("account_email"))
    return email(request)


class ConfirmEmail(ConfirmEmailView):
    """The page that a mail to verify an email links to. Looking at it logs nobody out."""

    def logout_other_user(self, confirmation: EmailConfirmationHMAC) -> None:
        if self.request.method == "POST":
            super().logout_other_user(confirmation)


@login_required
@page
def change_password(request: HttpRequest) -> HttpResponse:
    """Another password. This browser goes on being one that has logged in."""
    return remembering(request, password_change(request))


@page
def set_password(request: HttpRequest, uidb36: str, key: str) -> HttpResponse:
    """Another password by the mailed link: whoever reads the mailbox may log in with it from this browser."""
    return remembering(request, password_reset_from_key(request, uidb36=uidb36, key=key))


def remembering(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Remember this browser for the login that has another password, if it does."""
    user = getattr(request, "has_new_password", None)
    if user is not None:
        remember_browser(response, user)
    return response


@login_required
def after_login(request: HttpRequest) -> HttpResponse:
    """Lead where `next` says, else providers to their desk, clients to their appointments, staff to the admin."""
    user = request.user
    assert isinstance(user, User)
    if user.provider_or_none:
        role = "desk"
    elif user.client_or_none:
        role = "mine"
    else:
        role = "admin:index" if user.is_staff else "account"
    return HttpResponseRedirect(back(request, role))


@login_required
@page
def account(request: HttpRequest) -> HttpResponse:
    """Name, timezone and language, and the way to everything else about one's login."""
    user = request.user
    assert isinstance(user, User)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        edit_user(user_id=user.pk, changes=form.cleaned_data, actor=Actor.of(user, Face.PAGE))
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
    }
    return render(request, "accounts/account.html", context)


@secret_page
def reset_link(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """What a mail to set a new password links to. Raises LinkNotValid."""
    user = owner_of_link(uid=uid, token=token)
    return HttpResponseRedirect(reverse("account_reset_password_from_key", args=[int_to_base36(user.pk), token]))

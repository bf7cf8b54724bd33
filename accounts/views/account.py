"""One's login: where it leads, and what can be changed about it."""

from allauth.account.models import EmailAddress
from allauth.account.views import signup
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import int_to_base36
from django.utils.translation import gettext as _

from accounts.adapter import remember_language
from accounts.forms import ProfileForm
from accounts.models import User
from accounts.operations.logins import owner_of_link
from accounts.operations.people import edit_user
from scheduler_project.common.pages import back, page, remember_zone, secret_page, too_many


@page
def sign_up(request: HttpRequest) -> HttpResponse:
    """Registering, as often as the API lets anybody: both tell whether an email is taken."""
    refused = too_many(request, "register") if request.method == "POST" else None
    return refused or signup(request)


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
        edit_user(user_id=user.pk, changes=form.cleaned_data)
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

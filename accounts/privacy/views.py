"""Pages to download one's data and to delete one's account."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.privacy.errors import AppointmentsComing
from accounts.privacy.forms import DeleteForm
from accounts.privacy.operations import delete_account, export_person
from accounts.sign_in.devices import Device
from accounts.sign_in.errors import WrongPassword
from scheduler_project.common.pages.base import as_file, limited_as, page


@login_required
@reauthentication_required
@page
def download(request: HttpRequest) -> HttpResponse:
    """Download everything stored about the logged-in user."""
    assert isinstance(request.user, User)
    return as_file(export_person(user_id=request.user.pk, own=True), "my-data.json")


@login_required
@page
@limited_as("login")
def delete(request: HttpRequest) -> HttpResponse:
    """Ask for the password again, then delete the account."""
    assert isinstance(request.user, User)
    form = DeleteForm(request.POST or None)
    refusal = None
    if request.method == "POST" and form.is_valid():
        try:
            password = form.cleaned_data["password"]
            delete_account(user_id=request.user.pk, password=password, device=Device.of(request), now=timezone.now())
        except WrongPassword as error:
            form.add_error("password", str(error.message))
        except AppointmentsComing as error:
            refusal = error
        else:
            logout(request)
            messages.success(request, _("Your account has been deleted."))
            return HttpResponseRedirect(reverse("home"))
    context = {
        "form": form,
        "refusal": refusal,
        "where": "dashboard" if request.user.provider_or_none else "my-appointments",
    }
    return render(request, "accounts/delete.html", context)

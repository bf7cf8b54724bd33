"""One's login: where it leads, and what can be changed about it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from accounts.models import User
from scheduler_project.common.pages import page


@login_required
def after_login(request: HttpRequest) -> HttpResponse:
    """Lead providers to their desk, clients to their appointments, staff to the admin."""
    user = request.user
    assert isinstance(user, User)
    role = "desk" if user.provider_or_none else "admin:index" if user.is_staff else "mine"
    return HttpResponseRedirect(reverse(role if role != "mine" or user.client_or_none else "account"))


@login_required
@page
def account(request: HttpRequest) -> HttpResponse:
    """Name, email, password, second factor."""
    return render(request, "accounts/account.html")

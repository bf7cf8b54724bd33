"""Logins: django-allauth's pages, and our own beside them."""

from django.urls import include, path

from accounts.views import account

urlpatterns = [
    path("account/", account.account, name="account"),
    path("account/welcome/", account.after_login, name="after-login"),
    path("account/", include("allauth.account.urls")),
    path("account/2fa/", include("allauth.mfa.urls")),
]

"""The addresses of the accounts API."""

from django.urls import re_path

from accounts.clients.api import ClientViewSet
from accounts.keys.api import KeyViewSet
from accounts.providers.api import ProviderViewSet
from accounts.sign_in.api import (
    IssuerLoginView,
    LoginView,
    LogoutView,
    PasswordChangeView,
    PasswordResetConfirmView,
    PasswordResetView,
    RefreshView,
    RegisterView,
    SignInsView,
    SignInView,
    VerifyEmailView,
)
from accounts.users.api import AdminUserViewSet, MeView

routes = [
    ("admin/users", AdminUserViewSet, "admin-user"),
    ("clients", ClientViewSet, "client"),
    ("keys", KeyViewSet, "api-key"),
    ("providers", ProviderViewSet, "provider"),
]

urlpatterns = [
    re_path(r"^register/?$", RegisterView.as_view(), name="register"),
    re_path(r"^login/?$", LoginView.as_view(), name="login"),
    re_path(r"^login/oidc/?$", IssuerLoginView.as_view(), name="login-oidc"),
    re_path(r"^logout/?$", LogoutView.as_view(), name="logout"),
    re_path(r"^token/refresh/?$", RefreshView.as_view(), name="token-refresh"),
    re_path(r"^me/?$", MeView.as_view(), name="me"),
    re_path(r"^me/sign-ins/?$", SignInsView.as_view(), name="sign-ins"),
    re_path(r"^me/sign-ins/(?P<sign_in_id>[0-9a-f-]{36})/?$", SignInView.as_view(), name="sign-in"),
    re_path(r"^me/email/verify/?$", VerifyEmailView.as_view(), name="me-email-verify"),
    re_path(r"^password/change/?$", PasswordChangeView.as_view(), name="password-change"),
    re_path(r"^password/reset/?$", PasswordResetView.as_view(), name="password-reset"),
    re_path(r"^password/reset/confirm/?$", PasswordResetConfirmView.as_view(), name="password-reset-confirm"),
]

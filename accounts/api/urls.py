"""URLs of the accounts API."""

from django.urls import re_path

from accounts.api import views

routes = [
    ("clients", views.ClientViewSet, "client"),
    ("providers", views.ProviderViewSet, "provider"),
]

urlpatterns = [
    re_path(r"^register/?$", views.RegisterView.as_view(), name="register"),
    re_path(r"^login/?$", views.LoginView.as_view(), name="login"),
    re_path(r"^logout/?$", views.LogoutView.as_view(), name="logout"),
    re_path(r"^token/refresh/?$", views.RefreshView.as_view(), name="token-refresh"),
    re_path(r"^me/?$", views.MeView.as_view(), name="me"),
    re_path(r"^me/sign-ins/?$", views.SignInsView.as_view(), name="sign-ins"),
    re_path(r"^me/sign-ins/(?P<sign_in_id>[0-9a-f-]{36})/?$", views.SignInView.as_view(), name="sign-in"),
    re_path(r"^me/email/verify/?$", views.VerifyEmailView.as_view(), name="me-email-verify"),
    re_path(r"^password/change/?$", views.PasswordChangeView.as_view(), name="password-change"),
    re_path(r"^password/reset/?$", views.PasswordResetView.as_view(), name="password-reset"),
    re_path(r"^password/reset/confirm/?$", views.PasswordResetConfirmView.as_view(), name="password-reset-confirm"),
]

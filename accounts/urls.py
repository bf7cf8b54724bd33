"""The addresses of logins: django-allauth's pages, and our own."""

from django.urls import include, path, re_path

from accounts.keys import views as keys
from accounts.privacy import views as privacy
from accounts.sign_in import views as sign_in
from accounts.users import views as users

urlpatterns = [
    path("account/", users.account, name="account"),
    path("account/welcome/", users.after_login, name="after-login"),
    path("account/data/", privacy.download, name="account-data"),
    path("account/delete/", privacy.delete, name="account-delete"),
    path("account/sign-ins/", sign_in.sign_ins, name="my-sign-ins"),
    path("account/sign-ins/<uuid:sign_in_id>/end/", sign_in.end, name="my-sign-in-end"),
    path("account/keys/", keys.keys, name="my-keys"),
    path("account/keys/<int:pk>/", keys.key, name="my-key"),
    path("account/issuer/", sign_in.log_in_by_issuer, name="issuer"),
    path("account/issuer/back/", sign_in.back_from_issuer, name="issuer-callback"),
    path("account/issuer/remove/", sign_in.remove_issuer, name="issuer-remove"),
    path("account/signup/", users.sign_up),
    path("account/login/", users.log_in),
    path("account/reauthenticate/", users.enter_password_again),
    path("account/2fa/authenticate/", users.enter_code),
    path("account/2fa/reauthenticate/", users.enter_code_again),
    path("account/email/", users.change_email),
    re_path(r"^account/confirm-email/(?P<key>[-:\w]+)/$", users.ConfirmEmail.as_view()),
    path("account/password/change/", users.change_password),
    path("account/password/reset/", users.reset_password),
    re_path(r"^account/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", users.set_password),
    path("account/", include("allauth.account.urls")),
    path("account/2fa/", include("allauth.mfa.urls")),
    path("password/reset/<str:uid>/<str:token>/", users.reset_link, name="reset-link"),
]

"""URLs of logins: django-allauth's pages, and our own."""

from django.urls import include, path, re_path

from accounts.views import account, leaving, sign_ins

urlpatterns = [
    path("account/", account.account, name="account"),
    path("account/welcome/", account.after_login, name="after-login"),
    path("account/data/", leaving.download, name="account-data"),
    path("account/delete/", leaving.delete, name="account-delete"),
    path("account/sign-ins/", sign_ins.sign_ins, name="my-sign-ins"),
    path("account/sign-ins/<uuid:sign_in_id>/end/", sign_ins.end, name="my-sign-in-end"),
    path("account/signup/", account.sign_up),
    path("account/login/", account.log_in),
    path("account/email/", account.change_email),
    re_path(r"^account/confirm-email/(?P<key>[-:\w]+)/$", account.ConfirmEmail.as_view()),
    path("account/password/change/", account.change_password),
    re_path(r"^account/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", account.set_password),
    path("account/", include("allauth.account.urls")),
    path("account/2fa/", include("allauth.mfa.urls")),
    path("password/reset/<str:uid>/<str:token>/", account.reset_link, name="reset-link"),
]

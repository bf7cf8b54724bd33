"""The URL map."""

from django.contrib import admin
from django.contrib.auth import views as logins
from django.urls import include, path
from django.views.generic import RedirectView

from scheduler_project import health

urlpatterns = [
    path("api/", include("scheduler_project.api")),
    path("", RedirectView.as_view(pattern_name="docs")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("", include("booking.urls")),
    path("", include("reminders.urls")),
    path("admin/", admin.site.urls),
    path("password/reset/done/", logins.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
    path("password/reset/<uidb64>/<token>/", logins.PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
]

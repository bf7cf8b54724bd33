"""The URL map."""

from django.contrib import admin
from django.urls import include, path

from scheduler_project import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("admin/", admin.site.urls),
    path("api/", include("scheduler_project.api")),
]

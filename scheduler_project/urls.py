"""The URL map."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.i18n import set_language

from scheduler_project import api, health, mailbox
from scheduler_project.common.api.versions import ROUTE_WITHOUT_VERSION
from scheduler_project.common.pages.base import choose_zone
from scheduler_project.common.pictures.views import picture
from scheduler_project.common.site.views import brand
from scheduler_project.mcp.views import MessageView

urlpatterns = [
    # The same addresses twice. Those with the version stand last, because `reverse` takes the last.
    path("api", api.RootView.as_view()),
    path("api/v1", api.RootView.as_view()),
    re_path(ROUTE_WITHOUT_VERSION, include(api)),
    path("api/v1/", include(api)),
    re_path(r"^mcp/?$", MessageView.as_view(), name="mcp"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("mail/", mailbox.mailbox, name="mailbox"),
    re_path(r"^pictures/(?P<digest>[0-9a-f]{32})\.webp$", picture, name="picture"),
    re_path(r"^brand/(?P<colour>[0-9a-f]{6})\.css$", brand, name="brand"),
    path("language/", set_language, name="set_language"),
    path("timezone/", choose_zone, name="timezone"),
    path("", include("accounts.urls")),
    path("", include("booking.urls")),
    path("", include("reminders.urls")),
    path("", include("analytics.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "scheduler_project.errors.bad_request"
handler500 = "scheduler_project.errors.server_error"

"""The API's table of contents."""

from typing import Any

from django.urls import include, path, re_path
from django.utils import translation
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from accounts.api import urls as accounts
from analytics.api import urls as analytics
from booking.api import urls as booking
from reminders.api import urls as reminders


class NotFoundView(APIView):
    """What is not there says so in the API's own way."""

    permission_classes = [AllowAny]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound


class SchemaView(SpectacularAPIView):
    """The documentation, in the one language all of it is written in."""

    schema = None

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        with translation.override("en"):
            return super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]


class Router(SimpleRouter):
    """Every path works with and without its trailing slash."""

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"


router = Router()
for prefix, viewset, basename in [*booking.routes, *accounts.routes, *reminders.routes]:
    router.register(prefix, viewset, basename)

urlpatterns = [
    path("", include(router.urls)),  # first: what is asked for most
    re_path(r"^schema/?$", SchemaView.as_view(), name="schema"),
    re_path(r"^docs/?$", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    *accounts.urlpatterns,
    *booking.urlpatterns,
    *reminders.urlpatterns,
    *analytics.urlpatterns,
    re_path("", NotFoundView.as_view()),
]

"""The addresses of the API, and its documentation."""

import hashlib
from functools import cache
from threading import Lock
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, include, path, re_path, reverse
from django.utils import translation
from django.utils.cache import get_conditional_response
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.gzip import gzip_page
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from accounts.api import urls as accounts
from analytics.api import urls as analytics
from booking.api import urls as booking
from reminders.api import urls as reminders
from scheduler_project import aliases
from scheduler_project.common.api.content import JSONRenderer
from scheduler_project.common.api.serializers import Serializer
from scheduler_project.common.api.versions import ROOT
from scheduler_project.common.api.views import StrictView


class NotFoundView(APIView):
    """The 404 answer in the API's own format."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound


class DocumentationView(StrictView):
    """A base of views that do not answer JSON; their errors are JSON all the same."""

    def handle_exception(self: Any, exc: Exception) -> Any:
        self.request.accepted_renderer, self.request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        return super().handle_exception(exc)  # type: ignore[misc]


class RootSerializer(Serializer[Any]):
    version = serializers.CharField()
    documentation = serializers.CharField(help_text=_("Documentation page for people."))
    openapi = serializers.CharField(help_text=_("The OpenAPI document, for programs."))
    resources = serializers.DictField(child=serializers.CharField(), help_text=_("Addresses that need no ID, by name."))


class RootView(StrictView, APIView):
    """The table of contents. It is the same for everyone and can be cached."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    tagged_actions = frozenset({"get"})

    @extend_schema(operation_id="root", summary="List addresses", tags=["root"], responses=RootSerializer)
    def get(self, request: Request) -> Any:
        headers = {"Cache-Control": "public, max-age=300"}
        response = HttpResponse(contents(), content_type=JSONRenderer.media_type, headers=headers)
        response.headers["ETag"] = etag = tag_of(response.content)
        return get_conditional_response(request, etag=etag, response=response)


@cache
def contents() -> bytes:
    """Return the body of the root's answer. Links are absolute paths, so that it is the same under every host name."""
    patterns = [pattern for pattern in [*router.urls, *urlpatterns] if isinstance(pattern, URLPattern)]
    names = [pattern.name for pattern in patterns if pattern.name and not pattern.pattern.regex.groups]
    links = {name: reverse(name) for name in names if name != "swagger"}
    found = {
        "version": "v1",
        "documentation": links.pop("docs"),
        "openapi": links.pop("schema"),
        "resources": {link.removeprefix(ROOT): link for link in sorted(links.values())},
    }
    return JSONRenderer().render(found)


def tag_of(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


@method_decorator(gzip_page, name="dispatch")  # It says nothing that is secret.
class SchemaView(DocumentationView, SpectacularAPIView):
    """The OpenAPI document, which is in English only. Each process generates it once."""

    schema = None
    query_names = frozenset({"format"})

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        content, etag = rendered_schema(type(request.accepted_renderer))
        headers = {"ETag": etag, "Cache-Control": "public, max-age=300", "Vary": "Accept"}
        response = HttpResponse(content, content_type=request.accepted_media_type, headers=headers)
        return get_conditional_response(request, etag=etag, response=response)


class ReferenceView(DocumentationView, SpectacularRedocView):
    """The API's documentation, to read: guides, and all operations. Redoc searches in a worker that it makes itself."""

    schema = None
    template_name = "api_reference.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response.headers["Content-Security-Policy"] = f"{DOCS_POLICY}; worker-src blob:"
        return response


class SwaggerView(DocumentationView, SpectacularSwaggerSplitView):
    """The API's documentation, to try requests. Its policy allows only its own scripts, and inline styles."""

    schema = None
    query_names = frozenset({"script"})

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response.headers["Content-Security-Policy"] = DOCS_POLICY
        return response


DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


putting_together = Lock()
"""Generating the document takes half a second of CPU, so parallel requests wait for the first."""


def rendered_schema(renderer: Any) -> tuple[bytes, str]:
    """Return the schema in a renderer's format, and its ETag."""
    with putting_together:
        return _render_once(renderer)


@cache
def _render_once(renderer: Any) -> tuple[bytes, str]:
    written: Any = (
        JSONRenderer if renderer.format == JSONRenderer.format else renderer
    )  # without spaces a third as long
    content = bytes(written().render(document(), renderer_context={}))
    return content, tag_of(content)


@cache
def document() -> dict[str, Any]:
    with translation.override("en"):
        return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


class Router(SimpleRouter):
    """A router whose paths work with and without a trailing slash."""

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"


router = Router()
for prefix, viewset, basename in [*booking.routes, *accounts.routes, *reminders.routes]:
    router.register(prefix, viewset, basename)

urlpatterns = [
    *aliases.registering_urlpatterns,
    path("", include(router.urls)),  # first, for they get most requests
    path("", RootView.as_view()),
    re_path(r"^schema/?$", SchemaView.as_view(), name="schema"),
    re_path(r"^docs/?$", ReferenceView.as_view(url_name="schema"), name="docs"),
    re_path(r"^docs/swagger/?$", SwaggerView.as_view(url_name="schema"), name="swagger"),
    *accounts.urlpatterns,
    *booking.urlpatterns,
    *reminders.urlpatterns,
    *analytics.urlpatterns,
    *aliases.urlpatterns,
    re_path("", NotFoundView.as_view()),
]

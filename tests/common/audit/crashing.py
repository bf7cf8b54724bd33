"""The site's URLs, and some that crash with secrets in the error."""

from celery import shared_task
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scheduler_project.urls import handler400, handler500
from scheduler_project.urls import urlpatterns as real

__all__ = ["handler400", "handler500"]

known: list[str] = []
"""The secrets in the text of the next crash."""


class Crash(Exception):
    pass


def crash() -> None:
    local_copy = list(known)
    raise Crash(f"It broke with {' and '.join(local_copy)}, password='{known[0]}'")


def page(request: HttpRequest, token: str) -> HttpResponse:
    request.POST.get("password")
    crash()
    raise AssertionError


class View(APIView):
    permission_classes = [AllowAny]
    authentication_classes = []
    schema = None

    def post(self, request: Request) -> Response:
        assert request.data["password"]
        crash()
        raise AssertionError


@shared_task
def task() -> None:
    crash()


urlpatterns = [
    path("a/<str:token>/crash/", page),
    path("admin/crash/<str:token>/", page),
    path("api/crash", View.as_view()),
    *real,
]

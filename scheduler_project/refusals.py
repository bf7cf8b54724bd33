"""The answer where something broke, which asks neither the database nor anything else that may be what broke."""

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse

from scheduler_project.common.api_errors import refusal_response
from scheduler_project.common.database_errors import refusal_for
from scheduler_project.common.pages import unavailable


def server_error(request: HttpRequest) -> HttpResponse:
    """503 with words for what the database did not do in time, else 500; in the API's shape where that was asked."""
    refusal = refusal_for(sys.exc_info()[1])
    if not request.path_info.startswith("/api/"):
        return unavailable(refusal)
    if refusal:
        return refusal_response(refusal)
    error = {"code": "error", "detail": "Server Error (500)", "attr": None}  # As it is where a view breaks.
    return JsonResponse({"type": "server_error", "errors": [error]}, status=500)

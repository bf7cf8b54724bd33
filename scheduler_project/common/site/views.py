"""The stylesheet of the brand's colour."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from scheduler_project.common.pages.base import page
from scheduler_project.common.pictures.views import FOR_EVER
from scheduler_project.common.site.brand import stylesheet


@require_safe
@page
def brand(request: HttpRequest, colour: str) -> HttpResponse:
    """Return the rules for a colour, which is in the address: caches keep them for ever."""
    return HttpResponse(stylesheet(f"#{colour}"), content_type="text/css", headers={"Cache-Control": FOR_EVER})

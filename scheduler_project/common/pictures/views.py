"""The address of a picture."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from scheduler_project.common.errors import NotFound
from scheduler_project.common.pages.base import page
from scheduler_project.common.pictures.models import Picture

FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
@page
def picture(request: HttpRequest, digest: str) -> HttpResponse:
    """Return a picture. Its address names its content, so caches keep it for ever."""
    found = Picture.objects.filter(pk=digest).first()
    if found is None:
        raise NotFound
    return HttpResponse(found.content, content_type="image/webp", headers={"Cache-Control": FOR_EVER})

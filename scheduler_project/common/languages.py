"""The site's languages as choices of model and form fields, and the language of a request."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers


def language_choices() -> list[tuple[str, str]]:
    """Return the site's languages, each in its own words.

    Migrations name this function, not its answer, so that adding a language needs no migration.
    """
    return list(settings.LANGUAGES)


def in_language(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Use the language of the cookie, else of `Accept-Language`, else of the site.

    Like Django's LocaleMiddleware, at half the cost: Django's also looks for a language in every path, and ours have
    none.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        language = translation.get_language_from_request(request)
        translation.activate(language)
        response = get_response(request)
        patch_vary_headers(response, ["Accept-Language"])
        response.headers.setdefault("Content-Language", language)
        return response

    return middleware

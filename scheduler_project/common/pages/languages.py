"""The language of a request, and the formats of days and times in each language."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import pgettext_lazy

LONG = pgettext_lazy("day and time, as Django's date filter writes it", "l, j F Y, H:i")


DAY = pgettext_lazy("day with its weekday, as Django's date filter writes it", "l j F Y")


MONTH = pgettext_lazy("month and year, as Django's date filter writes it", "F Y")


CLOCK = pgettext_lazy("time of day, as Django's date filter writes it", "H:i")


SHORT = pgettext_lazy("day and time in a text message, as Django's date filter writes it", "D j M Y, H:i")


WEEKDAY = pgettext_lazy("day in a narrow column, as Django's date filter writes it", "D j M")


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

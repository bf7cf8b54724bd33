"""The site's languages as choices of model and form fields, and the language of a request."""

from collections.abc import Callable
from functools import cache

from babel import Locale
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers


def language_choices() -> list[tuple[str, str]]:
    """Return the site's languages, each in its own words.

    Migrations name this function, not its answer, so that adding a language needs no migration.
    """
    return list(settings.LANGUAGES)


SPOKEN = (
    "ar bg bn bs ca cs da de el en es et fa fi fr he hi hr hu id it ja ka ko ku lt lv mk nl no pl ps pt ro ru sk sl so "
    "sq sr sv sw ta th tr uk ur vi zh"
).split()


def spoken_language_choices() -> list[tuple[str, str]]:
    """Return the languages that people may speak with clients, by name in the active language."""
    return _spoken_in(translation.get_language() or "en")


@cache
def _spoken_in(language: str) -> list[tuple[str, str]]:
    locale = Locale.parse(language, sep="-")
    names = {code: str(locale.languages[code]) for code in SPOKEN}
    return sorted(((code, name[0].upper() + name[1:]) for code, name in names.items()), key=lambda pair: pair[1])


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

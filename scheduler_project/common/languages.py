"""The site's languages, as choices of model and form fields."""

from django.conf import settings


def language_choices() -> list[tuple[str, str]]:
    """Return the site's languages, each in its own words.

    Migrations name this function, not its answer, so that adding a language needs no migration.
    """
    return list(settings.LANGUAGES)

"""Countries by ISO 3166-1 alpha-2: their names, and the country of a timezone."""

from functools import cache
from importlib.resources import files

from babel import Locale
from django.utils.translation import get_language
from phonenumbers import SUPPORTED_REGIONS

CLOCKS_OF_12_HOURS = frozenset("AU BD CA CO EG IN JO KE MY NZ PH PK SA US".split())
"""Countries whose readers of English expect 1:30 PM (Unicode CLDR, `timeData`)."""


def country_choices() -> list[tuple[str, str]]:
    """Return the countries that have phone numbers of their own, by name in the active language."""
    return _named(get_language() or "en")


@cache
def _named(language: str) -> list[tuple[str, str]]:
    names = Locale.parse(language, sep="-").territories
    return sorted(((code, names[code]) for code in SUPPORTED_REGIONS if code in names), key=lambda pair: pair[1])


@cache
def country_of(zone: str) -> str:
    """Return the country of a timezone (IANA `zone.tab`), also of its other names; empty if it is in none."""
    countries = _countries_of_zones()
    if zone in countries:
        return countries[zone]
    rules = _rules_of(zone)
    same = (country for other, country in countries.items() if rules and _rules_of(other) == rules)
    return next(same, "")


@cache
def _countries_of_zones() -> dict[str, str]:
    lines = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {row[2]: row[0] for row in rows}


def _rules_of(zone: str) -> bytes:
    found = files("tzdata").joinpath("zoneinfo", *zone.split("/"))
    return found.read_bytes() if found.is_file() else b""

"""Dates as each language writes them."""

from datetime import date

import pytest
from django.template import Context, Template
from django.utils.dateformat import format as date_format
from django.utils.translation import override

from scheduler_project.common.pages.formats import DAY, on
from scheduler_project.common.time.zones import city_of


@pytest.mark.parametrize(
    ("language", "day", "text"),
    [
        ("en", 1, "Tuesday 1 December 2026"),
        ("de", 1, "Dienstag, 1. Dezember 2026"),
        ("fr", 1, "mardi 1er décembre 2026"),
        ("fr", 2, "mercredi 2 décembre 2026"),
        ("es", 1, "martes, 1 de diciembre de 2026"),
    ],
)
def test_first_of_a_month_is_as_the_language_writes_it(db, language, day, text):
    with override(language):
        assert date_format(date(2026, 12, day), on(date(2026, 12, day), DAY)) == text


def test_templates_write_it_too():
    with override("fr"):
        shown = Template('{{ day|date:"j F" }}{{ nothing|date:"j F" }}').render(Context({"day": date(2026, 12, 1)}))

    assert shown == "1er décembre"


@pytest.mark.parametrize(
    ("zone", "city"),
    [("Europe/London", "London"), ("America/Argentina/Buenos_Aires", "Buenos Aires"), ("UTC", "UTC")],
)
def test_zones_are_named_by_their_city(zone, city):
    assert city_of(zone) == city

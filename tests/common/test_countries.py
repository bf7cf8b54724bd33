"""Countries: names in the active language, and those of timezones."""

import pytest
from django.utils import translation

from scheduler_project.common.countries import country_choices, country_of


@pytest.mark.parametrize(
    ("zone", "country"),
    [("Europe/Berlin", "DE"), ("America/New_York", "US"), ("Asia/Kolkata", "IN"), ("Asia/Calcutta", "IN"), ("UTC", "")],
)
def test_country_of_a_zone(zone, country):
    assert country_of(zone) == country


def test_countries_in_the_active_language():
    with translation.override("de"):
        assert ("DE", "Deutschland") in country_choices()

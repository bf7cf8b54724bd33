"""Phone numbers as people write them."""

import pytest
from django.utils import timezone

from scheduler_project.common.phones import with_country
from scheduler_project.common.site import queries
from scheduler_project.common.site.models import SiteSettings


@pytest.mark.parametrize(
    "text", ["+49 30 901820", "0049 30 901820", "+49 (0)30 901820", "+49 30/901820", "tel:+4930901820", " +4930901820 "]
)
def test_number_with_a_country(text):
    assert str(with_country(text)) == "+4930901820"


@pytest.mark.parametrize(("country", "text"), [("DE", "030 901820"), ("US", "(212) 555-0123")])
def test_number_of_the_sites_country(country, text):
    queries.keep(SiteSettings(country=country))

    assert str(with_country(text)) == {"DE": "+4930901820", "US": "+12125550123"}[country]


def test_number_of_the_visitors_country():
    with timezone.override("America/New_York"):
        assert str(with_country("(212) 555-0123")) == "+12125550123"


@pytest.mark.parametrize("text", ["", "12", "nonsense", "4,93E+10"])
def test_no_number_stays_as_it_is(text):
    queries.keep(SiteSettings(country="DE"))

    assert with_country(text) == text


def test_number_of_nobody_knows_where_stays_as_it_is():
    assert with_country("030 901820") == "030 901820"

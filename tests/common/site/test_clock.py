"""The clock of readers: by the visitor's choice, the site's, else by their language and country."""

import pytest
from django.utils import timezone, translation

from scheduler_project.common.pages.formats import CLOCK
from scheduler_project.common.site import queries
from scheduler_project.common.site.clock import chosen, format_in
from scheduler_project.common.site.models import SiteSettings


@pytest.mark.parametrize(
    ("language", "zone", "form"),
    [
        ("en", "America/New_York", "g:i A"),
        ("en", "Asia/Calcutta", "g:i A"),
        ("en", "Europe/London", "H:i"),
        ("en", "UTC", "H:i"),
        ("de", "America/New_York", "H:i"),
    ],
)
def test_format_by_language_and_country(language, zone, form):
    with translation.override(language):
        assert format_in(zone, "H:i") == form


def test_format_as_the_site_says():
    queries.keep(SiteSettings(clock="24"))

    assert format_in("America/New_York", "H:i") == "H:i"


def test_format_as_the_visitor_chose():
    queries.keep(SiteSettings(clock="24"))
    token = chosen.set("12")

    assert format_in("Europe/Berlin", r"H:i \U\h\r") == "g:i A"
    chosen.reset(token)


def test_formats_follow_the_current_zone():
    with timezone.override("America/New_York"):
        assert str(CLOCK) == "g:i A"


@pytest.mark.django_db
def test_page_for_the_timezone_remembers_the_clock(client):
    response = client.post("/timezone/", {"timezone": "Europe/Berlin", "clock": "12"})

    assert response.cookies["clock"].value == "12"


@pytest.mark.django_db
def test_cookie_chooses_the_clock(client):
    client.cookies["clock"] = "12"

    assert str(client.get("/").context["clock_format"]) == "H:i"  # read after the request
    assert 'value="12" checked' in client.get("/timezone/").text

"""Booking inside somebody else's page."""

import pytest

from accounts.models import Provider
from tests.html import text_of

SITE = "https://www.example.org"


@pytest.fixture
def framed(provider):
    Provider.objects.update(embed_origins=[SITE, "https://other.example"])
    return provider


def frames(answer):
    policy = answer.headers["Content-Security-Policy"]
    [ancestors] = [part.strip() for part in policy.split(";") if "frame-ancestors" in part]
    return ancestors, answer.headers.get("X-Frame-Options")


def test_page_may_be_framed_where_the_provider_allows_it(client, framed, path):
    taken = client.post(f"{path}?embed=1", {"at": f"{framed.pk}@2026-03-03T12:00:00Z"}).headers["Location"]

    for page in ("/p/maya/?embed=1", f"{path}?embed=1", taken):
        assert frames(client.get(page)) == (f"frame-ancestors {SITE} https://other.example", None)


@pytest.mark.parametrize("page", ["/p/maya/", "/?embed=1", "/account/login/?embed=1"])
def test_other_pages_may_be_framed_nowhere(client, framed, page):
    assert frames(client.get(page)) == ("frame-ancestors 'none'", "DENY")


def test_page_may_be_framed_nowhere_unless_the_provider_says_so(client, provider):
    assert frames(client.get("/p/maya/?embed=1")) == ("frame-ancestors 'none'", "DENY")


def test_framed_page_has_neither_header_nor_footer(client, framed):
    page = client.get("/p/maya/?embed=1").content.decode()

    assert "site-header" not in page
    assert "site-footer" not in page
    assert "data-embedded" in page


def test_framed_pages_lead_to_framed_pages(client, framed, path):
    assert f"{path}?embed=1" in client.get("/p/maya/?embed=1").content.decode()
    assert "?embed=1&amp;day=2026-03-04" in client.get(f"{path}?embed=1").content.decode()


def test_refusals_are_shown_in_the_frame_too(client, framed, path):
    answer = client.post(f"{path}?embed=1", {"at": f"{framed.pk}@2026-03-02T12:15:00Z"})

    assert answer.status_code == 409
    assert frames(answer)[1] is None
    assert "This time cannot be booked" in text_of(answer)

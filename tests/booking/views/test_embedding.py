"""Booking inside somebody else's page."""

import re
from html import unescape

import pytest
from django.test import Client as Browser

from accounts.models import Provider
from booking.models import Reservation
from tests.factories import MAYA, NOON, at
from tests.html import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(**MAYA)]


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
    chooser = client.get(f"{path}?embed=1").headers["Location"]
    taken = client.post(chooser, {"at": f"{framed.pk}@2026-03-03T12:00:00Z"}).headers["Location"]

    for page in ("/p/maya/?embed=1", chooser, taken):
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
    chooser = chooser_in(client.get("/p/maya/?embed=1"), path)
    assert chooser.startswith(f"{path}?embed=1&visitor=")
    assert re.search(r"\?embed=1&amp;visitor=[^&]+&amp;day=2026-03-04", client.get(chooser).content.decode())


# --- Without cookies --------------------------------------------------------------------------------------------------


def chooser_in(answer, path):
    """Return the link of an embedded page to the choice of a time."""
    return unescape(re.search(rf'href="({re.escape(path)}[^"]*)"', answer.content.decode())[1])


def tap(chooser, provider, time):
    """Choose a time in a browser without cookies."""
    return Browser().post(chooser, {"at": f"{provider.pk}@2026-03-03T{time}:00Z"}).headers["Location"]


def test_second_pick_in_a_frame_moves_the_hold(framed, path):
    chooser = chooser_in(Browser().get("/p/maya/?embed=1"), path)
    tap(chooser, framed, "12:00")

    tap(chooser, framed, "13:00")

    assert Reservation.objects.held(now=NOON).get().starts_at == at("2026-03-03 13:00")


def test_own_hold_is_known_in_a_frame(framed, path):
    chooser = chooser_in(Browser().get("/p/maya/?embed=1"), path)
    details = tap(chooser, framed, "12:00")

    assert "held for you" in Browser().get(chooser).content.decode()
    assert tap(chooser, framed, "12:00") == details
    assert chooser_in(Browser().get(details), path) == chooser


def test_chooser_is_kept_by_nobody_for_it_shows_what_one_holds(framed, path):
    chooser = chooser_in(Browser().get("/p/maya/?embed=1"), path)

    assert Browser().get(chooser).headers["Cache-Control"] == "no-store"
    assert Browser().get(path).headers["Cache-Control"] == "no-store"


def test_chooser_that_is_framed_by_itself_gives_its_visitor_an_address_of_their_own(client, framed, path):
    first, second = (client.get(f"{path}?embed=1&day=2026-03-04").headers["Location"] for _ in range(2))

    assert first.startswith(f"{path}?embed=1&day=2026-03-04&visitor=")
    assert first != second
    assert client.get(first).status_code == 200


@pytest.mark.parametrize("visitor", ["", "x", "a:b:c", "%00"])
def test_visitor_we_did_not_sign_is_somebody_new(client, framed, path, visitor):
    forged = f"{path}?embed=1&visitor={visitor}"

    assert client.get(forged).status_code == 302
    assert tap(forged, framed, "12:00").startswith("/h/")


def test_visitor_is_known_by_the_address_in_frames_only(framed, path):
    chooser = chooser_in(Browser().get("/p/maya/?embed=1"), path)
    tap(chooser, framed, "12:00")

    assert "held for you" not in Browser().get(chooser.replace("embed=1&", "")).content.decode()


def test_refusals_are_shown_in_the_frame_too(client, framed, path):
    answer = client.post(f"{path}?embed=1", {"at": f"{framed.pk}@2026-03-02T12:15:00Z"})

    assert answer.status_code == 409
    assert frames(answer)[1] is None
    assert "This time can't be booked" in text_of(answer)

"""A booking page inside somebody else's website."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from booking.models import Reservation
from tests.browser.helpers import link_in, mails_to

ADA = "ada@example.org"


@pytest.fixture
def site(base_url) -> Iterator[str]:
    """The origin of a website that has the snippet in it."""
    snippet = f'<div data-scheduler="maya"></div><script src="{base_url}/static/common/embed.js" async></script>'
    page = f'<!doctype html><title>A practice</title><link rel="icon" href="data:,">{snippet}'

    class Website(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *words) -> None:
            pass

    with ThreadingHTTPServer(("localhost", 0), Website) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def listed(provider, site) -> None:
    """The provider names the website."""
    provider.embed_origins = [site]
    provider.save()


def test_guest_books_inside_another_website(visitor, listed, site, base_url):
    page = visitor()
    page.goto(site)
    frame = page.frame_locator("iframe")

    frame.get_by_role("link", name="Appointment").click()
    frame.locator("#slots button.slot").first.click()
    frame.get_by_label("Name").fill("Ada")
    frame.get_by_label("Email").fill(ADA)
    frame.get_by_role("button", name="Continue").click()

    expect(frame.get_by_role("heading", level=1)).to_have_text("Check your email")
    [asked] = mails_to(ADA)
    assert link_in(asked, "/r/").startswith(base_url)


def test_second_pick_in_a_frame_without_cookies_moves_the_hold(visitor, provider, site, base_url):
    elsewhere = site.replace("localhost", "127.0.0.1")  # Another site than the frame's, so that it gets no cookies.
    provider.embed_origins = [elsewhere]
    provider.save()
    page = visitor()
    page.goto(elsewhere)
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Appointment").click()
    frame.locator("a.day").last.click()
    frame.locator("#slots button.slot").first.click()
    expect(frame.get_by_label("Name")).to_be_visible()

    page.evaluate("history.back()")
    frame.locator("#slots button.slot").nth(3).click()
    expect(frame.get_by_label("Name")).to_be_visible()

    assert Reservation.objects.held(now=timezone.now()).count() == 1
    assert page.context.cookies(base_url) == []


def test_frame_is_as_high_as_what_it_shows(visitor, listed, site):
    page = visitor()
    page.goto(site)
    body = page.frame_locator("iframe").locator("body")
    expect(body).to_contain_text("Maya Lindqvist")
    high = body.evaluate("body => body.scrollHeight")

    expect(page.locator("iframe")).to_have_css("height", f"{high}px")


def test_website_that_is_not_listed_sees_nothing(browser: Browser, provider, site):
    with browser.new_context() as context:
        page = context.new_page()
        with page.expect_console_message(lambda said: "frame-ancestors" in said.text, timeout=10_000):
            page.goto(site)

        expect(page.frame_locator("iframe").get_by_text("Maya Lindqvist")).to_have_count(0)

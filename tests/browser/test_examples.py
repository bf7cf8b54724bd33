"""The front-ends of docs/examples, each on an origin of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from booking.models import Appointment, Reservation
from booking.reservations.codes import code_of
from tests.factories import hold
from tests.programs import install_packages, needs

EXAMPLES = Path(django_settings.BASE_DIR) / "docs" / "examples"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def website(tmp_path) -> Iterator[str]:
    """The origin of a website whose files are in `tmp_path`."""
    with ThreadingHTTPServer(("localhost", 0), partial(Quiet, directory=tmp_path)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def api(settings, provider, website) -> Iterator[str]:
    """The address of the API, which the website's scripts may call."""
    settings.CORS_ALLOWED_ORIGINS = [website]
    server = LiveServer("localhost")  # Middleware is loaded once; that of the other tests has no origins.
    yield f"{server.url}/api/v1"
    server.stop()


def book_and_cancel(page: Page, provider) -> None:
    """Pick a time that somebody else has just taken, then the one offered instead; confirm by code, and cancel."""
    first = page.locator("#times button").first
    expect(first).to_be_visible()
    taken = APIClient().get("/api/v1/slots/next", {"provider": provider.pk}).json()
    hold(provider, datetime.fromisoformat(taken["start_time"]), now=timezone.now())
    first.click()
    expect(page.get_by_role("alert")).not_to_be_empty()

    page.locator("button:not(#times button)").first.click()
    page.get_by_label("Name").fill("Grace")
    page.get_by_label("Email").fill("grace@example.org")
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code from the mail").fill("000000x")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).not_to_be_empty()
    page.get_by_label("Code from the mail").fill(code_of(Reservation.objects.latest("pk")))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Booked")).to_be_visible()
    assert Appointment.objects.get().status == "scheduled"

    page.get_by_role("button", name="Cancel appointment").click()
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()
    assert Appointment.objects.get().status == "cancelled"


def test_guest_books_in_one_file_of_html(visitor, provider, website, api, tmp_path):
    page_source = (EXAMPLES / "guest.html").read_text(encoding="utf-8")
    (tmp_path / "guest.html").write_text(page_source.replace("http://127.0.0.1:8000/api/v1", api), encoding="utf-8")
    page = visitor()
    page.goto(f"{website}/guest.html")

    book_and_cancel(page, provider)


def test_scripts_of_other_origins_read_nothing(browser: Browser, website, api, tmp_path):
    (tmp_path / "empty.html").write_text("<!doctype html>", encoding="utf-8")
    page = browser.new_page()
    page.goto(f"{website}/empty.html".replace("localhost", "127.0.0.1"))

    read = page.evaluate("address => fetch(address).then(() => 'read', () => 'refused')", f"{api}/providers")
    page.close()
    assert read == "refused"


@pytest.fixture
def built(tmp_path, api) -> None:
    """The React example, built for the API."""
    source = tmp_path / "source"
    shutil.copytree(EXAMPLES / "react-booking", source, ignore=shutil.ignore_patterns("node_modules", "dist"))
    install_packages(source)
    build = ["npm", "run", "build", "--", "--outDir", str(tmp_path), "--emptyOutDir", "false"]
    subprocess.run(build, cwd=source, check=True, capture_output=True, timeout=60, env={**os.environ, "VITE_API": api})


@pytest.mark.slow
@needs("npm")
def test_guest_books_in_react(visitor, provider, website, built):
    page = visitor()
    page.goto(f"{website}/index.html")

    book_and_cancel(page, provider)

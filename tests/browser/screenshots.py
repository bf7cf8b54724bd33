"""`make screenshots`: the main pages of the demo practice, light and dark, on a phone and on a desktop."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from booking.demo.people import PASSWORD
from scheduler_project.embedded import PROJECT
from tests.browser.chromium import DESKTOP, LAUNCH, PHONE

FOLDER = PROJECT / "var" / "screenshots"
START_SECONDS = 120

PAGES = {
    "": {"home": "/", "provider": "/p/maya-lindqvist/", "login": "/account/login/"},
    "sam": {"my-appointments": "/me/", "my-reminders": "/me/reminders/", "account": "/account/"},
    "maya": {
        "today": "/dashboard/",
        "week": f"/dashboard/week/?date={date.today() + timedelta(days=7)}",
        "requests": "/dashboard/requests/",
        "book": "/dashboard/book/",
        "hours": "/dashboard/hours/",
        "messages": "/dashboard/reminders/",
        "settings": "/dashboard/settings/",
        "own-numbers": "/dashboard/numbers/",
    },
    "office": {
        "office-today": "/admin/",
        "office-day": f"/admin/booking/appointment/day/?date={date.today() + timedelta(days=2)}",
        "office-book": "/admin/booking/appointment/add/?schedule=1",
        "office-appointments": "/admin/booking/appointment/?when=coming",
        "office-messages": "/admin/reminders/message/",
        "numbers": "/numbers/",
    },
}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with site() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**LAUNCH)
        sizes = {"phone": PHONE, "desktop": DESKTOP}
        for who, (size, viewport), theme in itertools.product(PAGES, sizes.items(), ("light", "dark")):
            page = opened(browser, address, who, viewport=viewport, color_scheme=theme)
            for name, path in PAGES[who].items():
                page.goto(path)
                shoot(page, f"{name}-{size}-{theme}")
            if not who:
                book(page, f"{size}-{theme}")
            page.context.close()
        browser.close()
    print(f"The pictures are in {FOLDER}")


def book(page: Page, kind: str) -> None:
    """Book as a guest up to the sent mail."""
    page.goto("/p/maya-lindqvist/")
    page.get_by_role("link", name="Physiotherapy").first.click()
    page.locator("#picker").wait_for()
    shoot(page, f"times-{kind}")
    page.locator("button.slot").first.click()
    page.get_by_label("Name").fill("Ada Byron")
    page.get_by_label("Email").fill("ada@example.org")
    shoot(page, f"details-{kind}")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("ada@example.org").wait_for()
    shoot(page, f"mail-{kind}")


def opened(browser: Browser, address: str, who: str, **context: object) -> Page:
    page = browser.new_context(base_url=address, timezone_id="Europe/Berlin", locale="en-GB", **context).new_page()
    page.goto("/")
    page.locator('[data-zone="Europe/Berlin"]').wait_for()
    if who:
        page.goto("/account/login/")
        page.get_by_label("Email").fill(f"{who}@example.com")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "login" not in url)
    return page


def shoot(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


@contextmanager
def site() -> Iterator[str]:
    """Run the whole site with fresh demo data, and yield its address; all is removed afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="scheduler-pictures-") as folder:
        Path(folder).chmod(0o755)
        settings = {"DATA_DIR": folder, "PORT": str(port), "THROTTLE": "off"}
        runner = [sys.executable, "-m", "scheduler_project.runner"]
        running = subprocess.Popen(runner, cwd=PROJECT, env=os.environ | settings)
        try:
            wait_for(f"http://127.0.0.1:{port}/readyz", running)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.send_signal(signal.SIGINT)
            running.wait()


def wait_for(address: str, running: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and running.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
        else:
            return
    sys.exit("The site did not start.")


if __name__ == "__main__":
    main()

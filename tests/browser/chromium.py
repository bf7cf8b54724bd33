"""The browser for tests and screenshots: the machine's own Chromium."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
"""The path of Chromium; None if there is none."""

LAUNCH = {
    "executable_path": CHROMIUM,
    "args": [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ],
}

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}

"""A `User-Agent` header in words, for the login's owner."""

import re

from django.utils.translation import gettext as _

BROWSERS = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
]
"""Marks of browsers, in the order of checking: most also call themselves Safari, and many Chrome."""


SYSTEMS = [
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
]


def describe_user_agent(text: str) -> str:
    """Return a browser and its system, for example "Firefox on Windows"; for anything else, the program's own name."""
    browser = next((name for sign, name in BROWSERS if sign in text), None)
    system = next((name for sign, name in SYSTEMS if sign in text), None)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    product = re.match(r"[A-Za-z][A-Za-z0-9 ._-]{0,39}", text, re.ASCII)
    return browser or (product[0].strip() if product else _("Unknown app"))

"""The browser or program behind a `User-Agent` header, in words for its owner."""

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
"""What tells browsers apart, in this order: most of them call themselves Safari as well, and many Chrome."""

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
    """Return "Firefox on Windows" for a browser; a program's own name for what does not say that it is one."""
    browser = next((name for sign, name in BROWSERS if sign in text), None)
    system = next((name for sign, name in SYSTEMS if sign in text), None)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    product = re.match(r"[A-Za-z][A-Za-z0-9 ._-]{0,39}", text, re.ASCII)
    return browser or (product[0].strip() if product else _("Unknown program"))

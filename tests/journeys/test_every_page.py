"""Requirements on every page: valid HTML, small, few queries, and in the visitor's language."""

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import html5lib
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from tests.pages import NOT_PAGES, PAGES

MOST_QUERIES = 15
MOST_BYTES = 60_000
ELSEWHERE = ("api/", "^api/", "admin/", "healthz", "readyz", "language/", "mail/")
"""Paths that are no pages of ours; `/mail/` is for one's own machine."""


def test_every_address_is_looked_at():
    known = {page.name for pages in PAGES.values() for page in pages}

    assert names(get_resolver()) - known == set(NOT_PAGES)


def names(resolver: URLResolver) -> set[str]:
    found: set[str] = set()
    for entry in resolver.url_patterns:
        if str(entry.pattern).startswith(ELSEWHERE):
            continue
        if isinstance(entry, URLPattern):
            found |= {entry.name} if entry.name else set()
        else:
            found |= names(entry)
    return found


def test_pages_are_valid_and_light(world):
    complaints = []
    for role, pages in PAGES.items():
        browser = world.browser(role)
        for page in pages:
            path = page.path(world)
            if page.leads_on:
                path = browser.get(path).url
            with CaptureQueriesContext(connection) as asked:
                answer = browser.get(path)
            found = list(faults(answer.content.decode()))
            if answer.status_code != page.status:
                found.append(f"answers {answer.status_code}, not {page.status}: {answer.headers.get('Location')}")
            if len(asked) > MOST_QUERIES:
                found.append(f"{len(asked)} queries")
            if (weight := transferred(answer)) > MOST_BYTES:
                found.append(f"{weight} bytes")
            if "script-src 'self'" not in answer.headers.get("Content-Security-Policy", ""):
                found.append("no policy")
            complaints += [f"{role}, {page}: {complaint}" for complaint in found]

    assert not complaints, "\n".join(complaints)


def test_pages_say_in_which_language_they_are(world):
    wrong = []
    for role, pages in PAGES.items():
        browser = world.browser(role)
        for page in pages:
            path = page.path(world)
            for language, _name in settings.LANGUAGES:
                answer = browser.get(path, headers={"accept-language": language}, follow=page.leads_on)
                if f'<html lang="{language}"' not in answer.content.decode():
                    wrong.append(f"{role}, {page}, {language}")

    assert wrong == []


def faults(page: str) -> Iterator[str]:
    """Yield the faults in the HTML of a page."""
    parser = html5lib.HTMLParser(html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    tree = parser.parse(page)
    lines = page.splitlines()
    for (line, _column), error, more in parser.errors:
        yield f"{error} {more} at: {''.join(lines[line - 1 : line]).strip()[:100]}"
    elements = [element for element in tree.iter() if isinstance(element.tag, str)]
    ids = Counter(element.get("id") for element in elements if element.get("id") is not None)
    yield from (f"the id {name} is there {count} times" for name, count in ids.items() if count > 1)
    for element in elements:
        for attribute, value in element.attrib.items():
            if attribute == "style" or attribute.startswith("on"):
                yield f"{element.tag} has {attribute}={value}"
            elif attribute.startswith("hx-"):
                yield f"{attribute} of {element.tag} is no attribute of HTML: write data-{attribute}"
            elif attribute == "datetime" and re.search(r"\.\d{4}", value):
                yield f"datetime={value} has more than three digits after the point"
            elif attribute in ("for", "aria-labelledby", "aria-describedby", "aria-controls"):
                yield from (f"{attribute} of {element.tag}: no {one}" for one in value.split() if one not in ids)
        if element.tag == "style" or (element.tag == "script" and not element.get("src")):
            yield f"{element.tag} within the page"
    headings = sum(element.tag == "h1" for element in elements)
    if headings != 1:
        yield f"{headings} main headings"


def transferred(answer) -> int:
    """Bytes that a first visit takes: the page and all it links to, compressed as whitenoise and proxies do."""
    page = answer.content.decode()
    linked = re.findall(rf'(?:href|src)="{settings.STATIC_URL}([^"]+)"', page)
    return len(gzip.compress(answer.content)) + sum(map(weight_of, set(linked)))


def weight_of(name: str) -> int:
    return len(gzip.compress(Path(finders.find(name)).read_bytes()))

"""Right-to-left names do not change the direction of the text beside them, on any page."""

import re
from collections.abc import Iterator

import html5lib
import pytest
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Client, Provider, User
from booking.models import Appointment, AppointmentSeries, Service
from reminders.models import Message
from scheduler_project.common.validators import FSI, PDI
from tests.factories import UserFactory
from tests.groups import browser_of
from tests.pages import PAGES

NAME = re.compile("(.?)שם [0-9]+(.?)")
"""Without isolation, the digit at its end joins the text that follows."""
NAMED = [(Client, "name"), (Provider, "name"), (Provider, "specialization"), (User, "name"), (Service, "name")]
TITLED = [(Appointment, "title"), (AppointmentSeries, "title")]
WHOLE = {"input", "textarea", "option", "script", "meta"}
"""Elements that contain only the name."""


@pytest.fixture
def world(world):
    """The practice with names that are written from right to left."""
    name = Concat(Value("שם "), Cast(F("pk"), CharField()))
    for model, column in NAMED + TITLED:
        model.objects.exclude(**{column: ""}).update(**{column: name})
    for kept in ("maya", "sam", "service"):
        getattr(world, kept).refresh_from_db()
    return world


def test_names_are_isolated_on_every_page(world):
    complaints, seen = [], 0
    for role, pages in PAGES.items():
        browser = world.browser(role)
        for page in pages:
            found = list(names_in(browser.get(page.path(world), follow=page.leads_on).content.decode()))
            seen += len(found)
            complaints += [f"{role}, {page}: {where}" for where, isolated in found if not isolated]

    assert not complaints, "\n".join(complaints)
    assert seen > 100


BLOCKS = {"td", "th", "a", "input[aria-label]", "div, after a"}
"""Places where Django's admin writes a name alone: in a cell, a link or at the end of breadcrumbs."""


def test_names_are_isolated_in_the_lines_of_the_admin(world):
    browser = browser_of(UserFactory(superuser=True))
    made, message = world.of_maya, Message.objects.filter(channel="email").earliest("pk")
    paths = [
        "",
        f"booking/appointment/{made.pk}/change/",
        f"booking/schedule/{world.maya.schedule.pk}/change/",
        f"booking/timeoff/add/?schedule={world.maya.schedule.pk}",
        f"accounts/client/{world.sam.pk}/change/",
        f"accounts/provider/{world.maya.pk}/change/",
        f"reminders/message/{message.pk}/change/",
        "reminders/message/",
    ]

    complaints = []
    for path in paths:
        answer = browser.get(f"/admin/{path}")
        assert answer.status_code == 200
        found = [where for where, isolated in names_in(answer.content.decode()) if not isolated]
        alone = re.compile(f"({'|'.join(map(re.escape, BLOCKS))}): (› |Select .* - )?שם [0-9]+")
        complaints += [f"{path}: {where}" for where in found if not alone.fullmatch(where)]

    assert not complaints, "\n".join(complaints)


def names_in(page: str) -> Iterator[tuple[str, bool]]:
    """Yield each place of a name on a page, and whether the name is isolated there."""
    tree = html5lib.HTMLParser(html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False).parse(page)
    parents = {child: parent for parent in tree.iter() for child in parent}
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        for attribute, value in element.attrib.items():
            if attribute not in ("value", "content", "href", "action"):
                yield from _of(f"{element.tag}[{attribute}]", value)
        yield from _of(element.tag, element.text, inside=element.tag == "bdi" or element.tag in WHOLE)
        if element in parents:
            yield from _of(f"{parents[element].tag}, after {element.tag}", element.tail)


def _of(where: str, text: str | None, *, inside: bool = False) -> Iterator[tuple[str, bool]]:
    for match in NAME.finditer(text or ""):
        yield f"{where}: {' '.join(text.split())[:90]}", inside or match.groups() == (FSI, PDI)

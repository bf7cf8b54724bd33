"""Failpoints do nothing, and nothing but a test can change that."""

import ast
from pathlib import Path

import pytest

from scheduler_project.common import failpoints
from scheduler_project.common.failpoints import Failpoint, armed, reach
from tests.slow.races.failpoints import arm

PROJECT = Path(failpoints.__file__).parents[2]
APPS = ("scheduler_project", "accounts", "booking", "reminders", "analytics")
SOURCES = [path for app in APPS for path in (PROJECT / app).rglob("*.py") if path != Path(failpoints.__file__)]


def named_in(path):
    """Every name, attribute and imported name in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2]


def test_reach_does_nothing():
    assert armed == {}
    assert [reach(place) for place in Failpoint] == [None] * len(Failpoint)


def test_reach_does_what_its_place_is_armed_with_until_the_end():
    seen = []

    with arm(Failpoint.TIME_FOUND, lambda: seen.append("here")):
        reach(Failpoint.AFTER_COMMIT)
        reach(Failpoint.TIME_FOUND)
    reach(Failpoint.TIME_FOUND)

    assert seen == ["here"]
    assert armed == {}


def test_nothing_in_the_application_arms_a_place():
    """An assignment would need the name `armed`, or an import of its module."""
    assert [path for path in SOURCES if {"armed", "failpoints"} & set(named_in(path))] == []


@pytest.mark.parametrize("place", Failpoint, ids=lambda place: place.name)
def test_every_place_is_reached_somewhere(place):
    assert any(f"reach(Failpoint.{place.name})" in path.read_text() for path in SOURCES)

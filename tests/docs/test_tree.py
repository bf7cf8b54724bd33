"""The maps of the code name what there is, and every folder of an app is on the map."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("accounts", "booking", "reminders", "analytics", "scheduler_project", "scheduler_project/common")
EVERYWHERE = {"admin", "api", "management", "migrations", "static", "templatetags", "views", "__pycache__"}
"""Folders that every app may have, and that say nothing of what it is about."""


def on_the_map() -> list[str]:
    """Return the paths in the tree of ARCHITECTURE.md. A line names files and folders before two spaces."""
    tree = (ROOT / "ARCHITECTURE.md").read_text().split("```")[1]
    paths, parents = [], {0: ""}
    for line in filter(str.strip, tree.splitlines()):
        indent, names = len(line) - len(line.lstrip()), re.split(r" {2,}", line.strip())[0].split()
        paths += [parents[indent] + name for name in names]
        parents[indent + 2] = parents[indent] + names[0]
    return paths


def begins_in() -> list[str]:
    """Return the paths that the table of changes names, without folders that are new."""
    rows = [line for line in (ROOT / "docs/explanation/where-things-go.md").read_text().splitlines() if "|" in line]
    cells = [re.sub(r"a new (?:noun|folder),? `[^`]+`", "", row.split("|")[2]) for row in rows[2:]]
    return [path for cell in cells for path in re.findall(r"`([\w./<>]+)`", cell) if "/" in path]


@pytest.mark.parametrize("path", on_the_map())
def test_map_names_what_there_is(path):
    assert [*ROOT.glob(path.replace("<name>", "*"))]


@pytest.mark.parametrize("path", begins_in())
def test_change_begins_in_a_file_there_is(path):
    assert (ROOT / path).exists()


def test_module_that_a_docstring_or_comment_points_to_is_there():
    lost = [
        f"{source.relative_to(ROOT)}: {path}"
        for source in (module for app in APPS for module in (ROOT / app).rglob("*.py"))
        for path in re.findall(r"`((?:\w+/)*\w+\.py)`", source.read_text())
        if not any(
            (ROOT / place / path).exists() for place in ("", *source.relative_to(ROOT).parents, "scheduler_project")
        )
    ]
    assert lost == []


@pytest.mark.parametrize("app", APPS)
def test_every_folder_of_an_app_is_on_the_map(app):
    folders = {child.name for child in (ROOT / app).iterdir() if child.is_dir()} - EVERYWHERE
    assert {name for name in folders if f"{app}/{name}/" not in on_the_map()} <= {"channels"}

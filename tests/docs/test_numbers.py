"""Numbers in the documentation that repeat a setting's default agree with it."""

import re
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

from scheduler_project.reference.settings import variables

ROOT = Path(__file__).parents[2]
PAGES = [page for page in (ROOT / "docs").rglob("*.md") if "adr" not in page.parts and page.name != "settings.md"]
DEFAULTS = {variable.name: variable.default for variable in variables()}
UNITS = {"": 1, "s": 1, "days": 1, "MB": 10**6}

IN_BRACKETS = re.compile(r"`([A-Z][A-Z_]{3,})`\s\(([\d,]+) ?(\w*)\)")
"""A setting followed by its default: `SEND_TIMEOUT_SECONDS` (10)."""


def repeated(text: str) -> list[tuple[str, int]]:
    return [(name, int(number.replace(",", "")) * UNITS[unit]) for name, number, unit in IN_BRACKETS.findall(text)]


def deadlines() -> list[tuple[str, str]]:
    """Return each setting of the table of deadlines with the cell that says how long it is."""
    rows = [row.split("|") for row in (ROOT / "docs/reference/deadlines.md").read_text().splitlines() if "|" in row]
    return [(name, row[2]) for row in rows for name in re.findall(r"`([A-Z_]+_SECONDS)`", row[3])]


@pytest.mark.parametrize("document", [page for page in PAGES if repeated(page.read_text())], ids=lambda page: page.stem)
def test_number_in_brackets_after_a_setting_is_its_default(document):
    found = repeated(document.read_text())
    assert found == [(name, float(DEFAULTS[name])) for name, _number in found]


@pytest.mark.parametrize(("name", "cell"), deadlines())
def test_deadline_of_a_setting_is_its_default(name, cell):
    assert f"{float(DEFAULTS[name]):g} s" in cell


def test_reader_finds_numbers_with_units_and_separators():
    assert repeated("`IMPORT_MAX_BYTES` (10 MB), `IMPORT_MAX_ROWS` (5,000)") == [
        ("IMPORT_MAX_BYTES", 10_000_000),
        ("IMPORT_MAX_ROWS", 5000),
    ]


def test_version_is_one_in_the_project_the_changelog_and_the_api():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    [latest, *_former] = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert project == latest == settings.SPECTACULAR_SETTINGS["VERSION"]

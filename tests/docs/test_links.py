"""Documentation that points somewhere points at something. No database."""

import re
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PARTS = ["Context", "Decision", "Rejected", "Consequence"]
CODE = ("accounts", "analytics", "booking", "reminders", "scheduler_project", "templates", "tests")
PAGES = sorted(path.relative_to(ROOT) for path in chain(ROOT.glob("*.md"), ROOT.glob("docs/**/*.md")))
LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)|<(?:img|a)\s[^>]*?(?:src|href)=\"([^\"]+)\"")
RULE = re.compile(r"\((?:[^()]*?\b)?(R\d+a?(?:, R\d+a?)*)\b[^()]*\)")


def prose(page: Path) -> str:
    """Return a page without its code: blocks, and spans between backticks."""
    text = re.sub(r"^( *)```.*?^\1```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the fragments of a page, as GitHub makes them from headings, and those it names itself."""
    text = (ROOT / page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", re.sub(r"<[^>]+>", "", heading).lower()).strip() for heading in headings]
    return frozenset(slug.replace(" ", "-") for slug in slugs) | frozenset(re.findall(r"\bid=\"([^\"]+)\"", text))


def broken_links(page: Path) -> list[str]:
    broken = []
    for target in filter(None, chain.from_iterable(LINK.findall(prose(page)))):
        path, _, fragment = target.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        file = (ROOT / page.parent / path).resolve() if path else ROOT / page
        if not file.exists() or (fragment and fragment not in anchors(file.relative_to(ROOT))):
            broken.append(target)
    return broken


@pytest.mark.parametrize("document", PAGES, ids=str)
def test_links_of_a_document_lead_somewhere(document):
    assert broken_links(document) == []


def test_link_that_leads_nowhere_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.docs.test_links.ROOT", tmp_path)
    (tmp_path / "a.md").write_text(
        "# One word\n[x](#one-word) [x](#two) [x](b.md) [x](https://example.org) `[x](c.md)`\n"
    )

    assert broken_links(Path("a.md")) == ["#two", "b.md"]


def test_rules_cited_by_the_code_exist():
    known = anchors(Path("docs/rules.md"))
    cited = {
        rule
        for path in chain.from_iterable(ROOT.glob(f"{folder}/**/*") for folder in CODE)
        if path.suffix in {".py", ".html", ".js"}
        for group in RULE.findall(path.read_text(encoding="utf-8"))
        for rule in group.split(", ")
    }

    assert {"R8", "R16"} <= cited
    assert {rule for rule in cited if rule.lower() not in known} == set()


def test_architecture_stays_a_map():
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) < 150


def test_decisions_have_four_parts_and_are_in_the_index():
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")
    decisions = sorted(ROOT.glob("docs/adr/[0-9]*.md"))

    assert len({path.name[:4] for path in decisions}) == len(decisions)
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(path.name[:4])}. "), path.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Rejected", "Consequence"], (
            path.name
        )
        assert f"]({path.name})" in index, path.name

"""Raw SQL says why it is not the ORM: what it buys, as a benchmark or a plan shows, or the word that the ORM lacks."""

import ast
import re
import tokenize
from collections.abc import Iterator
from io import StringIO
from itertools import zip_longest
from pathlib import Path

import pytest
from django.conf import settings

from tests.project.test_docstrings import sources
from tests.slow.benchmarks.__main__ import NAMES

APPS = ("accounts/", "analytics/", "booking/", "reminders/", "scheduler_project/")

SQL = re.compile(
    r"\b(SELECT\b|INSERT INTO\s+\w|UPDATE \w+( \w+)? SET\b|DELETE FROM\s+\w|CREATE (TRIGGER|DATABASE)|SET TRANSACTION)"
)

BENCHMARK = re.compile(r"`make bench` \((\w+)\)")
PLAN = re.compile(r"`(test_\w+)`")
PART = re.compile(r"A part of ([A-Z_]+)")
NO_WORD = re.compile(r"\bORM has no\s+\w")


def sql_of(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield each statement of a module or a class, and each function, in which SQL stands: line, name, what is said.

    Said are the comments directly above or within, and the docstring within or directly below.
    """
    comments = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    for node, after in _statements(ast.parse(source)):
        inner = [each for each in ast.walk(node) if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)]
        docstrings = [each.value for each in inner]
        texts = [each for each in ast.walk(node) if isinstance(each, ast.Constant) and each not in docstrings]
        if not any(isinstance(each.value, str) and SQL.search(each.value) for each in texts):
            continue
        first = node.lineno
        while first - 1 in comments:
            first -= 1
        said = [comments[line] for line in range(first, (node.end_lineno or first) + 1) if line in comments]
        said += [str(each.value) for each in docstrings]
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            said.append(str(after.value.value))
        yield node.lineno, _name(node), " ".join(" ".join(said).replace("# ", "").split())


def _statements(node: ast.Module | ast.ClassDef) -> Iterator[tuple[ast.stmt, ast.stmt | None]]:
    """Yield the statements of a module and of its classes, each with the one below it."""
    for each, after in zip_longest(node.body, node.body[1:]):
        if isinstance(each, ast.ClassDef):
            yield from _statements(each)
        elif not isinstance(each, ast.Expr):
            yield each, after


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])
    return str(getattr(node, "name", "") or ast.unparse(node)[:40])


def has_reason(said: str, names: set[str], plans: set[str]) -> bool:
    return bool(
        set(BENCHMARK.findall(said)) & set(NAMES)
        or set(PLAN.findall(said)) & plans
        or set(PART.findall(said)) & names
        or NO_WORD.search(said)
    )


@pytest.fixture(scope="module")
def plans() -> set[str]:
    """The tests in files that look at plans."""
    files = [path.read_text() for path in Path(settings.BASE_DIR, "tests").rglob("test_*.py")]
    return {name for text in files if "EXPLAIN" in text for name in re.findall(r"def (test_\w+)", text)}


def test_raw_sql_says_why_it_is_not_the_orm(plans: set[str]) -> None:
    unexplained, found = [], 0
    for path in sources():
        if path.startswith(APPS) and (file := Path(settings.BASE_DIR, path)).exists():
            of_file = list(sql_of(file.read_text()))
            found += len(of_file)
            names = {name for _line, name, _said in of_file}
            unexplained += [
                f"{path}:{line} {name}" for line, name, said in of_file if not has_reason(said, names, plans)
            ]

    assert found > 40
    assert not unexplained, "name a row of `make bench`, a test of the plan, or the word the ORM lacks:\n" + "\n".join(
        unexplained
    )


@pytest.mark.parametrize(
    ("said", "is_reason"),
    [
        ("Quick: `make bench` (reserve).", True),
        ("`make bench` (no_such_row)", False),
        ("An index finds it (`test_plan`).", True),
        ("`test_nothing`", False),
        ("A part of WHOLE.", True),
        ("A part of NOTHING.", False),
        ("The ORM has no LATERAL.", True),
        ("It is quicker.", False),
    ],
)
def test_a_reason_is_one_that_can_be_looked_up(said: str, is_reason: bool) -> None:
    assert has_reason(said, {"WHOLE"}, {"test_plan"}) is is_reason


def test_sql_is_found_with_what_is_said_of_it() -> None:
    source = '''
# Above.
FIRST = f"""
SELECT {columns}"""
"""Below."""

# Apart.

PLAIN = "nothing to SELECTED"

class Reader:
    """Reads by SELECT."""

    def rows(self):
        """Within."""
        cursor.execute("DELETE FROM table_name")  # Beside.
'''

    assert list(sql_of(source)) == [(3, "FIRST", "Above. Below."), (14, "rows", "Beside. Within.")]

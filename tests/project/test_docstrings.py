"""Docstrings that name what a thing is or does, instead of opening like a question."""

import ast
import re
import subprocess
from collections.abc import Iterator

from django.conf import settings

QUESTION = re.compile(r"(what|how|whether|who|whom|whose|which|when|where|why)\b", re.IGNORECASE)


def sources() -> list[str]:
    """Return the tracked Python files, without migrations, as paths below the project."""
    command = ["git", "ls-files", "-z", "--", "*.py"]
    listed = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, check=True, text=True).stdout
    return [path for path in listed.split("\0") if path and "/migrations/" not in path]


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of every bare string: of modules, classes and functions, and those below a constant."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def questions(source: str) -> list[int]:
    return [line for line, text in docstrings(source) if QUESTION.match(text.lstrip())]


def test_no_docstring_opens_with_a_question_word() -> None:
    paths = [path for path in sources() if (settings.BASE_DIR / path).exists()]
    assert len(paths) > 100
    found = [f"{path}:{line}" for path in paths for line in questions((settings.BASE_DIR / path).read_text())]
    assert not found, "say first what is returned, raised or held: " + ", ".join(sorted(found))


def test_questions_are_found_wherever_a_docstring_stands() -> None:
    source = '''"""What the module is."""
LIMIT = 3
"""How many there are."""
class Thing:
    """  Whether it is."""
    size = 1
    """Whichever is larger."""
    def deed(self):
        """Return what is done."""
        def inner():
            """
            when it is."""
'''
    assert questions(source) == [1, 3, 5, 11]

"""The page of environment variables: type, default and meaning of each, from scheduler_project/settings.py."""

import ast
import re
import runpy
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import environ
from django.conf import settings

from reminders.channels.registry import CHANNELS
from scheduler_project.reference import markdown

SOURCE = Path(settings.BASE_DIR) / "scheduler_project" / "settings.py"

REQUIRED = {
    "SECRET_KEY": "not-a-secret",
    "DATABASE_URL": "postgres://scheduler@localhost/scheduler",
    "REDIS_URL": "redis://localhost",
}
"""The smallest environment with which the settings load."""

TYPES: dict[Any, str] = {str: "text", bool: "`on` or `off`", int: "whole number", float: "number", list: "list"}
"""The names of the types of settings."""

INTRODUCTION = """
What an installation may change is read from the environment when a process starts. A variable that is missing or
malformed stops the start with a message that names it. `.env.example` is a file to begin with.

Lists are written with commas: `a,b`. `on` may also be written `1`, `true` or `yes`. Where a default differs with `make
run`, the meaning says so.

`SEND_LIMITS_…` say how many messages a channel sends an hour and a day: in all (`site`), for one provider (`sender`),
to one address, number or host (`recipient`), and to a provider's own address before staff have approved them or when
they test their templates (`new_recipient`; without it, `recipient`). Messages beyond a limit wait. A limit that is left
out is the channel's own.
"""


class Variable(NamedTuple):
    """An environment variable. Without a default it is required."""

    name: str
    type: str
    default: str | None
    meaning: str


LAUNCHERS = [
    Variable("HOST", "text", "127.0.0.1", "The address the web server listens on."),
    Variable("PORT", "whole number", "8000", "The port the web server listens on."),
    Variable(
        "DEMO",
        "`on` or `off`",
        "on",
        "Fills an empty database with the demo practice. `off` by default where `DATABASE_URL` is set. Its logins have "
        "a known password where only this machine can reach the site; elsewhere `make run` makes one up and prints it.",
    ),
    Variable("DATA_DIR", "text", "var", "The folder in which `make run` keeps the data of its own servers."),
]
"""Variables that the web server, `make run` and its own servers read before the settings."""


def page() -> str:
    sections = [f"## {title}\n\n{_table(variables)}" for title, variables in by_section().items()]
    return markdown.generated_page(
        "Settings", INTRODUCTION, *sections, f"## Outside the settings\n\n{_table(LAUNCHERS)}"
    )


def _table(variables: list[Variable]) -> str:
    header = ("variable", "type", "default", "meaning")
    return markdown.table(
        header, [(f"`{one.name}`", one.type, _default(one.default), one.meaning) for one in variables]
    )


def _default(default: str | None) -> str:
    return "required" if default is None else markdown.code(default) or "none"


# --- The settings ---------------------------------------------------------------------------------------------------


def by_section() -> dict[str, list[Variable]]:
    """Return the variables that the settings read, by the heading they have there."""
    source = SOURCE.read_text(encoding="utf-8")
    headings = [(number, line) for number, line in enumerate(source.splitlines(), 1) if line.startswith("# --- ")]
    texts = meanings(source)
    found: dict[str, list[Variable]] = {}
    for name, (cast, default) in read().items():
        line, meaning = texts[name]
        heading = [text for number, text in headings if number < line][-1].strip("# -")
        type_name = "URL" if name.endswith("_URL") else TYPES[cast]
        found.setdefault(heading, []).append(Variable(name, type_name, default_text(default), meaning))
    found["Reminders"] += limits_of_channels()
    return found


def limits_of_channels() -> list[Variable]:
    """Return the variables with limits on sending, one of each channel."""
    return [
        Variable(
            f"SEND_LIMITS_{name.upper()}", "text", "", f"Limits on sending by {name}: `{_limits(channel.limits)}`."
        )
        for name, channel in CHANNELS.items()
    ]


def _limits(limits: Mapping[str, tuple[int, int]]) -> str:
    return ",".join(f"{scope}={hour}/{day}" for scope, (hour, day) in limits.items())


def variables() -> list[Variable]:
    """Return all variables."""
    return [*(one for section in by_section().values() for one in section), *LAUNCHERS]


def read() -> dict[str, tuple[Any, Any]]:
    """Return the type and default of each variable, as the settings request them when nothing else is set."""
    requested: dict[str, tuple[Any, Any]] = {}
    value_of = environ.Env.get_value

    def get_value(env: Any, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **options: Any) -> Any:
        requested.setdefault(var, (cast, default))
        return value_of(env, var, cast=cast, default=default, **options)

    with mock.patch.object(environ.Env, "ENVIRON", REQUIRED), mock.patch.object(environ.Env, "get_value", get_value):
        runpy.run_path(str(SOURCE))
    return requested


def meanings(source: str) -> dict[str, tuple[int, str]]:
    """Return the line of each variable that a module's statements read, and the text below it."""
    statements = ast.parse(source).body
    found = {}
    for statement, following in pairwise(statements):
        text = following.value if isinstance(following, ast.Expr) else None
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            for name in _names_in(statement):
                found[name] = (statement.lineno, " ".join(text.value.split()))
    return found


def _names_in(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch("[A-Z_]+", node.value):
            yield node.value


def default_text(default: Any) -> str | None:
    """Return a default as the environment would have it. None: the variable is required."""
    if default is environ.Env.NOTSET:
        return None
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, list):
        return ",".join(default)
    return str(default).removeprefix(f"{settings.BASE_DIR}/").removesuffix(".0")

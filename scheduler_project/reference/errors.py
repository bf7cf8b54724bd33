"""The page of error codes: all codes of operations, of the API's framework and of the web server."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from django.apps import apps
from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError

from booking.availability.search import FreeTime
from booking.reservations.errors import SlotTaken
from scheduler_project.common.api.errors import ExceptionFormatter, Refusal, answer
from scheduler_project.common.errors import DomainError
from scheduler_project.reference import markdown, remedies
from scheduler_project.web import refusals

COMMON = "common"
PLACEHOLDER = re.compile(r"%(\(\w+\))?[a-z.0-9]*[sdf]|\{\w+\}")

INTRODUCTION = """
The API answers every refusal in one shape. `code` is stable and for programs; `detail` is for people, in the language
of `Accept-Language`; `attr` names the field at fault, if one is. Some refusals have `details` for programs, such as the
nearest free times.
"""

FIELDS = """
Where fields of a request fail their checks, the answer is 400 with the type `validation_error` and an error for each of
them. Its code is that of the check. These are the checks of the API and of forms:
"""

TABLES = """
A table shows the usual message of each code, and what a program does about it; where more is known, the API says it
more precisely. With 429 and 503 a `Retry-After` says in how many seconds to try again, where that is known.
"""


def page() -> str:
    by_app: dict[str, list[type[DomainError]]] = {}
    for error in domain_errors():
        by_app.setdefault(_app_of(error.__module__), []).append(error)
    return markdown.generated_page(
        "Errors",
        INTRODUCTION,
        markdown.block(example(), "json"),
        FIELDS,
        _table(((f"`{code}`", remedies.CHECKS.get(code, "")) for code in check_codes()), "code", "do"),
        TABLES,
        "## Any request\n\n" + _table([*map(_row, by_app.pop(COMMON)), *framework_errors()]),
        *(f"## {label.capitalize()}\n\n{_table(map(_row, errors))}" for label, errors in sorted(by_app.items())),
        "## The web server\n\n" + _table(web_server_errors(), "code", "status", "message", "do"),
        "## Files to import\n\nReasons for which the admin and the commands do not take a file, or a row of one.\n\n"
        + _table(file_errors(), "code", "message", "do"),
    )


def example() -> str:
    """Return the answer for a taken slot."""
    starts_at = datetime(2030, 5, 6, 8, 15, tzinfo=UTC)
    free = FreeTime(slot_id=4711, provider_id=1, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=15))
    refusal = answer(SlotTaken(field="start_time", details={"alternatives": [free.as_dict()]}))
    context: Any = {}  # the formatter reads nothing of it
    return json.dumps(ExceptionFormatter(refusal, context, refusal).run(), indent=2)


def _table(rows: Iterable[tuple[str, ...]], *header: str) -> str:
    shown = {(*(PLACEHOLDER.sub("…", cell) for cell in told), remedy) for *told, remedy in rows}
    return markdown.table(header or ("code", "status", "field", "message", "do"), sorted(shown, key=_without_quotes))


def _without_quotes(row: Sequence[str]) -> list[str]:
    return [cell.replace("`", "") for cell in row]


def _row(error: type[DomainError]) -> tuple[str, ...]:
    fields = ", ".join(f"`{field}`" for field in sorted(fields_of().get(error, ())))
    return (f"`{error.code}`", str(error.kind.value), fields, str(error.message), error.remedy)


# --- Codes ---------------------------------------------------------------------------------------------------------


def domain_errors() -> list[type[DomainError]]:
    """Return the classes of errors with a code of their own, of all apps."""
    modules = {module.__name__ for module in all_modules()}
    return [
        error
        for error in _below(DomainError)
        if error.__module__ in modules and "code" in vars(error) and "code" not in inspect.signature(error).parameters
    ]


def framework_errors() -> list[tuple[str, ...]]:
    """Return the errors that the API's framework raises before any operation, in rows of the table."""
    packages = {"rest_framework", "rest_framework_simplejwt", *(name.partition(".")[0] for name in app_names())}
    known = {error.code for error in domain_errors() if _app_of(error.__module__) == COMMON}
    return [
        (f"`{kind.default_code}`", str(kind.status_code), "", str(kind.default_detail), _remedy_of(kind))
        for kind in _below(APIException)
        if not issubclass(kind, ValidationError | Refusal)
        and kind.__module__.partition(".")[0] in packages
        and kind.default_code not in known
    ]


def _remedy_of(kind: type[APIException]) -> str:
    return getattr(kind, "remedy", "") or remedies.FRAMEWORK.get(kind.default_code, "")


def web_server_errors() -> list[tuple[str, ...]]:
    """Return the errors of the web server, before any view: code, status, message and remedy."""
    found = [value for value in vars(refusals).values() if isinstance(value, tuple) and len(value) == 3]
    return [
        (f"`{code}`", str(status.value), str(text), remedies.WEB_SERVER.get(code, "")) for status, code, text in found
    ]


def file_errors() -> list[tuple[str, ...]]:
    """Return the errors of files, which get their code in the statement that raises them: code, message and remedy."""
    found: list[tuple[str, ...]] = []
    for module in all_modules():
        for call, scope in _calls(_parsed(module)):
            kind = _class_in(module, call.func)
            if kind is None or "code" not in inspect.signature(kind).parameters or not call.args:
                continue
            code, *rest = call.args
            if rest:
                found += [
                    (f"`{text}`", _text_of(rest[0], scope, call.lineno), remedies.FILES.get(text, ""))
                    for text in _texts(code)
                ]
    return found


def check_codes() -> list[str]:
    """Return the codes of invalid fields: of the API fields, and in calls of ValidationError and ErrorDetail."""
    modules = {module.__name__: module for module in all_modules()}
    fields = [kind for kind in _below(serializers.Field) if kind.__module__ in modules]
    found = {code for kind in fields for base in kind.__mro__ for code in vars(base).get("default_error_messages", ())}
    for module in modules.values():
        for call, _scope in _calls(_parsed(module)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if name == "ValidationError":
                found |= {text for each in call.keywords if each.arg == "code" for text in _texts(each.value)}
            if name == "ErrorDetail":
                found |= {text for argument in call.args[1:2] for text in _texts(argument)}
    return sorted(found)


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


# --- The modules ----------------------------------------------------------------------------------------------------


def app_names() -> list[str]:
    """Return the names of our own apps."""
    root = Path(settings.BASE_DIR)
    return [config.name for config in apps.get_app_configs() if (root / config.name.replace(".", "/")).is_dir()]


@cache
def all_modules() -> list[ModuleType]:
    """Import every module of our own apps, and return them."""
    modules = []
    for name in app_names():
        modules.append(importlib.import_module(name))
        found = pkgutil.walk_packages(modules[-1].__path__, f"{name}.")
        modules += [importlib.import_module(one.name) for one in found if ".migrations" not in one.name]
    return modules


def _app_of(module: str) -> str:
    config = apps.get_containing_app_config(module)
    return config.label if config else COMMON


@cache
def fields_of() -> dict[type[DomainError], set[str]]:
    """Return the fields that each error concerns, as far as calls in the code name them."""
    found: dict[type[DomainError], set[str]] = {}
    for module in all_modules():
        for call, _scope in _calls(_parsed(module)):
            for kind in {_class_in(module, part) for part in (call.func, *call.args[:1])} - {None}:
                fields = found.setdefault(kind, set())
                fields |= {str(default) for default in [_usual_field(kind)] if default}
                for keyword in call.keywords:
                    if keyword.arg == "field":
                        fields |= set(_texts(keyword.value))
    return found


def _usual_field(kind: type[DomainError]) -> Any:
    parameter = inspect.signature(kind).parameters.get("field")
    return None if parameter is None or parameter.default is inspect.Parameter.empty else parameter.default


@cache
def _parsed(module: ModuleType) -> ast.Module:
    return ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))


def _calls(tree: ast.AST) -> list[tuple[ast.Call, ast.AST]]:
    """Return the calls of a module, each with the function that contains it, or the module."""
    scopes = [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]
    inner = {id(node): scope for scope in scopes for node in ast.walk(scope)}  # the innermost last
    return [(node, inner[id(node)]) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _class_in(module: ModuleType, node: ast.expr) -> Any:
    """Return the class of errors that a name means in a module, if it means one."""
    found = getattr(module, node.id, None) if isinstance(node, ast.Name) else None
    return found if isinstance(found, type) and issubclass(found, DomainError) else None


def _texts(node: ast.expr) -> list[str]:
    """Return the texts that an expression can have: a constant, or one of two."""
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _text_of(node: ast.expr, scope: ast.AST, before: int) -> str:
    """Return the message in an expression: the first text in it, or in the last assignment to its name."""
    while isinstance(node, ast.BinOp):
        node = node.left
    if isinstance(node, ast.Name):
        given = [
            statement
            for statement in ast.walk(scope)
            if isinstance(statement, ast.Assign)
            and statement.lineno < before
            and isinstance(statement.targets[0], ast.Name)
            and statement.targets[0].id == node.id
        ]
        node = max(given, key=lambda statement: statement.lineno).value
    texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return texts[0]

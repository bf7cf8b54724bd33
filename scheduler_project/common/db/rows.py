"""Model instances from hand-written SQL.

For the few reads of every request, for which the ORM's building of the statement costs several times its execution."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models

M = TypeVar("M", bound=models.Model)


def columns_of(model: type[models.Model], table: str) -> str:
    """Return all columns of a model for a SELECT from the table or alias `table`, in the order of `from_row`."""
    return ", ".join(f"{table}.{name}" for name in attributes_of(model))


def attributes_of(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]  # noqa: SLF001  (documented, whatever its name)


@cache
def json_of(model: type[models.Model]) -> list[tuple[int, models.JSONField]]:
    """Return the places of the columns that PostgreSQL returns as text, because Django reads JSON itself."""
    columns = model._meta.concrete_fields  # noqa: SLF001
    return [(place, field) for place, field in enumerate(columns) if isinstance(field, models.JSONField)]


def from_row(model: type[M], row: Sequence[Any], **related: type[models.Model]) -> M:
    """Return the instance from the first columns of `row`.

    The columns of its `related` instances follow in order, as NULLs if an outer join found none. Further columns are
    ignored.
    """
    attributes = attributes_of(model)
    values = list(row[: len(attributes)])
    for place, field in json_of(model):
        values[place] = field.from_db_value(values[place], None, connection)  # type: ignore[arg-type]
    instance = model.from_db(DEFAULT_DB_ALIAS, attributes, values)
    for name, other in related.items():
        row = row[len(attributes) :]
        attributes = attributes_of(other)
        found = None if row[0] is None else from_row(other, row)
        instance._state.fields_cache[name] = found  # noqa: SLF001  (there is no public way to say None)
    return instance

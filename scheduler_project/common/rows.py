"""Model instances from statements written out by hand.

For the few reads that every request makes. Building the statement anew each time, as the ORM does, costs several times
what answering it does.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, models

M = TypeVar("M", bound=models.Model)


def columns_of(model: type[models.Model], table: str) -> str:
    """All columns of a model, for a SELECT, from the table or alias `table`: in the order `from_row` takes them in."""
    return ", ".join(f"{table}.{name}" for name in attributes_of(model))


def attributes_of(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]  # noqa: SLF001  (documented, whatever its name)


def from_row(model: type[M], row: Sequence[Any], **related: type[models.Model]) -> M:
    """The instance whose columns `row` begins with.

    The columns of its `related` instances follow in order; NULLs, where an outer join found none. What comes after
    them is left out.
    """
    attributes = attributes_of(model)
    instance = model.from_db(DEFAULT_DB_ALIAS, attributes, row[: len(attributes)])
    for name, other in related.items():
        row = row[len(attributes) :]
        attributes = attributes_of(other)
        found = None if row[0] is None else from_row(other, row)
        instance._state.fields_cache[name] = found  # noqa: SLF001  (there is no public way to say None)
    return instance

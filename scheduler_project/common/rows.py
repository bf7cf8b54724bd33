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


def from_row(model: type[M], row: Sequence[Any]) -> M:
    """The instance whose columns `row` begins with. What follows them is left out."""
    attributes = attributes_of(model)
    return model.from_db(DEFAULT_DB_ALIAS, attributes, row[: len(attributes)])


def remember(instance: models.Model, relation: str, related: models.Model | None) -> None:
    """Let `instance.relation` be what a statement has already brought, None included."""
    instance._state.fields_cache[relation] = related  # noqa: SLF001  (there is no public way to say None)

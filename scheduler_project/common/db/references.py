"""The names that rows have in files."""

from typing import Any
from uuid import uuid4

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Cast


def new_reference() -> str:
    """Return a new reference: the name of a row in files, unique across all installations."""
    return str(uuid4())


class ReferenceField(models.CharField):
    """The name of a row in imported and exported files: the one another system gave it, or one of ours.

    PostgreSQL generates the references of rows that existed before the column.
    """

    def __init__(self, verbose_name: Any = None, **kwargs: Any) -> None:
        own = {
            "max_length": 200,
            "default": new_reference,
            "db_default": Cast(RandomUUID(), models.CharField(max_length=200)),
            "editable": False,
        }
        super().__init__(verbose_name, **kwargs | own)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for given in ("max_length", "default", "db_default", "editable"):
            kwargs.pop(given, None)
        return name, path, args, kwargs

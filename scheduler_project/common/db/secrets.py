"""Columns with secrets: a model names its own as `secret_fields`.

They are never exported, and no list filters by them, since they could be guessed letter by letter.
"""

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model


def secret_fields(model: type[Model]) -> tuple[str, ...]:
    return getattr(model, "secret_fields", ())


def leads_to_secret(model: type[Model], lookup: str) -> bool:
    """Return True for a lookup of a secret, such as `user__password__startswith`."""
    here = model
    for name in lookup.split("__"):
        if name in secret_fields(here):
            return True
        try:
            related = here._meta.get_field(name).related_model  # noqa: SLF001
        except FieldDoesNotExist:
            return False
        if not isinstance(related, type):
            return False
        here = related
    return False

"""Bases of all serializers of the API: unknown and read-only fields are rejected."""

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from difflib import get_close_matches
from typing import Any, TypeVar

import orjson
from django.db.models import Model
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from scheduler_project.common.api.content import JSONRenderer
from scheduler_project.common.api.fields import FIELDS, RelatedField

T = TypeVar("T")


M = TypeVar("M", bound=Model)


MOST_TOLD = 20
"""Maximum number of unknown names listed in one response."""


LONGEST_NAME = 60
"""Maximum number of characters repeated of an unknown name."""


def unknown_field(name: str, known: Iterable[str], hint: str = "") -> ErrorDetail:
    """Return the error for a field or parameter that does not exist, with the most similar one that does."""
    text = _("Unknown field or parameter “%(name)s”.") % {"name": name[:LONGEST_NAME]}
    nearest = get_close_matches(name.lower(), known, n=1) if len(name) <= LONGEST_NAME else []
    if hint:
        text += " " + hint
    elif nearest:
        text += " " + _("Did you mean “%(nearest)s”?") % {"nearest": nearest[0]}
    return ErrorDetail(text, "unknown_field")


def refuse_unknown(given: Iterable[str], known: Collection[str]) -> None:
    """Raise ValidationError if a given name is unknown."""
    unknown = [name for name in given if name not in known]
    if unknown:
        raise serializers.ValidationError({name: [unknown_field(name, known)] for name in unknown[:MOST_TOLD]})


class Strict:
    """A serializer mixin that rejects fields it does not read, with `unknown_field` or `read_only_field`.

    A read-only field may be sent with its current value, so that a client can send back what it received. `shown_by` is
    the serializer of the responses, if that is another one; it shares the context and `instance`. `fixed` are fields
    that can be set on creation only. `changed_by` names the address that changes a field this one does not.
    """

    shown_by: type[serializers.BaseSerializer[Any]] | None = None
    fixed: Collection[str] = ()
    changed_by: Mapping[str, str] = {}

    def to_internal_value(self: Any, data: Any) -> Any:
        refused = self._refused(data) if isinstance(data, Mapping) else {}
        try:
            values = super().to_internal_value(data)  # type: ignore[misc]
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                raise serializers.ValidationError({**error.detail, **refused}) from error
            raise
        if refused:
            raise serializers.ValidationError(refused)
        return values

    def _refused(self: Any, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        fixed = self.fixed if self.instance is not None else ()
        read = {name for name, field in self.fields.items() if not field.read_only and name not in fixed}
        strange = [name for name in data if name not in read]
        if not strange:
            return {}
        shown = {*self.fields, *(self.shown_by(context=self.context).fields if self.shown_by else ())}
        current = self.as_shown() if not shown.isdisjoint(strange) else {}
        refused = {}
        for name in strange[:MOST_TOLD]:
            hint = (
                _("Use %(address)s to change it.") % {"address": self.changed_by[name]}
                if name in self.changed_by
                else ""
            )
            if name not in shown:
                refused[name] = [unknown_field(name, read, hint)]
            elif name not in current or current[name] != data[name]:
                text = _("“%(name)s” cannot be changed here.") % {"name": name}
                refused[name] = [ErrorDetail(f"{text} {hint}".strip(), "read_only_field")]
        return refused

    def as_shown(self: Any) -> dict[str, Any]:
        """Return the row as the caller reads it; empty if there is none yet."""
        if self.instance is None:
            return {}
        shown = (self.shown_by or type(self))(self.instance, context=self.context)
        return orjson.loads(JSONRenderer().render(shown.data))


class Serializer(Strict, serializers.Serializer[T]):
    pass


class ModelSerializer(Strict, serializers.ModelSerializer[M]):
    serializer_field_mapping = {**serializers.ModelSerializer.serializer_field_mapping, **FIELDS}
    serializer_related_field = RelatedField


class QuerySerializer(serializers.Serializer[Any]):
    """A serializer of query strings. It has no nested fields, and so avoids DRF's deep copy of fields for each request.

    `StrictView` has checked the parameter names before: there may be others beside these.
    """

    def get_fields(self) -> dict[str, Any]:
        return {name: copy(field) for name, field in self._declared_fields.items()}

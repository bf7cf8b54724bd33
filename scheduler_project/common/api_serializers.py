"""What every serializer of the API is made of: fields it does not know are refused, and so are those it only shows."""

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from difflib import get_close_matches
from typing import Any, TypeVar

import orjson
from django.db.models import Model
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from scheduler_project.common.api import JSONRenderer
from scheduler_project.common.api_fields import FIELDS, RelatedField

T = TypeVar("T")
M = TypeVar("M", bound=Model)

MOST_TOLD = 20
"""How many unknown names one answer lists."""
LONGEST_NAME = 60
"""Of an unknown name, so much is repeated."""


def unknown_field(name: str, known: Iterable[str], hint: str = "") -> ErrorDetail:
    """The refusal of a field or parameter that does not exist, with the nearest one that does."""
    said = _("“%(name)s” is not known here.") % {"name": name[:LONGEST_NAME]}
    nearest = get_close_matches(name.lower(), known, n=1) if len(name) <= LONGEST_NAME else []
    if hint:
        said += " " + hint
    elif nearest:
        said += " " + _("Did you mean “%(nearest)s”?") % {"nearest": nearest[0]}
    return ErrorDetail(said, "unknown_field")


def refuse_unknown(given: Iterable[str], known: Collection[str]) -> None:
    """Raise ValidationError if a name given is not known."""
    unknown = [name for name in given if name not in known]
    if unknown:
        raise serializers.ValidationError({name: [unknown_field(name, known)] for name in unknown[:MOST_TOLD]})


class Strict:
    """For a serializer: what it does not read is refused, with `unknown_field` or `read_only_field`.

    A field that it shows but does not read may be sent with the value it has: whoever sends back what they got changes
    nothing by it. `shown_by` is the serializer that writes the row's answers, where that is another one; its context
    and `instance` are this one's. `fixed` are fields that are read when a row is made, and only shown afterwards.
    `changed_by` says which address changes what this one does not.
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
        there = self._shown() if not shown.isdisjoint(strange) else {}
        refused = {}
        for name in strange[:MOST_TOLD]:
            hint = _("%(address)s changes it.") % {"address": self.changed_by[name]} if name in self.changed_by else ""
            if name not in shown:
                refused[name] = [unknown_field(name, read, hint)]
            elif name not in there or there[name] != data[name]:
                said = _("“%(name)s” cannot be changed here.") % {"name": name}
                refused[name] = [ErrorDetail(f"{said} {hint}".strip(), "read_only_field")]
        return refused

    def _shown(self: Any) -> dict[str, Any]:
        """The row as the caller gets to read it; nothing where there is none yet."""
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
    """For query strings. Its fields hold no others, so they need not be copied deeply for each request, as DRF does.

    Which parameters there are is looked at before, by `StrictView`: there may be others beside these.
    """

    def get_fields(self) -> dict[str, Any]:
        return {name: copy(field) for name, field in self._declared_fields.items()}

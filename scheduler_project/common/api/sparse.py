"""Sparse answers: `?fields=id,status` leaves out what the caller does not read."""

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.plumbing import force_instance
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer
from rest_framework import serializers
from rest_framework.response import Response

from scheduler_project.common.api.serializers import MOST_TOLD, Strict, unknown_field

FIELDS = "fields"


def answered_names(documented: Any) -> list[str]:
    """Return the names of the fields in a documented answer, in order; none if its serializer is not ours."""
    found = documented.get_response_serializers()
    if isinstance(found, dict):
        found = found.get(200)
    names: list[str] = []
    for part in found.serializers if isinstance(found, PolymorphicProxySerializer) else [found]:
        one = force_instance(part)  # type: ignore[no-untyped-call]
        one = one.child if isinstance(one, serializers.ListSerializer) else one
        if not isinstance(one, Strict):
            return []
        names += [name for name, field in one.fields.items() if not field.write_only and name not in names]  # type: ignore[attr-defined]
    return names


def parameter(documented: Any) -> list[OpenApiParameter]:
    """Return the parameter `fields` of a handler that has it, with the names it takes; else nothing."""
    view = documented.view
    if getattr(view, "action", None) not in getattr(view, "sparse_actions", ()) or documented.method != "GET":
        return []
    names = answered_names(documented)
    described = "Answer only these fields, separated by commas. What you may not read is left out all the same."
    kind = {"type": "array", "items": {"type": "string", "enum": names}}
    return [OpenApiParameter(FIELDS, kind, explode=False, style="form", description=described)] if names else []


def chosen(text: str, known: Collection[str]) -> frozenset[str]:
    """Return the names in a value of `fields`. Raises ValidationError for those that are unknown, and for none."""
    names = [name.strip() for name in text.split(",")]
    if not text.strip():
        raise serializers.ValidationError({FIELDS: [_("Name one or more fields, separated by commas.")]}, "required")
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        raise serializers.ValidationError({FIELDS: [unknown_field(name, known) for name in unknown[:MOST_TOLD]]})
    return frozenset(names)


def reduce(response: Response, names: Collection[str]) -> None:
    """Leave out of a row, or of each row of a list or page, all but these fields."""

    def reduced(row: Any) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name in names}

    data: Any = response.data
    if isinstance(data, list):
        response.data = [reduced(row) for row in data]
    elif "results" in data:
        data["results"] = [reduced(row) for row in data["results"]]
    else:
        response.data = reduced(data)

"""The base of all API views: input that is not read is rejected and never ignored."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.plumbing import force_instance
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from scheduler_project.common.api import sparse
from scheduler_project.common.api.idempotency import NotRepeatable
from scheduler_project.common.api.serializers import MOST_TOLD, refuse_unknown

Key = tuple[type, str, str]


_queries: dict[Key, frozenset[str]] = {}


_fields: dict[Key, list[str]] = {}


_without_body: dict[Key, bool] = {}


class StrictView:
    """A view mixin that rejects unknown query parameters, and bodies if none is read.

    The known parameters are those documented for the handler: by `extend_schema` and `query_parameters`, plus those of
    filters and pagination for the actions that have them.
    """

    query_names: frozenset[str] = frozenset()
    """Parameters of a view without documentation (`schema = None`)."""
    filtered_actions: frozenset[str] = frozenset({"list"})
    paged_actions: frozenset[str] = frozenset({"list"})
    sparse_actions: frozenset[str] = frozenset({"list", "retrieve"})
    """Actions that answer `fields` only, if the caller names some."""
    chosen_fields: frozenset[str] = frozenset()

    def query_parameters(self) -> list[Any]:
        """Return parameters common to this view's handlers, so that their documentation need not repeat them."""
        return []

    def initial(self: Any, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        method = "GET" if request.method == "HEAD" else str(request.method)
        name = getattr(self, "action", None) or method.lower()
        if method == "OPTIONS" or not hasattr(self, name):
            return
        key = (type(self), name, method)
        query = request.query_params
        if query:
            if key not in _queries:
                _queries[key] = self._known_query(name, method)
            refuse_unknown(query, _queries[key])
            refuse_repeated(query)
            if sparse.FIELDS in query and name in self.sparse_actions and method == "GET":
                if key not in _fields:
                    _fields[key] = sparse.answered_names(self._documentation(name, method))
                self.chosen_fields = sparse.chosen(query[sparse.FIELDS], _fields[key])
        if method == "GET":
            return
        if "Idempotency-Key" in request.headers and not getattr(self, "repeatable", False):
            raise NotRepeatable
        if key not in _without_body:
            _without_body[key] = self._reads_no_body(name, method)
        if _without_body[key]:
            refuse_body(request.data)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if self.chosen_fields and response.status_code == 200:
            sparse.reduce(response, self.chosen_fields)
        return super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]

    def _known_query(self: Any, name: str, method: str) -> frozenset[str]:
        if self.schema is None:
            return self.query_names
        known = set()
        for part in self._documentation(name, method).get_override_parameters():
            if isinstance(part, OpenApiParameter):
                known |= {part.name} if part.location == OpenApiParameter.QUERY else set()
            else:
                known |= set(force_instance(part).fields)  # type: ignore[no-untyped-call]
        filters = getattr(self, "filterset_class", None)
        if name in self.filtered_actions and filters is not None:
            known |= set(filters.base_filters)
        if name in self.paged_actions and getattr(self, "pagination_class", None) is not None:
            known |= {self.pagination_class.page_query_param, self.pagination_class.page_size_query_param}
            known |= set(getattr(self.pagination_class, "extra_parameters", ()))
        return frozenset(known)

    def _reads_no_body(self: Any, name: str, method: str) -> bool:
        return method == "DELETE" or self._documentation(name, method).get_request_serializer() is None

    def _documentation(self: Any, name: str, method: str) -> Any:
        """Return drf-spectacular's schema for a handler: made for it by `extend_schema`, or the view's own."""
        documented = getattr(getattr(self, name), "kwargs", {}).get("schema")
        schema = documented() if documented else type(self.schema)()
        schema.view, schema.method = self, method
        return schema


def refuse_repeated(query: Any) -> None:
    """Raise ValidationError for a parameter that is sent more than once: only one of its values would be read."""
    repeated = [name for name, values in query.lists() if len(values) > 1]
    if repeated:
        text = _("Send this once.")
        raise serializers.ValidationError({name: [text] for name in repeated[:MOST_TOLD]}, code="duplicate_field")


def refuse_body(body: Any) -> None:
    """Raise ValidationError for a body if none is read."""
    if isinstance(body, Mapping):
        refuse_unknown(body, ())
    elif body:
        raise serializers.ValidationError(_("This request takes no body."), code="unexpected_body")

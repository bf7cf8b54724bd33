"""Hooks that finish the OpenAPI document once drf-spectacular has made it (`SPECTACULAR_SETTINGS`)."""

from typing import Any

from drf_spectacular.plumbing import get_lib_doc_excludes

from scheduler_project.common.api.idempotency import IdempotentMixin
from scheduler_project.common.api.serializers import Strict
from scheduler_project.common.api.views import StrictView
from scheduler_project.documentation.guides import put_in_front
from scheduler_project.documentation.links import link_operations
from scheduler_project.documentation.parameters import describe_parameters
from scheduler_project.documentation.tags import sort_into_tags
from scheduler_project.documentation.webhooks import describe_webhooks


def complete(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add what is told of the API beyond its operations."""
    put_in_front(result)
    sort_into_tags(result)
    describe_parameters(result)
    link_operations(result)
    describe_webhooks(result)
    return result


def internal_classes() -> list[type]:
    """Return the classes whose docstrings are for whoever works on them, not for whoever calls the API."""
    of_packages = get_lib_doc_excludes()  # type: ignore[no-untyped-call]
    return [*of_packages, Strict, IdempotentMixin, StrictView]

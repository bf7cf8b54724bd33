"""Generation of the API schema."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from drf_standardized_errors.openapi import AutoSchema as StandardSchema
from rest_framework import serializers

from scheduler_project.common.api import conditional, sparse
from scheduler_project.common.api.versions import ROOT

ZONE = OpenApiParameter("timezone", str, description="Return times with the offset of this IANA time zone.")


PREVIEW = OpenApiParameter("preview", bool, description="Dry run: return what would happen, and change nothing.")


PAGES = [OpenApiParameter("page", int), OpenApiParameter("page_size", int, description="At most 200.")]


class AutoSchema(StandardSchema):
    """A schema with the parameters common to all handlers of a view (`StrictView.query_parameters`), `fields`, tags."""

    def get_override_parameters(self) -> list[Any]:
        parameters = getattr(self.view, "query_parameters", None)
        return [
            *(parameters() if parameters else ()),
            *sparse.parameter(self),
            *(conditional.PARAMETERS if conditional.is_tagged(self) else ()),
            *super().get_override_parameters(),
        ]

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        if direction == "response" and conditional.is_tagged(self):
            told = OpenApiResponse(description="Nothing has changed since the answer you have.")
            bodies["304"] = self._get_response_for_code(told, "304")  # type: ignore[no-untyped-call]
        return bodies

    def _should_add_validation_error_response(self) -> bool:
        """Document the validation error of every operation, because each rejects unknown parameters."""
        return True


def only_documented(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """Leave out the addresses without a version, and slashes at the end: they mean the same."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints if path.startswith(ROOT)]


def close_requests(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Document that request objects have no fields other than those listed."""
    components = result["components"]["schemas"]

    def close(part: Any) -> None:
        if isinstance(part, list):
            for item in part:
                close(item)
        elif isinstance(part, dict):
            if "$ref" in part:
                part = components[part["$ref"].rpartition("/")[2]]
                if "additionalProperties" in part:
                    return
            if part.get("type") == "object" and "properties" in part:
                part["additionalProperties"] = False
            for inner in list(part.values()):
                close(inner)

    for operations in result["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                close(content["application/json"]["schema"])
    return result


class RefusalErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text=_("Stable and machine-readable, such as `slot_taken`."))
    detail = serializers.CharField(help_text=_("What went wrong, and what to do."))
    attr = serializers.CharField(allow_null=True, help_text=_("The field with the error, if any."))


class RefusalSerializer(serializers.Serializer[Any]):
    """A refusal: the request was understood, but the current state does not allow it."""

    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = RefusalErrorSerializer(many=True)  # type: ignore[assignment]  # a field, not the property
    details = serializers.DictField(
        required=False, help_text=_("Details that help, such as `alternatives`, `nearest` or `allowed`.")
    )


def refusals(*codes: int) -> dict[int, type[RefusalSerializer]]:
    return dict.fromkeys(codes, RefusalSerializer)

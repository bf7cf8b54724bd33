"""How the API's answers are documented."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class RefusalErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text=_("Stable and machine-readable, such as `slot_taken`."))
    detail = serializers.CharField(help_text=_("Why, and what to do."))
    attr = serializers.CharField(allow_null=True, help_text=_("The field it is about, if it is about one."))


class RefusalSerializer(serializers.Serializer[Any]):
    """The answer is no: the request was understood, but the state of things forbids it."""

    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = RefusalErrorSerializer(many=True)  # type: ignore[assignment]  # a field, not the property
    details = serializers.DictField(
        required=False, help_text=_("What helps along: `alternatives`, `nearest`, `allowed` and the like.")
    )


def refusals(*codes: int) -> dict[int, type[RefusalSerializer]]:
    return dict.fromkeys(codes, RefusalSerializer)

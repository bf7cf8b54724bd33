"""The representation of a reservation in the API."""

from datetime import UTC
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.actors import Actor, Source
from accounts.clients.serializers import GuestSerializer
from booking.models import Reservation
from booking.reservations.enums import HoldAction, Override, ReservationStatus
from booking.reservations.forms import PHONE_FOR_SMS
from booking.reservations.permissions import allowed_actions
from scheduler_project.common.api.fields import IdField, TextField
from scheduler_project.common.api.serializers import Serializer
from scheduler_project.common.errors import NotAllowed
from scheduler_project.common.languages import language_choices

OF_AN_APPOINTMENT = _("This token belongs to an appointment. Leave it out to hold another time.")


GUESTS_DO_NOT_SEND = {
    "client": _("You can book for yourself only."),
    "end_time": _("Choose a service instead of an end time."),
    "override": _("Only the provider and staff may override these rules."),
    "title": _("The appointment takes the service's name. Leave this out."),
    "reminder_offsets": _("The provider sets the reminders. Leave this out."),
}
"""The fields with which users book for others, or against the rules, and why they are refused to guests."""


def check_sent_by_guest(sent: dict[str, Any], *, besides: str | None = None) -> None:
    """Raise NotAllowed if a guest sent a field of `GUESTS_DO_NOT_SEND`, but for one."""
    for name, reason in GUESTS_DO_NOT_SEND.items():
        if name != besides and sent.get(name) is not None:
            raise NotAllowed(reason, field=name)


class DetailsSerializer(GuestSerializer):
    note = TextField(required=False, allow_blank=True, default="", max_length=2000, help_text=_("For the provider."))
    language = serializers.ChoiceField(
        choices=language_choices(),
        required=False,
        help_text=_("Language of messages to the client. Defaults to the request's language."),
    )
    by_sms = serializers.BooleanField(default=False, help_text=_("Also remind the client by text message."))

    class Meta(GuestSerializer.Meta):
        fields = [*GuestSerializer.Meta.fields, "note", "language", "by_sms"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["by_sms"] and settings.SMS_GATEWAY == "none":
            raise serializers.ValidationError({"by_sms": _("This site doesn't send text messages.")})
        if attrs["by_sms"] and not attrs.get("phone"):
            raise serializers.ValidationError({"phone": PHONE_FOR_SMS}, code="required")
        return {"language": get_language() or "", **attrs}


@extend_schema_field(
    {"oneOf": [{"type": "integer", "minimum": 1}, {"$ref": "#/components/schemas/DetailsRequest"}]},
)
class ClientOrDetailsField(IdField):
    """The id of a client, or a guest's details."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return super().to_internal_value(data)
        details = DetailsSerializer(data=data, context=self.context)
        details.is_valid(raise_exception=True)
        return details.validated_data

    def run_validators(self, value: Any) -> None:
        if not isinstance(value, dict):
            super().run_validators(value)


class ReservationSerializer(Serializer[Reservation]):
    id = serializers.IntegerField()
    provider = serializers.IntegerField()
    client = serializers.IntegerField()
    service = serializers.IntegerField(allow_null=True)
    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()
    status = serializers.ChoiceField(
        choices=ReservationStatus.choices,
        help_text=_("An overdue hold reads `expired`, whether or not it has been cleaned up."),
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    appointment = serializers.IntegerField(allow_null=True)
    overrides = serializers.ListField(child=serializers.ChoiceField(choices=Override.choices))
    created_at = serializers.DateTimeField()
    allowed_actions = serializers.ListField(
        child=serializers.ChoiceField(choices=HoldAction.choices), help_text=_("What you can do with it now.")
    )

    def to_representation(self, instance: Reservation) -> dict[str, Any]:
        """Return the representation, written by hand: a serializer's fields take longer than reserving does."""
        zone = self.context["zone"] or UTC
        now, user = self.context["now"], self.context["request"].user
        actor = Actor.of(user, Source.API) if user.is_authenticated else None
        state = instance.state(now)
        had_none = state in (ReservationStatus.HELD, ReservationStatus.EXPIRED)
        appointment = None if had_none else getattr(instance, "appointment", None)
        return {
            "id": instance.pk,
            "provider": instance.provider_id,
            "client": instance.client_id,
            "service": instance.service_id,
            "start_time": instance.starts_at.astimezone(zone),
            "end_time": instance.ends_at.astimezone(zone),
            "status": str(state),
            "expires_at": instance.expires_at and instance.expires_at.astimezone(zone),
            "appointment": appointment.pk if appointment else None,
            "overrides": instance.overrides,
            "created_at": instance.created_at.astimezone(zone),
            "allowed_actions": [str(action) for action in allowed_actions(instance, actor, now)],
        }


class HeldSerializer(ReservationSerializer):
    guest_token = serializers.CharField(
        required=False,
        help_text=_(
            "Returned only here, and only to guests. Send it as `Authorization: Guest …` with the requests that "
            "follow. Valid for one day."
        ),
    )

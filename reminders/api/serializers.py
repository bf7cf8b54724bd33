"""What the reminders API reads and writes."""

from datetime import UTC
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from booking.api.fields import InstantField
from reminders.enums import Channel, Kind, MessageStatus, Outcome, Recipient
from reminders.models import DeliveryAttempt, Message
from scheduler_project.common.api_serializers import ModelSerializer, Serializer


class ReminderSerializer(Serializer[Message]):
    """A message of the outbox: a reminder, or a notice of what happened."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    channel = serializers.ChoiceField(choices=Channel.choices)
    recipient = serializers.ChoiceField(choices=Recipient.choices)
    appointment = serializers.IntegerField(allow_null=True)
    reservation = serializers.IntegerField()
    offset = serializers.CharField(help_text=_("How long before the start; empty for a notice."))
    status = serializers.ChoiceField(choices=MessageStatus.choices)
    due_at = serializers.DateTimeField()
    next_try_at = serializers.DateTimeField(allow_null=True, help_text=_("When it is tried next, while it is pending."))
    sent_at = serializers.DateTimeField(allow_null=True)
    failures = serializers.IntegerField(help_text=_("How many tries failed so far."))
    error = serializers.CharField(help_text=_("What went wrong last, or why it is not sent."))

    def to_representation(self, instance: Message) -> dict[str, Any]:
        zone = self.context["zone"] or UTC
        pending = instance.status == MessageStatus.PENDING
        return {
            "id": instance.pk,
            "kind": str(instance.kind),
            "channel": str(instance.channel),
            "recipient": str(instance.recipient),
            "appointment": instance.appointment_id,
            "reservation": instance.reservation_id,
            "offset": instance.offset,
            "status": str(instance.status),
            "due_at": instance.due_at.astimezone(zone),
            "next_try_at": instance.next_at.astimezone(zone) if pending else None,
            "sent_at": instance.sent_at and instance.sent_at.astimezone(zone),
            "failures": instance.failures,
            "error": instance.error,
        }


class ReplaySerializer(Serializer[Any]):
    replayed = serializers.IntegerField(help_text=_("How many are owed again."))
    too_late = serializers.IntegerField(help_text=_("How many would help nobody any more, and stay as they are."))


class AttemptSerializer(ModelSerializer[DeliveryAttempt]):
    at = InstantField()
    outcome = serializers.ChoiceField(choices=Outcome.choices)

    class Meta:
        model = DeliveryAttempt
        fields = ["at", "milliseconds", "address", "outcome", "reference", "error"]

"""Serializers of the reminders API."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from booking.api.fields import InstantField
from reminders.channels.serializers import ChannelField
from reminders.enums import PUBLIC_STATUS, PUBLIC_STATUSES, AttemptOutcome, MessageKind, MessageStatus, Recipient
from reminders.models import DeliveryAttempt, Message
from reminders.skip_reasons import reason_in_words
from scheduler_project.common.api.serializers import ModelSerializer, Serializer


class ReminderSerializer(Serializer[Message]):
    """A reminder, or with `?kind=any` a notice: a message of the outbox."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=MessageKind.choices)
    channel = ChannelField()
    recipient = serializers.ChoiceField(choices=Recipient.choices)
    appointment = serializers.IntegerField(allow_null=True)
    reservation = serializers.IntegerField(allow_null=True)
    offset = serializers.CharField(help_text=_("How long before the start; empty for a notice."))
    status = serializers.ChoiceField(choices=PUBLIC_STATUSES)
    due_at = serializers.DateTimeField()
    next_try_at = serializers.DateTimeField(allow_null=True, help_text=_("Time of the next attempt, while pending."))
    sent_at = serializers.DateTimeField(allow_null=True)
    failures = serializers.IntegerField(help_text=_("How many attempts have failed so far."))
    error = serializers.CharField(
        help_text=_("The last error, or why it isn't sent or is waiting. Clients see a plain explanation.")
    )

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
            "status": PUBLIC_STATUS[MessageStatus(instance.status)],
            "due_at": instance.due_at.astimezone(zone),
            "next_try_at": instance.next_at.astimezone(zone) if pending else None,
            "sent_at": instance.sent_at and instance.sent_at.astimezone(zone),
            "failures": instance.failures,
            "error": instance.reason if reads_answers(self.context, instance) else failure_in_words(instance),
        }


def reads_answers(context: Mapping[str, Any], message: Message) -> bool:
    """Return whether the user may read the answers of mail servers and others: staff, and the message's provider."""
    user = context["request"].user
    provider = user.provider_for("reminders.view_message")
    return user.may("reminders.view_message") or (provider is not None and message.about.provider_id == provider.pk)


def failure_in_words(message: Message) -> str:
    """Return a description of a failure for the client the message is for."""
    texts = {
        MessageStatus.PENDING: _("We couldn't deliver it yet and will try again."),
        MessageStatus.FAILED: _("We couldn't deliver it."),
        MessageStatus.EXPIRED: _("It was too late to be useful."),
    }
    return str(texts.get(MessageStatus(message.status), message.reason)) if message.reason else ""


class NotPlannedSerializer(Serializer[Any]):
    channel = serializers.CharField(help_text=_("Empty if no reminders are set for the appointment."))
    offsets = serializers.ListField(child=serializers.CharField(), help_text=_("How long before the start."))
    reason = serializers.CharField()


class ReplaySerializer(Serializer[Any]):
    replayed = serializers.IntegerField(help_text=_("How many are queued to send again."))
    too_late = serializers.IntegerField(help_text=_("How many are too late to send and stay unchanged."))


class AttemptSerializer(ModelSerializer[DeliveryAttempt]):
    at = InstantField()
    outcome = serializers.ChoiceField(choices=AttemptOutcome.choices)

    class Meta:
        model = DeliveryAttempt
        fields = ["at", "milliseconds", "address", "outcome", "reference", "error"]

    def to_representation(self, instance: DeliveryAttempt) -> dict[str, Any]:
        """Leave out the external id and the recipient server's answers for clients, who see only the outcome."""
        fields = super().to_representation(instance)
        message = self.context.get("message")  # None: of a webhook, which no client sees.
        if self.context["request"].user.may("reminders.view_optout"):
            return {**fields, "error": reason_in_words(instance.error)}
        if message is None or reads_answers(self.context, message):
            return {**fields, "error": instance.reason}
        return {**fields, "reference": "", "error": ""}

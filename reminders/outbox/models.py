"""The outbox: messages to send, and each attempt to send them."""

import uuid
from datetime import datetime
from typing import Self

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from booking.models import Appointment, Reservation
from reminders.channels.email.channel import EmailChannel
from reminders.channels.registry import channel_choices
from reminders.enums import AttemptOutcome, MessageKind, MessageStatus, Recipient
from reminders.skip_reasons import reason_for_all, reason_in_words
from scheduler_project.common.db.revisions import RevisionField
from scheduler_project.common.models import Outage


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Messages the user may see: all for staff, those about their appointments for a provider, their own for a
        client."""
        if not isinstance(user, User):
            return self.none()
        if user.may("reminders.view_message"):
            return self
        to_client = user.as_client("reservation__client") & Q(recipient=Recipient.CLIENT)
        return self.filter(user.as_provider("reservation__provider", "reminders.view_message") | to_client)

    def with_outages(self, *, now: datetime) -> Self:
        """Add `waits_for`: the reason why a due message waits, which is the error on its route."""
        endpoint = Concat(Value("webhook:"), Cast("endpoint_id", models.TextField()))
        way = Case(When(endpoint=None, then=F("channel")), default=endpoint, output_field=models.CharField())
        down = Outage.objects.annotate(way=OuterRef("way")).filter(key=F("way"))
        waits = When(status=MessageStatus.PENDING, next_at__lte=now, then=Subquery(down.values("error")[:1]))
        return self.annotate(way=way).annotate(waits_for=Case(waits, default=Value("")))

    def with_causes(self, reader: User | AnonymousUser) -> Self:
        """Let `reason` also include what reveals an address's state, if the reader may see opt-outs."""
        return self.annotate(says_causes=Value(isinstance(reader, User) and reader.may("reminders.view_optout")))

    def detailed(self) -> Self:
        """Load everything needed to send or list the messages.

        `is_proved` tells that the client's login verified the email the client has.
        """
        client = "reservation__client"
        proved = EmailAddress.objects.filter(
            user=OuterRef(f"{client}__user"), email=OuterRef(f"{client}__email"), verified=True
        )
        return self.annotate(is_proved=Exists(proved)).select_related(
            "appointment",
            "endpoint",
            "reservation__provider__user",
            "reservation__provider__schedule",
            "reservation__client__preferences",
            "reservation__service",
        )


class Message(models.Model):
    """A message to one recipient, on one channel, due at one time (UTC).

    `key` is the same for every attempt: the Message-ID of a mail, the id of a webhook. `next_at` is the time from which
    the message may be leased: when it is due, when it is retried, or, while a worker is sending it, when the lease
    ends. `claim` counts the leases, so that only the worker with the latest one records the outcome.

    `mail` is the content of a mail about an account, whose links act for their reader: no page or API shows it.
    """

    key = models.UUIDField(_("key"), default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=MessageKind)
    channel = models.CharField(_("channel"), max_length=10, choices=channel_choices)
    recipient = models.CharField(_("recipient"), max_length=10, choices=Recipient)
    reservation = models.ForeignKey(
        Reservation,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="messages",
        verbose_name=_("reservation"),
        help_text=_("The held time it is about."),
    )
    appointment = models.ForeignKey(
        Appointment, models.CASCADE, null=True, blank=True, related_name="messages", verbose_name=_("appointment")
    )
    endpoint = models.ForeignKey(
        "reminders.WebhookEndpoint",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="messages",
        verbose_name=_("endpoint"),
    )
    offset = models.CharField(_("offset"), max_length=40, blank=True, help_text=_("How long before the start."))
    details = models.JSONField(_("details"), default=dict, blank=True)
    mail = models.JSONField(null=True, blank=True, editable=False)
    due_at = models.DateTimeField(_("due"))
    useful_until = models.DateTimeField(_("useful until"), help_text=_("Not sent after this time."))
    next_at = models.DateTimeField(_("next attempt"))
    status = models.CharField(_("status"), max_length=10, choices=MessageStatus, default=MessageStatus.PENDING)
    failures = models.PositiveSmallIntegerField(_("failures"), default=0)
    claim = models.PositiveIntegerField(default=0, editable=False)
    error = models.CharField(_("error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("planned"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    revision = RevisionField(_("revision"))

    secret_fields = ("mail",)
    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-due_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                "reservation",
                "channel",
                "offset",
                Coalesce("endpoint", 0),
                condition=Q(kind=MessageKind.REMINDER),
                name="message_reminder_once",
            ),
            models.CheckConstraint(
                condition=Q(kind=MessageKind.REMINDER, appointment__isnull=False) & ~Q(offset="")
                | ~Q(kind=MessageKind.REMINDER) & Q(offset=""),
                name="message_reminder_has_offset",
            ),
            models.CheckConstraint(
                condition=Q(status=MessageStatus.SENT, sent_at__isnull=False) | ~Q(status=MessageStatus.SENT),
                name="message_sent_says_when",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind=MessageKind.ACCOUNT,
                    channel=EmailChannel.name,
                    recipient=Recipient.MAILBOX,
                    reservation=None,
                    appointment=None,
                    endpoint=None,
                    mail__isnull=False,
                    status=MessageStatus.PENDING,
                )
                | ~Q(kind=MessageKind.ACCOUNT)
                & ~Q(recipient=Recipient.MAILBOX)
                & Q(reservation__isnull=False, mail__isnull=True),
                name="message_account_is_apart",
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "next_at"], condition=Q(status="pending"), name="message_owed"),
            models.Index(fields=["status", "due_at"], name="message_status_due"),
            models.Index(fields=["kind", "due_at", "id"], name="message_kind_due"),
            models.Index(fields=["revision", "id"], name="message_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.get_channel_display()}"

    @property
    def about(self) -> Reservation:
        """The reservation of a message about one: of every kind but `account`."""
        assert self.reservation is not None
        return self.reservation

    @property
    def reason(self) -> str:
        """The last error, the reason why the message is not sent, or, with `with_outages`, what it waits for.

        A reason that reveals an opt-out is replaced by a neutral one, except for the readers of `with_causes`.
        """
        reason = getattr(self, "waits_for", "") or self.error
        return reason_in_words(reason) if getattr(self, "says_causes", False) else reason_for_all(reason)


class ReminderManager(models.Manager.from_queryset(MessageQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> MessageQuerySet:
        return super().get_queryset().filter(kind=MessageKind.REMINDER)


class Reminder(Message):
    """A message of kind `reminder`, for one appointment at one offset."""

    objects = ReminderManager()  # type: ignore[misc]

    class Meta:
        proxy = True
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")


class DeliveryAttempt(models.Model):
    """One attempt to send a message, with its outcome. Rows are only added; a carrier's report may complete one."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="attempts", verbose_name=_("message"))
    at = models.DateTimeField(_("at"))
    milliseconds = models.PositiveIntegerField(_("milliseconds"))
    address = models.CharField(_("address"), max_length=500)
    outcome = models.CharField(_("outcome"), max_length=10, choices=AttemptOutcome)
    reference = models.CharField(
        _("reference"), max_length=200, blank=True, help_text=_("The carrier's ID for this message.")
    )
    error = models.CharField(_("error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("delivery attempt")
        verbose_name_plural = _("delivery attempts")
        ordering = ["at", "pk"]
        indexes = [
            models.Index(fields=["reference"], condition=~Q(reference=""), name="deliveryattempt_reference"),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} {self.at:%Y-%m-%d %H:%M} UTC"

    @property
    def reason(self) -> str:
        """The answer of the other side, without what reveals that the address opted out."""
        return reason_for_all(self.error)

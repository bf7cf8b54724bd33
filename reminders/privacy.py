"""The archive and the erasure of reminders' data about a person."""

from typing import Any

from allauth.account.models import EmailAddress
from django.db.models import F, Q, QuerySet
from django.db.models.functions import JSONObject

from accounts.models import Client, User
from accounts.privacy.operations import purge_admin_log
from reminders.channels.registry import personal_channels
from reminders.enums import MessageKind, MessageStatus, Recipient
from reminders.models import DeliveryAttempt, Message, OptOut, PhoneCode, Preferences
from reminders.webhooks.operations import end_endpoints
from scheduler_project.common.operations import operation
from scheduler_project.common.time.zones import rfc3339


def reminder_data_of(user: User | None, client: Client | None, *, own: bool) -> dict[str, Any]:
    """Return a client's preferences, the opt-outs of their addresses, and the messages sent to them, ready for JSON."""
    theirs = Q(pk__in=[])
    for name, channel in personal_channels().items():
        addresses = {channel.address_of_login(user) if user else "", channel.address_of(client) if client else ""}
        for address in addresses - {""}:
            if not own or (user and channel.is_proved(user, address)):
                theirs |= Q(channel=name, address=address)
    preferences = Preferences.objects.filter(client=client).first() if client else None
    sent = (
        Message.objects.filter(reservation__client=client, recipient=Recipient.CLIENT).order_by("due_at")
        if client
        else ()
    )
    return {
        "reminders": preferences
        and {
            "channels": preferences.channels,
            "language": preferences.language,
            "quiet_from": preferences.quiet_from and preferences.quiet_from.isoformat("minutes"),
            "quiet_until": preferences.quiet_until and preferences.quiet_until.isoformat("minutes"),
        },
        "opt_outs": [
            {
                "channel": row.channel,
                "address": row.address,
                "since": rfc3339(row.at),
                "source": row.source,
                "taken_back_at": row.ended_at and rfc3339(row.ended_at),
            }
            for row in OptOut.objects.filter(theirs)
        ],
        "messages": [
            {
                "kind": row.kind,
                "channel": row.channel,
                "due_at": rfc3339(row.due_at),
                "status": row.status,
                "appointment": row.appointment_id,
            }
            for row in sent
        ],
    }


@operation
def erase_client_messages(*, client: Client) -> None:
    """Erase a client's preferences, their addresses in sent messages, and their data in webhook events.

    Pending messages to them are withdrawn. Opt-outs stay, because the address still wants no messages.
    """
    preferences = Preferences.objects.filter(client=client)
    purge_admin_log(Preferences, preferences.values_list("pk", flat=True))
    preferences.delete()
    PhoneCode.objects.filter(client=client).delete()
    about = Message.objects.filter(reservation__client=client).order_by()
    _forget_where(about.filter(recipient=Recipient.CLIENT))
    about.filter(details__has_key="former").update(details={})
    about.filter(endpoint__isnull=False, details__has_key="data").update(
        details=JSONObject(type=F("details__type"), data=JSONObject())
    )


@operation
def erase_login_messages(*, user: User) -> None:
    """Delete the mails owed to an erased login, and erase the addresses of an erased provider.

    Their webhooks receive no more data about their clients.
    """
    emails = {user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    Message.objects.filter(kind=MessageKind.ACCOUNT, mail__to__in=emails).delete()
    provider = user.provider_or_none
    if provider is None:
        return
    end_endpoints(provider=provider)
    _forget_where(Message.objects.filter(reservation__provider=provider, recipient=Recipient.PROVIDER).order_by())


def _forget_where(theirs: QuerySet[Message]) -> None:
    """Withdraw pending messages, and erase the data that reveal their recipient's address."""
    theirs.filter(status=MessageStatus.PENDING).update(status=MessageStatus.CANCELLED)
    theirs.exclude(error="").update(error="")
    DeliveryAttempt.objects.filter(message__in=theirs).order_by().update(address="", error="")

"""How clients want to be reminded, and who wants no more of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import Q
from phonenumber_field.phonenumber import to_python

from accounts.actors import Actor, Face
from accounts.models import Client, User
from accounts.operations.people import keeps, locked_client
from booking.models import Appointment
from reminders.enums import OF_PEOPLE, Channel, Outcome, Recipient, Source
from reminders.errors import NeverQuiet, NotOffered, NotVerified, NotYourAddress, OneEnd, StoppedBySms, UnknownChoice
from reminders.models import DeliveryAttempt, OptOut, Preferences
from reminders.operations.plan import replan
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation

ADD = "reminders.add_optout"
"""The permission by which staff let any address be told no more."""
CHANGE = "reminders.change_optout"
"""The one by which they take that back."""


@operation
def set_preferences(*, client_id: int, changes: dict[str, Any], actor: Actor, now: datetime) -> Preferences:
    """Change some of `channels`, `language`, `quiet_from`, `quiet_until`; what is coming is planned anew.

    For the client, the provider who keeps them, and staff. Channels are those that reach people, stored in the order of
    `Channel`; None leaves them to the site. Quiet hours are whole minutes of the client's own clocks. Raises
    UnknownChoice, NotOffered, OneEnd and NeverQuiet, naming the field; NotFound for a client the actor may not see.
    """
    client = locked_client(client_id, actor)
    preferences = preferences_of(client)
    permission = f"reminders.{'change' if preferences.pk else 'add'}_preferences"
    if client.pk != actor.client_id and not keeps(actor, client, permission):
        raise NotAllowed
    before = _wanted(preferences)
    for name, value in _checked(changes, preferences.channels or ()).items():
        setattr(preferences, name, value)
    if (preferences.quiet_from is None) != (preferences.quiet_until is None):
        raise OneEnd(field="quiet_until" if preferences.quiet_until is None else "quiet_from")
    if preferences.quiet_from is not None and preferences.quiet_from == preferences.quiet_until:
        raise NeverQuiet(field="quiet_until")
    if not preferences.pk or _wanted(preferences) != before:
        preferences.updated_at = max(preferences.updated_at, now) if preferences.pk else now
        preferences.save()
        _plan_anew(Q(pk=client.pk), now)
    return preferences


def remember_wishes(*, client: Client, language: str, by_sms: bool, now: datetime) -> None:
    """Keep what a visitor said with their details: the language they read, and whether they also want text messages.

    The caller holds the client's lock.
    """
    channels = [*dict.fromkeys([Channel.EMAIL, *settings.REMINDER_CHANNELS, Channel.SMS])] if by_sms else None
    said = {"language": language, "channels": channels, "updated_at": now}
    Preferences.objects.update_or_create(client=client, defaults=said)


@operation
def forget_wishes(*, client: Client, now: datetime) -> bool:
    """Let a client be told things as the site tells whoever never chose; what is coming is planned anew.

    Returns whether they had chosen channels or quiet hours.
    """
    chosen = Preferences.objects.filter(client=client).exclude(channels=None, quiet_from=None)
    forgotten = chosen.update(channels=None, quiet_from=None, quiet_until=None, updated_at=now)
    _plan_anew(Q(pk=client.pk), now)
    return bool(forgotten)


def preferences_of(client: Client) -> Preferences:
    """What the client wants; where they never said so, what that means."""
    said = Preferences.objects.filter(client=client).first()
    return Preferences(client=client) if said is None else said


def _wanted(preferences: Preferences) -> tuple[Any, ...]:
    return preferences.channels, preferences.language, preferences.quiet_from, preferences.quiet_until


def offered(chosen: Collection[str] = ()) -> list[tuple[str, Any]]:
    """The channels clients may choose, as choices: SMS only where something sends them, or for who has chosen them."""
    return [
        (channel, label)
        for channel, label in OF_PEOPLE
        if channel != Channel.SMS or settings.SMS_GATEWAY != "none" or channel in chosen
    ]


def _checked(changes: dict[str, Any], chosen: Collection[str]) -> dict[str, Any]:
    """The changes as they are stored."""
    known = ("channels", "language", "quiet_from", "quiet_until")
    wanted: dict[str, Any] = {name: changes[name] for name in known if name in changes}
    channels = wanted.get("channels")
    if channels is not None:
        if not set(channels) <= set(dict(OF_PEOPLE)):
            raise UnknownChoice(field="channels")
        if not set(channels) <= set(dict(offered(chosen))):
            raise NotOffered(field="channels")
        wanted["channels"] = [channel for channel, _label in OF_PEOPLE if channel in channels]
    if wanted.get("language") and wanted["language"] not in dict(settings.LANGUAGES):
        raise UnknownChoice(field="language")
    for name in ("quiet_from", "quiet_until"):
        if isinstance(wanted.get(name), time):
            wanted[name] = wanted[name].replace(second=0, microsecond=0)
    return wanted


# --- Opting out -------------------------------------------------------------------------------------------------------


@operation
def opt_out(*, channel: Channel, address: str, source: Source, now: datetime) -> OptOut:
    """Let an address be told no more: by email no reminders, by SMS nothing at all. Returns what stands.

    Whoever may not speak for the address has been turned away before. Repeating it changes nothing: the first stands,
    with its time and source.
    """
    address = spelled(channel, address)
    new = OptOut(channel=channel, address=address, source=source, at=now)
    before = _last(channel, address)
    OptOut.objects.bulk_create([new], ignore_conflicts=True)
    last = _last(channel, address)
    assert last
    if last != before:
        _plan_anew(_reached(channel, address), now)
    return last


@operation
def opt_in(*, channel: Channel, address: str, now: datetime) -> bool:
    """Take an opt-out back. Returns whether there was one. Who may not speak for the address was turned away before."""
    address = spelled(channel, address)
    ended = OptOut.objects.standing().filter(channel=channel, address=address).update(ended_at=now)
    if ended:
        _plan_anew(_reached(channel, address), now)
    return bool(ended)


@operation
def opt_out_as(*, channel: Channel, address: str, actor: Actor, now: datetime) -> OptOut:
    """`opt_out`, asked by somebody logged in: staff for any address, others for the email they log in with.

    A client's phone is whatever they wrote there; who holds it says so by SMS. Raises NotYourAddress; NotVerified.
    """
    _check_speaks_for(actor, channel, address, ADD)
    source = Source.STAFF if actor.may(ADD) else Source.PAGE if actor.face == Face.PAGE else Source.API
    return opt_out(channel=channel, address=address, source=source, now=now)


@operation
def take_back(*, opt_out_id: int, actor: Actor, now: datetime) -> None:
    """`opt_in`, asked by somebody logged in. Raises NotYourAddress, NotVerified and StoppedBySms; NotFound."""
    row = OptOut.objects.select_for_update().filter(pk=opt_out_id).first()
    if row is None:
        raise NotFound
    _check_speaks_for(actor, Channel(row.channel), row.address, CHANGE)
    if row.ended_at is None:
        take_back_standing(row, now=now)


@operation
def take_back_own(*, address: str, actor: Actor, now: datetime) -> None:
    """`opt_in` for the email somebody logs in with, if it opted out. Raises as `take_back` does."""
    _check_speaks_for(actor, Channel.EMAIL, address, CHANGE)
    if standing := standing_opt_out(channel=Channel.EMAIL, address=address):
        take_back_standing(standing, now=now)


def take_back_standing(standing: OptOut, *, now: datetime) -> None:
    """End an opt-out for somebody whom the address is known to be.

    Raises StoppedBySms for a STOP: the carrier keeps to it, whatever our tables say, until the number says START.
    """
    if standing.source == Source.SMS:
        raise StoppedBySms
    opt_in(channel=Channel(standing.channel), address=standing.address, now=now)


@dataclass(frozen=True)
class ClientAddress:
    """Where a client is told things. `opt_out` is what stands; None also where that `is_told` to nobody who asks."""

    channel: Channel
    address: str
    is_told: bool
    opt_out: OptOut | None


def addresses_of(client: Client, actor: Actor) -> list[ClientAddress]:
    """Where a client is told things, with what the actor may know of it.

    Whether an address opted out is nobody's business but of those it was said to: staff who may see opt-outs, the
    client once the address is verified to be theirs, and whoever has written to it as this client's, the provider or
    the client themself. Else anybody could ask about any address by writing it down as somebody's.
    """
    told = []
    for channel, address in ((Channel.EMAIL, client.email), (Channel.SMS, str(client.phone))):
        if address:
            is_told = _may_know(client, channel, address, actor)
            standing = standing_opt_out(channel=channel, address=address) if is_told else None
            told.append(ClientAddress(channel, address, is_told, standing))
    return told


def _may_know(client: Client, channel: Channel, address: str, actor: Actor) -> bool:
    if actor.may("reminders.view_optout"):
        return True
    if actor.user is None:
        return False
    if client.user_id == actor.user.pk and channel == Channel.EMAIL:
        return EmailAddress.objects.filter(user=actor.user, email=address, verified=True).exists()
    written = DeliveryAttempt.objects.filter(
        message__reservation__client=client,
        message__recipient=Recipient.CLIENT,
        message__channel=channel,
        address=address,
        outcome__in=(Outcome.SENT, Outcome.DELIVERED),
    )
    if client.user_id != actor.user.pk:
        written = written.filter(message__reservation__provider__user=actor.user)
    return written.exists()


def standing_opt_out(*, channel: Channel, address: str) -> OptOut | None:
    return OptOut.objects.standing().filter(channel=channel, address=spelled(channel, address)).first()


def spelled(channel: Channel, address: str) -> str:
    """How an address is remembered: a mailbox in lower case, a number in E.164."""
    if channel == Channel.EMAIL:
        return User.objects.normalize_email(address)
    number: Any = to_python(address)
    return str(number.as_e164) if number and number.is_valid() else address.strip()


def _check_speaks_for(actor: Actor, channel: Channel, address: str, permission: str) -> None:
    if actor.may(permission):
        return
    if actor.user is None or channel != Channel.EMAIL or spelled(channel, address) != actor.user.email:
        raise NotYourAddress(field="address")
    if not EmailAddress.objects.filter(user=actor.user, email=actor.user.email, verified=True).exists():
        raise NotVerified(field="address")


def _last(channel: Channel, address: str) -> OptOut | None:
    return OptOut.objects.filter(channel=channel, address=address).order_by("-pk").first()


def _reached(channel: Channel, address: str) -> Q:
    """The clients who are told things at this address."""
    return Q(email=address) if channel == Channel.EMAIL else Q(phone=address)


def _plan_anew(clients: Q, now: datetime) -> None:
    """Let the reminders of these clients' coming appointments be what is owed now."""
    concerned = Client.objects.filter(clients).order_by().values("pk")
    coming = Appointment.objects.coming(now=now).filter(reservation__client__in=concerned)
    replan(coming, now=now)

"""Operations on reminder preferences and opt-outs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.db.models import Q

from accounts.actors import Actor, Source
from accounts.clients.operations import locked_client, manages
from accounts.models import Client
from booking.models import Appointment
from reminders.channels.registry import personal, personal_channels
from reminders.enums import AttemptOutcome, OptOutSource, Recipient
from reminders.models import DeliveryAttempt, OptOut, Preferences
from reminders.plan.operations import replan
from reminders.preferences.errors import (
    ChannelNotOffered,
    NeverQuiet,
    NotVerified,
    NotYourAddress,
    OneEnd,
    StoppedBySms,
    UnknownChoice,
)
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation

ADD = "reminders.add_optout"
"""The permission to add an opt-out for any address."""


CHANGE = "reminders.change_optout"
"""The permission to withdraw an opt-out."""


@operation
def set_preferences(*, client_id: int, changes: dict[str, Any], actor: Actor, now: datetime) -> Preferences:
    """Change some of `channels`, `language`, `quiet_from`, `quiet_until`; upcoming reminders are replanned.

    For the client, the client's own provider, and staff. `channels` are channels that reach people, stored in the
    order of the registry; None means the site's default. Quiet hours are whole minutes in the client's timezone.
    Raises UnknownChoice, NotOffered, OneEnd and NeverQuiet, naming the field; NotFound for a client the actor may not
    see.
    """
    client = locked_client(client_id, actor)
    preferences = preferences_of(client)
    permission = f"reminders.{'change' if preferences.pk else 'add'}_preferences"
    if client.pk != actor.client_id and not manages(actor, client, permission):
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


def store_choices(*, client: Client, language: str, channels: Collection[str] = (), now: datetime) -> None:
    """Store the choices of a visitor's booking form: their language, and the channels they want besides the site's.

    The caller holds the client's lock.
    """
    wanted = _in_order([*settings.REMINDER_CHANNELS, *channels]) if channels else None
    choices = {"language": language, "channels": wanted, "updated_at": now}
    Preferences.objects.update_or_create(client=client, defaults=choices)


@operation
def reset_preferences(*, client: Client, now: datetime) -> bool:
    """Reset a client's preferences to the site's defaults; upcoming reminders are replanned.

    Return whether the client had chosen channels or quiet hours.
    """
    chosen = Preferences.objects.filter(client=client).exclude(channels=None, quiet_from=None)
    forgotten = chosen.update(channels=None, quiet_from=None, quiet_until=None, updated_at=now)
    _plan_anew(Q(pk=client.pk), now)
    return bool(forgotten)


def preferences_of(client: Client) -> Preferences:
    """Return the client's preferences, or the defaults if there are none."""
    stored = Preferences.objects.filter(client=client).first()
    return Preferences(client=client) if stored is None else stored


def _wanted(preferences: Preferences) -> tuple[Any, ...]:
    return preferences.channels, preferences.language, preferences.quiet_from, preferences.quiet_until


def _in_order(channels: Collection[str]) -> list[str]:
    return [name for name in personal_channels() if name in channels]


def offered(chosen: Collection[str] = ()) -> list[tuple[str, Any]]:
    """Return the channels that clients may choose: those the site offers, and those chosen already."""
    return [
        (name, channel.label) for name, channel in personal_channels().items() if channel.is_offered() or name in chosen
    ]


def _checked(changes: dict[str, Any], chosen: Collection[str]) -> dict[str, Any]:
    """Return the validated changes in their stored form."""
    known = ("channels", "language", "quiet_from", "quiet_until")
    wanted: dict[str, Any] = {name: changes[name] for name in known if name in changes}
    channels = wanted.get("channels")
    if channels is not None:
        if not set(channels) <= set(personal_channels()):
            raise UnknownChoice(field="channels")
        if not set(channels) <= set(dict(offered(chosen))):
            raise ChannelNotOffered(field="channels")
        wanted["channels"] = _in_order(channels)
    if wanted.get("language") and wanted["language"] not in dict(settings.LANGUAGES):
        raise UnknownChoice(field="language")
    for name in ("quiet_from", "quiet_until"):
        if isinstance(wanted.get(name), time):
            wanted[name] = wanted[name].replace(second=0, microsecond=0)
    return wanted


@operation
def opt_out(*, channel: str, address: str, source: OptOutSource, now: datetime) -> OptOut:
    """Opt an address out: of reminders, or of all messages on channels like SMS. Return the opt-out in force.

    The caller has checked that the actor may do so. Repeating it changes nothing: the first keeps its time and source.
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
def opt_in(*, channel: str, address: str, now: datetime) -> bool:
    """Withdraw an opt-out. Return whether there was one. The caller has checked that the actor may do so."""
    address = spelled(channel, address)
    ended = OptOut.objects.standing().filter(channel=channel, address=address).update(ended_at=now)
    if ended:
        _plan_anew(_reached(channel, address), now)
    return bool(ended)


@operation
def opt_out_as(*, channel: str, address: str, actor: Actor, now: datetime) -> OptOut:
    """Opt an address out for a logged-in user: staff for any address, others for those of their login.

    Clients enter any phone number they like, so only an SMS from the number opts it out. Raises NotYourAddress,
    NotVerified.
    """
    _check_speaks_for(actor, channel, address, ADD)
    source = (
        OptOutSource.STAFF if actor.may(ADD) else OptOutSource.PAGE if actor.source == Source.PAGE else OptOutSource.API
    )
    return opt_out(channel=channel, address=address, source=source, now=now)


@operation
def withdraw_opt_out(*, opt_out_id: int, actor: Actor, now: datetime) -> None:
    """Withdraw an opt-out for a logged-in user. Raises NotYourAddress, NotVerified and StoppedBySms; NotFound."""
    row = OptOut.objects.select_for_update().filter(pk=opt_out_id).first()
    if row is None:
        raise NotFound
    _check_speaks_for(actor, row.channel, row.address, CHANGE)
    if row.ended_at is None:
        withdraw_standing(row, now=now)


@operation
def withdraw_own_opt_out(*, channel: str, address: str, actor: Actor, now: datetime) -> None:
    """Withdraw the opt-out of an address of the user's login, if there is one. Raises as `withdraw_opt_out` does."""
    _check_speaks_for(actor, channel, address, CHANGE)
    if standing := standing_opt_out(channel=channel, address=address):
        withdraw_standing(standing, now=now)


def withdraw_standing(standing: OptOut, *, now: datetime) -> None:
    """Withdraw an opt-out for the proven owner of the address.

    Raises StoppedBySms for a STOP: the carrier enforces it, whatever our tables say, until the number sends START.
    """
    if standing.source == OptOutSource.SMS:
        raise StoppedBySms
    opt_in(channel=standing.channel, address=standing.address, now=now)


@dataclass(frozen=True)
class ClientAddress:
    """An address of a client, with the opt-out in force.

    `opt_out` is None also if the reader may not know of it (`is_told`).
    """

    channel: str
    address: str
    is_told: bool
    opt_out: OptOut | None


def addresses_of(client: Client, actor: Actor) -> list[ClientAddress]:
    """Return a client's addresses, with the opt-outs the actor may know of.

    Opt-outs are visible only to staff who may see them, to the client once the address is proved, and to anybody who
    has written to the address as this client's: the provider or the client. Otherwise anybody could query any address
    by entering it as a client's.
    """
    addresses = []
    for channel, each in personal_channels().items():
        if address := each.address_of(client):
            is_told = _may_know(client, channel, address, actor)
            standing = standing_opt_out(channel=channel, address=address) if is_told else None
            addresses.append(ClientAddress(channel, address, is_told, standing))
    return addresses


def _may_know(client: Client, channel: str, address: str, actor: Actor) -> bool:
    if actor.may("reminders.view_optout"):
        return True
    if actor.user is None:
        return False
    if client.user_id == actor.user.pk and personal(channel).address_of_login(actor.user):
        return personal(channel).is_proved(actor.user, address)
    written = DeliveryAttempt.objects.filter(
        message__reservation__client=client,
        message__recipient=Recipient.CLIENT,
        message__channel=channel,
        address=address,
        outcome__in=(AttemptOutcome.SENT, AttemptOutcome.DELIVERED),
    )
    if client.user_id != actor.user.pk:
        written = written.filter(actor.user.as_provider("message__reservation__provider", "reminders.view_preferences"))
    return written.exists()


def standing_opt_out(*, channel: str, address: str) -> OptOut | None:
    return OptOut.objects.standing().filter(channel=channel, address=spelled(channel, address)).first()


def spelled(channel: str, address: str) -> str:
    """Return an address in its stored form."""
    return personal(channel).spelled(address)


def _check_speaks_for(actor: Actor, channel: str, address: str, permission: str) -> None:
    if actor.may(permission):
        return
    address = spelled(channel, address)
    if actor.user is None or actor.user.only_provider_id is not None:
        raise NotYourAddress(field="address")
    if not address or address != personal(channel).address_of_login(actor.user):
        raise NotYourAddress(field="address")
    if not personal(channel).is_proved(actor.user, address):
        raise NotVerified(field="address")


def _last(channel: str, address: str) -> OptOut | None:
    return OptOut.objects.filter(channel=channel, address=address).order_by("-pk").first()


def _reached(channel: str, address: str) -> Q:
    """Return the condition for clients who have this address."""
    return personal(channel).clients_at(address)


def _plan_anew(clients: Q, now: datetime) -> None:
    """Replan the reminders of these clients' upcoming appointments."""
    concerned = Client.objects.filter(clients).order_by().values("pk")
    coming = Appointment.objects.coming(now=now).filter(reservation__client__in=concerned)
    replan(coming, now=now)

"""The facts that decide which messages an appointment needs, loaded with one statement."""

from collections.abc import Collection
from datetime import datetime, time
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.db import connection

from accounts.providers.models import vetted_sql
from reminders.channels.registry import personal, personal_channels
from reminders.skip_reasons import NO_ADDRESS, NOT_CHOSEN, NOT_VETTED, OPTED_OUT

# One statement for ten tables, with lists as JSON and arrays: `make bench` (plan).
FACTS = f"""
SELECT made.id AS appointment_id, made.status, claimed.id AS reservation_id, claimed.starts_at,
       coalesce(made.reminder_offsets, service.reminder_offsets, schedule.reminder_offsets) AS offsets,
       client.timezone, login.email AS provider_email,
       {vetted_sql("provider")} AS provider_is_vetted,
       chosen.channels, chosen.quiet_from, chosen.quiet_until,
       ARRAY[{{addresses}}]::text[] AS addresses,
       (SELECT jsonb_object_agg(channel, at) FROM reminders_optout
        WHERE ended_at IS NULL AND (channel, address) IN ({{named_addresses}})) AS opted_out,
       (SELECT jsonb_object_agg(endpoint.id, to_jsonb(endpoint.events)) FROM reminders_webhookendpoint endpoint
        WHERE endpoint.provider_id = claimed.provider_id AND endpoint.disabled_at IS NULL) AS endpoints
FROM booking_appointment made
JOIN booking_reservation claimed ON claimed.id = {{reservation}}
JOIN booking_schedule schedule ON schedule.provider_id = claimed.provider_id
JOIN accounts_provider provider ON provider.id = claimed.provider_id
LEFT JOIN accounts_user login ON login.id = provider.user_id AND login.is_active
JOIN accounts_client client ON client.id = claimed.client_id
LEFT JOIN booking_service service ON service.id = claimed.service_id
LEFT JOIN reminders_preferences chosen ON chosen.client_id = client.id
WHERE made.id = """


class Facts(NamedTuple):
    """All facts that decide which messages one appointment needs."""

    appointment_id: int
    status: str
    reservation_id: int
    starts_at: datetime
    offsets: list[str] | None
    timezone: str
    provider_email: str | None
    provider_is_vetted: bool
    channels: list[str] | None
    quiet_from: time | None
    quiet_until: time | None
    addresses: list[str]
    """The client's, in the order of the channels."""
    opted_out: dict[str, str]
    """The channels whose address opted out, with the time of it (RFC 3339)."""
    endpoints: dict[str, list[str]]

    @property
    def chosen(self) -> list[str]:
        """The channels the client chose, or those of the site."""
        return settings.REMINDER_CHANNELS if self.channels is None else self.channels

    def address_on(self, channel: str) -> str:
        """Return the client's address on a channel; empty if there is none."""
        return self.addresses[list(personal_channels()).index(channel)]

    def client_channels(self, *, reminding: bool) -> list[str]:
        """Return the channels the client can and wants to be reached on. Most opt-outs do not stop notices of bookings.

        A channel that refuses the client is included: it is asked when a message is composed.
        """
        return [channel for channel in personal_channels() if not self.skip_reason(channel, reminding=reminding)]

    def skip_reason(self, channel: str, *, reminding: bool) -> str:
        """Return the reason why the client is not reached on a channel, as named in `skip_reasons`; empty if they
        are."""
        if channel not in self.chosen:
            return NOT_CHOSEN
        if not self.provider_is_vetted:
            return NOT_VETTED
        if not self.address_on(channel):
            return NO_ADDRESS
        silenced = channel in self.opted_out and (reminding or personal(channel).opt_out_stops_notices)
        return OPTED_OUT if silenced else ""

    def endpoints_for(self, event: str) -> list[int]:
        if not self.provider_is_vetted:
            return []
        return [int(pk) for pk, events in self.endpoints.items() if not events or event in events]


def _statement(reservation: str = "made.reservation_id") -> str:
    """Return `FACTS` for the channels there are, and for the present or another reservation."""
    addresses = {name: channel.address_sql() for name, channel in personal_channels().items()}
    return FACTS.format(
        addresses=", ".join(addresses.values()),
        named_addresses=", ".join(f"('{name}', {address})" for name, address in addresses.items()),
        reservation=reservation,
    )


def facts_of(appointments: Collection[int], *, locked: bool = False) -> list[Facts]:
    """Return the facts about these appointments. `locked` locks the rows against changes."""
    ids = list(appointments)
    which, parameter = ("%s", ids[0]) if len(ids) == 1 else ("ANY(%s)", ids)  # PostgreSQL keeps no plan for an array.
    with connection.cursor() as cursor:
        cursor.execute(f"{_statement()}{which}{' ORDER BY made.id FOR SHARE OF made' if locked else ''}", [parameter])
        return [_facts(row) for row in cursor.fetchall()]


def former_facts(appointment_id: int, reservation_id: int) -> Facts:
    """Return the facts about an appointment and a reservation that carried it before."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_statement('%s')}%s", [reservation_id, appointment_id])
        return _facts(cursor.fetchone())


def _facts(row: Any) -> Facts:
    *facts, opted_out, endpoints = row
    return Facts._make((*facts, orjson.loads(opted_out or "{}"), orjson.loads(endpoints or "{}")))

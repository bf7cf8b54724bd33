"""One of everything, and good requests about it: for tests that walk through the whole API."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import time_machine
from django.db import transaction
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.actors import Source
from accounts.models import SignIn
from accounts.sign_in.sign_ins import end_sign_ins
from booking.links import appointment_token, details_token, guest_token
from booking.models import CalendarFeed, Slot
from booking.reservations.guests import give_details, hold_as_visitor
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from reminders.models import Message, OptOut
from scheduler_project.common.api.versions import ROOT
from scheduler_project.common.db.references import new_reference
from tests.accounts.helpers import tokens_of
from tests.accounts.keys.helpers import new_key
from tests.conftest import logged_in
from tests.factories import (
    NOON,
    PASSWORD,
    SYSTEM,
    AvailabilityWindowFactory,
    ClientFactory,
    ClosureFactory,
    DateOverrideFactory,
    EventMessageFactory,
    MessageTemplateFactory,
    ProviderFactory,
    ServiceFactory,
    TimeOffFactory,
    UserFactory,
    WebhookEndpointFactory,
    appoint,
    at,
    hold,
    open_provider,
    verified,
)
from tests.looking import undone
from tests.project.schema import Endpoint, Schema, resolved


class World(NamedTuple):
    """The users, and the ids of existing rows."""

    people: dict[str, APIClient]
    ids: dict[str, Any]
    bad_tokens: dict[str, str]


@contextmanager
def everything() -> Iterator[World]:
    """One of everything at NOON, belonging to one provider and one client; gone again at the end."""
    with time_machine.travel(NOON, tick=False), undone():
        provider = open_provider(horizon_days=4)
        client = ClientFactory()
        service = ServiceFactory(owner=provider, providers=[provider])
        kept = ClientFactory(owner=provider, user=None)
        endpoint = WebhookEndpointFactory(provider=provider)
        appointment = appoint(provider, at("2026-03-04 09:00"), client=client)
        ids = {
            "appointments": appointment.pk,
            "clients": kept.pk,
            "closures": ClosureFactory(start_date="2026-12-24", end_date="2026-12-26").pk,
            "feeds": CalendarFeed.objects.create(client=client, token="t" * 43, created_at=NOON).pk,
            "message-templates": MessageTemplateFactory(provider=provider).pk,
            "providers": provider.pk,
            "reminders": Message.objects.filter(kind="reminder").earliest("pk").pk,
            "reservations": hold(provider, at("2026-03-04 10:00"), client=client).pk,
            "schedules": AvailabilityWindowFactory(
                schedule=provider.schedule, starts_at=at("2026-03-07 09:00"), ends_at=at("2026-03-07 10:00")
            ).pk,
            "series": create_series(
                wanted=SeriesSpec(
                    provider_id=provider.pk,
                    client_id=client.pk,
                    rrule="FREQ=DAILY;COUNT=3",
                    starts=datetime(2026, 3, 4, 14),
                ),
                policy=ConflictPolicy.SKIP_CONFLICTS,
                actor=SYSTEM,
                now=NOON,
            ).series.pk,
            "services": service.pk,
            "slots": Slot.objects.get(provider=provider, starts_at=at("2026-03-04 11:00")).pk,
            "time-off": TimeOffFactory(schedule=provider.schedule, start_date="2026-04-01").pk,
        }
        verified(client.user)
        ids["booker"], ids["users"] = client.pk, client.user.pk
        ids["opt-outs"] = OptOut.objects.create(channel="email", address=client.user.email, at=NOON, source="link").pk
        ids["webhooks"] = endpoint.pk
        boss = UserFactory(superuser=True)
        tokens_of(boss)
        ids["keys"] = new_key(boss, now=NOON).row.pk
        ids["sign_in_id"] = SignIn.objects.get(user=boss).pk
        ids["message"] = EventMessageFactory(appointment=appointment, endpoint=endpoint).pk
        neighbour = ClientFactory()
        theirs = appoint(provider, at("2026-03-04 12:00"), client=neighbour)
        hold(provider, at("2026-03-04 12:30"), client=neighbour)
        ids["date"] = str(DateOverrideFactory(schedule=provider.schedule, date="2026-04-02", hours=[]).date)
        reference = new_reference()
        time = {"service_id": None, "starts_at": at("2026-03-04 13:00"), "timezone": "UTC", "now": NOON}
        visiting = hold_as_visitor(provider_id=provider.pk, visitor=reference, source=Source.API, **time)
        ada = {"name": "Ada", "email": "ada@example.org", "note": "", "by_sms": False, "language": "en"}
        give_details(reservation_id=visiting.pk, now=NOON, **ada)
        people = {
            "anonymous": APIClient(),
            "a visitor": by_token(guest_token(reference, visiting)),
            "a guest": by_token(appointment_token(theirs)),
            "client": logged_in(client.user),
            "provider": logged_in(provider.user),
            "staff": logged_in(boss),
            "another client": logged_in(ClientFactory().user),
            "another client of that provider": logged_in(neighbour.user),
            "another provider": logged_in(ProviderFactory().user),
            "nobody in particular": logged_in(UserFactory()),
        }
        for api in people.values():
            api.raise_request_exception = False
        yield World(people, ids, bad_tokens() | {"of a page": f"Guest {details_token(visiting)}"})


def by_token(token: str) -> APIClient:
    """Return the API client of a guest who has this token."""
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Guest {token}")
    return api


def bad_tokens() -> dict[str, str]:
    user = UserFactory()
    tokens, gone = tokens_of(user), tokens_of(UserFactory(is_active=False))
    expired, endless, ended = AccessToken(tokens["access"]), AccessToken(tokens["access"]), tokens_of(user)
    expired.set_exp(from_time=NOON, lifetime=-timedelta(seconds=1))
    del endless["sid"]
    end_sign_ins(user=user, keep=SignIn.objects.get(pk=expired["sid"]), now=NOON)
    head, payload, _signature = tokens["access"].split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    return {
        "nothing": "Bearer",
        "two words": "Bearer a b",
        "no token": "Bearer x",
        "long": f"Bearer {'a' * 8000}",
        "no ASCII": "Bearer \xff\xfe",
        "expired": f"Bearer {expired}",
        "of somebody inactive": f"Bearer {gone['access']}",
        "of a sign-in that has ended": f"Bearer {ended['access']}",
        "of no sign-in": f"Bearer {endless}",
        "a refresh token": f"Bearer {tokens['refresh']}",
        "another signature": f"Bearer {head}.{payload}.AAAA",
        "no guest's token": "Guest x",
        "nothing of a guest": "Guest",
        "no signature": f"Bearer {none}.{payload}.",
    }


# --- Good requests ----------------------------------------------------------------------------------------------------

SAMPLES = {
    "password": PASSWORD,
    "phone": "+4930123456",
    "address": "somebody@example.org",
    "reminder_offsets[]": "1 day",
    "start_time": "2026-03-04T15:00:00Z",
    "end_time": "2026-03-04T16:00:00Z",
    "timezone": "UTC",
}
BY_FORMAT = {
    "date": "2026-03-04",
    "date-time": "2026-03-04T12:00:00Z",
    "email": "somebody@example.org",
    "uri": "https://example.org/",
}
BY_TYPE = {"string": "text", "integer": 15, "number": 15, "boolean": True}


def sample(name: str, part: Schema, ids: dict[str, Any]) -> Any:
    """A value that a field may well take."""
    part = resolved(part)
    if part.get("type") == "array":
        return [sample(f"{name}[]", part["items"], ids)]
    if part.get("type") == "object":
        return good_body(part, ids)
    known = {**SAMPLES, **{key.removesuffix("s"): value for key, value in ids.items()}}
    guesses = [part.get("example"), known.get(name), *part.get("enum", []), BY_FORMAT.get(part.get("format", ""))]
    return next((guess for guess in guesses if guess is not None), BY_TYPE[part.get("type", "integer")])


def good_body(part: Schema, ids: dict[str, Any]) -> dict[str, Any]:
    """The required fields with values they may well take."""
    return {name: sample(name, part["properties"][name], ids) for name in part.get("required", [])}


def good_request(endpoint: Endpoint, ids: dict[str, Any]) -> dict[str, Any]:
    if endpoint.body is None:
        return {}
    return as_json({**with_ids((endpoint.examples or [{}])[0], ids), **good_body(endpoint.body, ids)})


def with_ids(example: Any, ids: dict[str, Any]) -> Any:
    """A documented example, with the ids of rows that exist where it names the first of each."""
    return {key: ids.get(f"{key}s", value) if value == 1 else value for key, value in example.items()}


def path_of(endpoint: Endpoint, ids: dict[str, Any]) -> str:
    """The endpoint's path with these ids, by `names_in` it."""
    return endpoint.path.format_map(ids | {"id": ids.get(noun(endpoint), 1), "client": ids["booker"]})


def names_in(endpoint: Endpoint) -> list[str]:
    """Return the names of the path's parameters: `appointments` for an `id`, `booker` for a `client`."""
    called = {"id": noun(endpoint), "client": "booker"}
    return [called.get(name, name) for name in re.findall(r"{(\w+)}", endpoint.path)]


def noun(endpoint: Endpoint) -> str:
    """Return the noun of the endpoint, such as `appointments`."""
    path = endpoint.alias_of.partition(" ")[2] or endpoint.path
    return path.removeprefix(ROOT).removeprefix("admin/").split("/")[0]


def sent(api: APIClient, endpoint: Endpoint, path: str, **extra: Any) -> Any:
    """Return the response to one request. The changes of an accepted one are rolled back, those of a refused one are
    kept."""
    with transaction.atomic():
        response = getattr(api, endpoint.method)(path, **extra)
        if not 400 <= response.status_code < 500:
            transaction.set_rollback(True)
    return response


def as_json(body: Any) -> dict[str, Any]:
    return {"data": json.dumps(body), "content_type": "application/json"}

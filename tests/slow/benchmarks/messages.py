"""The cost of reminders: messages dispatched per second, and planning."""

import os
import smtplib
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.db import connection, connections, transaction
from django.utils import timezone

from booking.models import Appointment
from reminders.channels.base import OutgoingMessage
from reminders.channels.email.channel import mime_message
from reminders.dispatch.dispatcher import dispatch
from reminders.enums import MessageKind
from reminders.models import Message
from reminders.outbox import enqueue
from reminders.plan import operations as plan
from reminders.templates.composer import compose
from tests.slow.chaos import seed
from tests.slow.chaos.sink import sink

Row = dict[str, Any]

DISPATCH_TARGET = 0.5
DISPATCHERS = (1, 2)
PLANNED = 1000
DAY = timedelta(days=1)


def dispatching(rounds: int, count: int) -> list[Row]:
    """Due reminders, looked up, written, sent and marked; beside the same mail, sent over and over on one connection.

    Made anew each time and sent by Django (`of Django's`), or made once and sent by smtplib (`of smtplib's`).
    """
    now, rows = timezone.now(), []
    appointments = seed.appointments(count, now)
    with tempfile.TemporaryDirectory() as place, sink(Path(place) / "mail") as mail:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mail.port

        def before() -> None:
            seed.owe(appointments, now)
            mail.forget()

        def app(dispatchers: int) -> None:
            dispatch_at_once(dispatchers)
            assert mail.count() == count, f"{mail.count()} mails of {count} came in"

        before()
        outgoing = compose(Message.objects.detailed()[0], custom_texts={}, now=now)
        floors = {
            "Django's": partial(django_alone, outgoing, count),
            "smtplib's": partial(smtplib_alone, outgoing, count),
        }
        for dispatchers in DISPATCHERS:
            compared = by_turns(rounds, count, partial(app, dispatchers), floors, before)
            for (name, row), target in zip(compared.items(), ({"target": DISPATCH_TARGET}, {}), strict=True):
                about = {"row": f"{dispatchers} dispatcher(s) of {name}", "unit": "mails/s", "clients": 1}
                rows.append({**about, **row, **target})
    seed.forget()
    return rows


def dispatch_at_once(dispatchers: int) -> None:
    """Run as many processes as a worker has, each with its own round."""
    connections.close_all()
    children = []
    for _number in range(dispatchers - 1):
        child = os.fork()
        if not child:
            dispatch(clock=timezone.now)
            os._exit(0)
        children.append(child)
    dispatch(clock=timezone.now)
    for child in children:
        os.waitpid(child, 0)


def django_alone(outgoing: OutgoingMessage, count: int) -> None:
    """One connection, kept; each mail is made by Django."""
    with get_connection() as backend:
        for _number in range(count):
            backend.send_messages([mime_message(outgoing)])


def smtplib_alone(outgoing: OutgoingMessage, count: int) -> None:
    """One connection, one mail that is already made."""
    mail = mime_message(outgoing)
    content = mail.message().as_bytes(linesep="\r\n")
    with smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT) as server:
        for _number in range(count):
            server.sendmail("office@example.org", [outgoing.address], content)


def planning(rounds: int) -> list[Row]:
    """Measure planning: for one booking, and for all appointments."""
    now = timezone.now()
    appointments = seed.appointments(PLANNED, now)
    ids = [appointment.pk for appointment in appointments]

    def one_by_one() -> None:
        for pk in ids:
            with transaction.atomic():
                [facts] = plan.facts_of([pk])
                plan.enqueue(list(plan.reminders_for(facts)), now)

    def bare_one_by_one() -> None:
        for appointment in appointments:
            with transaction.atomic():
                insert([appointment])

    def all_at_once() -> None:
        assert plan.replan(Appointment.objects.filter(pk__in=ids), now=now) == PLANNED

    def insert(those: list[Appointment]) -> None:
        starts = [(each, each.reservation.starts_at) for each in those]
        rows = [
            plan.OutboxEntry(
                MessageKind.REMINDER,
                "email",
                plan.Recipient.CLIENT,
                each.reservation_id,
                each.pk,
                start - before,
                start,
                str(before),
            )
            for each, start in starts
            for before in (DAY, DAY / 24)
        ]
        columns = enqueue.columns_of(rows)
        with connection.cursor() as cursor:
            cursor.execute(enqueue.WRITE, {**columns, "now": now})

    kinds = [
        ("planned with a booking", one_by_one, bare_one_by_one),
        ("planned anew", all_at_once, lambda: insert(appointments)),
    ]
    rows = [
        {"row": name, "unit": "appointments/s", "clients": 1}
        | by_turns(rounds, PLANNED, app, {"floor": floor}, seed.forget)["floor"]
        for name, app, floor in kinds
    ]
    seed.forget()
    return rows


def by_turns(
    rounds: int,
    count: int,
    app: Callable[[], None],
    floors: dict[str, Callable[[], None]],
    before: Callable[[], None],
) -> dict[str, Row]:
    """App, floors, app, floors …, each after `before`: medians beside each floor, the first turn to warm up."""
    ways = {"app": app, **floors}
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _number in range(rounds + 1):
        for name, work in ways.items():
            before()
            started = time.perf_counter()
            work()
            took[name].append(time.perf_counter() - started)
    rates = {name: {"rate": round(count / statistics.median(times[1:]))} for name, times in took.items()}
    ratios = {
        name: statistics.median(bare / ours for ours, bare in zip(took["app"][1:], took[name][1:], strict=True))
        for name in floors
    }
    return {
        name: {"app": rates["app"], "floor": rates[name], "ratio": round(ratio, 3)} for name, ratio in ratios.items()
    }

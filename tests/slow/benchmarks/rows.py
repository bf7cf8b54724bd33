"""The measurements. Each function returns rows: plain dicts, for the table and for the JSON file."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import psutil
from dateutil.rrule import WEEKLY, rrule
from django.db import connection, transaction
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext

from booking.availability.slots import extend
from booking.models import Reservation, Slot
from booking.reservations.operations import expire_due
from booking.series.recurrence import occurrences
from booking.series.rule import read
from scheduler_project.common.time.intervals import DAY
from tests.slow.benchmarks import messages, numbers, seed
from tests.slow.benchmarks.load import Answer, Client, Load, drive, get, post
from tests.slow.benchmarks.servers import Web, web_server

Row = dict[str, Any]

LIST_TARGET = 0.5
UNCHANGED_TARGET = 1.3
"""A 304 costs less than half of the list in PostgreSQL. The frame of a request, most of the rest, is the same."""
RESERVE_TARGET = 0.33
SLOTS_TARGET = 0.5
SERIES_TARGET = 0.67
"""At most 1.5 times dateutil's own time."""
NOTHING_EXPIRED_MS = 1.0
WEEK = timedelta(days=7)
WEEK_SLOTS = 200
NO_TAGS: dict[str, str] = {}


@dataclass
class Bench:
    """The settings of a benchmark, and the place to run it."""

    sizes: list[int]
    rounds: int
    seconds: float
    reservations: int
    port: int
    postgres: psutil.Process | None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    providers: list[int] = field(default_factory=list)
    clients: list[tuple[int, str]] = field(default_factory=list)

    def grow(self, providers: int) -> None:
        if len(self.providers) < providers:
            say(f"seeding {providers} providers")
            self.providers = seed.grow(providers, self.now)

    def web(self, *, guarded: bool = True) -> Any:
        return web_server(self.port, self.postgres, guarded=guarded)


def say(text: str) -> None:
    print(f"  {text}", flush=True)


# --- App and floor by turns -------------------------------------------------------------------------------------------


@dataclass
class Side:
    """The runs of one of the two."""

    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    web_ms: list[float] = field(default_factory=list)
    postgres_ms: list[float] = field(default_factory=list)
    errors: int = 0

    def summary(self) -> Row:
        figures = {name: getattr(self, name) for name in ("p50", "p99", "web_ms", "postgres_ms")}
        medians = {name: round(statistics.median(values), 3) for name, values in figures.items() if values}
        return {"rate": round(statistics.median(self.rates), 1), **medians, "errors": self.errors}


def run(side: Side, web: Web, load: Callable[[], Load], good: int) -> float:
    """One run; its answers with the status `good` are what is counted."""
    before = web.seconds()
    done = load()
    after = web.seconds()
    count = done.statuses[good] or 1
    side.rates.append(done.statuses[good] / done.seconds)
    side.p50.append(done.percentile(0.5))
    side.p99.append(done.percentile(0.99))
    side.web_ms.append((after[0] - before[0]) / count * 1000)
    if web.postgres:
        side.postgres_ms.append((after[1] - before[1]) / count * 1000)
    strange = {status: count for status, count in done.statuses.items() if status not in (200, 201, good)}
    side.errors += sum(strange.values())
    for status in strange:
        say(f"unexpected {status}: {done.example[status][:300]!r}")
    return side.rates[-1]


def by_turns(
    bench: Bench,
    web: Web,
    app: Callable[[], Load],
    floor: Callable[[], Load],
    *,
    good: int,
    good_floor: int | None = None,
    after: Callable[[], None] = lambda: None,
) -> Row:
    """App, floor, app, floor …: medians of each, and of the ratios of neighbours. The first pair warms up."""
    sides = Side(), Side()
    ratios = []
    for number in range(bench.rounds + 1):
        if number == 1:
            sides = Side(), Side()
        rates = []
        for side, load, status in zip(sides, (app, floor), (good, good_floor or good), strict=True):
            rates.append(run(side, web, load, status))
            after()
        if number:
            ratios.append(rates[0] / rates[1])
    web_mb, postgres_mb = web.megabytes()
    return {
        "app": sides[0].summary(),
        "floor": sides[1].summary(),
        "ratio": round(statistics.median(ratios), 3),
        "web_mb": round(web_mb),
        "postgres_mb": round(postgres_mb),
    }


# --- 1. Laying out slots ----------------------------------------------------------------------------------------------

BARE_INSERT = """
INSERT INTO booking_slot (provider_id, starts_at, ends_at, withdrawn)
SELECT %s, cell, cell + interval '15 min', false
FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS day(starts_at, ends_at),
     generate_series(day.starts_at, day.ends_at - interval '15 min', interval '15 min') AS cell
"""


def laying_out(bench: Bench) -> list[Row]:
    """Slots per second by the real operation, and by one INSERT … SELECT of the same rows per provider."""
    bench.grow(bench.sizes[-1])
    say("laying out slots")
    model = Slot.objects.filter(provider=bench.providers[0]).order_by("starts_at")
    cells = list(model.values_list("starts_at", "ends_at"))
    days = [list(day) for _, day in itertools.groupby(cells, key=lambda cell: cell[0].date())]
    starts, ends = [day[0][0] for day in days], [day[-1][1] for day in days]
    batch = 10

    def app(schedules: list[Any]) -> int:
        return sum(extend(schedule_id=schedule.pk, now=bench.now) for schedule in schedules)

    def floor(schedules: list[Any]) -> int:
        written = 0
        for schedule in schedules:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(BARE_INSERT, [schedule.provider_id, starts, ends])
                written += cursor.rowcount
        return written

    rates: dict[str, list[float]] = {"app": [], "floor": []}
    for _number in range(bench.rounds):
        for name, work in (("app", app), ("floor", floor)):
            schedules = seed.add_providers(batch, datetime.now(UTC))
            started = time.perf_counter()
            written = work(schedules)
            rates[name].append(written / (time.perf_counter() - started))
            assert written == batch * len(cells), f"{written} slots by the {name}, {batch} × {len(cells)} expected"
            seed.remove_providers(schedules)
    ratios = [ours / bare for ours, bare in zip(rates["app"], rates["floor"], strict=True)]
    summaries = {name: {"rate": round(statistics.median(values))} for name, values in rates.items()}
    about = {"row": "slots laid out", "unit": "slots/s", "providers": len(bench.providers), "clients": 1}
    return [{**about, **summaries, "ratio": round(statistics.median(ratios), 3), "target": SLOTS_TARGET}]


# --- 2. One provider's free week --------------------------------------------------------------------------------------


def listing(bench: Bench) -> list[Row]:
    rows = []
    start = seed.monday_ahead(bench.now)
    for size in bench.sizes:
        bench.grow(size)
        seed.book_around(start, start + WEEK, bench.clients[0][0], bench.now)
        with bench.web() as web:
            for clients in (1, 16):
                say(f"free week, {size} providers, {clients} clients")
                rows += free_week(bench, web, size, clients)
        seed.forget_bookings()
    return rows


def free_week(bench: Bench, web: Web, size: int, clients: int) -> list[Row]:
    """The app beside the floor; and the app's 304 for a week that has not changed beside its list of it."""
    start = seed.monday_ahead(bench.now)
    week = f"start={start:%Y-%m-%dT%H:%M:%SZ}&end={start + WEEK:%Y-%m-%dT%H:%M:%SZ}"
    shuffled = sorted(bench.providers[:size], key=lambda pk: pk * 7919 % 1009)
    paths = [f"provider={provider}&{week}" for provider in shuffled]
    queries = same_week(paths[0])

    def asking(prefix: str, suffix: str = "", tags: dict[str, str] = NO_TAGS) -> Callable[[], Load]:
        requests = [get(f"{prefix}?{path}{suffix}", tags.get(path, "")) for path in paths]

        def client(number: int, until: float) -> Client:
            for request in itertools.islice(itertools.cycle(requests), number * 61, None):
                if time.perf_counter() >= until:
                    return
                yield request

        def load() -> Load:
            until = time.perf_counter() + bench.seconds
            return drive(web.port, [client(number, until) for number in range(clients)])

        return load

    page = "&page_size=200"
    browser = DjangoClient(HTTP_HOST="localhost")
    tags = {path: browser.get(f"/api/slots?{path}{page}").headers["ETag"] for path in paths}
    listed = asking("/api/slots", page)
    measured = by_turns(bench, web, listed, asking("/floor/slots"), good=200)
    unchanged = by_turns(bench, web, asking("/api/slots", page, tags), listed, good=304, good_floor=200)
    about = {"unit": "requests/s", "providers": size, "clients": clients}
    return [
        {"row": "free week listed", **about, **measured, "target": LIST_TARGET, "queries": queries},
        {"row": "free week unchanged : listed", **about, **unchanged, "target": UNCHANGED_TARGET},
    ]


def same_week(path: str) -> int:
    """Check that app and floor answer the same times; return how many queries the app takes."""
    client = DjangoClient(HTTP_HOST="localhost")
    with CaptureQueriesContext(connection) as queries:
        ours = client.get(f"/api/slots?{path}&page_size=200")
    count = len(queries)
    theirs = client.get(f"/floor/slots?{path}")
    assert ours.status_code == 200, ours.content
    assert ours.json()["results"] == theirs.json()["results"], "app and floor disagree"
    assert len(ours.json()["results"]) == WEEK_SLOTS, len(ours.json()["results"])
    return count


# --- 3. Reserving -----------------------------------------------------------------------------------------------------


def reserving(bench: Bench) -> list[Row]:
    bench.grow(bench.sizes[-1])
    slots = seed.free_slot_ids(bench.now, 5 * len(bench.clients))
    kinds = (("reserve", app_reserve, floor_reserve, 201), ("reserve + confirm", app_book, floor_book, 200))
    rows = []
    with bench.web() as web:
        for (name, app, floor, good), clients in itertools.product(kinds, (1, 16)):
            say(f"{name}, {clients} clients")
            loads = [partial(distinct_slots, bench, web, slots, clients, script) for script in (app, floor)]
            measured = by_turns(bench, web, *loads, good=good, after=seed.forget_bookings)
            about = {"row": name, "unit": "bookings/s", "providers": len(bench.providers), "clients": clients}
            rows.append({**about, **measured, "target": RESERVE_TARGET})
    return rows


Script = Callable[[int, int, str], Client]
"""One client's requests for a slot, by the slot's id, the client's id and the token."""


def distinct_slots(bench: Bench, web: Web, slots: list[int], clients: int, script: Script) -> Load:
    """Every request wants a slot of its own, and people take turns, so that nobody holds too many."""
    work = zip(slots, itertools.cycle(bench.clients), strict=False)
    until = time.perf_counter() + bench.seconds
    return drive(web.port, [one_after_another(work, until, script) for _ in range(clients)])


def one_after_another(work: Iterator[tuple[int, tuple[int, str]]], until: float, script: Script) -> Client:
    for slot, (client_id, token) in work:
        if time.perf_counter() >= until:
            return
        yield from script(slot, client_id, token)


def app_reserve(slot: int, client_id: int, token: str) -> Client:
    return (yield post(f"/api/slots/{slot}/reserve", token=token, client_id=client_id))  # type: ignore[return-value]


def app_book(slot: int, client_id: int, token: str) -> Client:
    answer: Answer = yield from app_reserve(slot, client_id, token)  # type: ignore[assignment]
    if answer.status == 201:
        reservation = orjson.loads(answer.body)["id"]
        yield post(f"/api/reservations/{reservation}/confirm", '{"confirmed": true}', token, client_id)


def floor_reserve(slot: int, client_id: int, token: str) -> Client:
    return (yield post("/floor/reserve", f'{{"slot": {slot}, "client": {client_id}}}'))  # type: ignore[return-value]


def floor_book(slot: int, client_id: int, token: str) -> Client:
    answer: Answer = yield from floor_reserve(slot, client_id, token)  # type: ignore[assignment]
    if answer.status == 201:
        yield post("/floor/confirm", f'{{"reservation": {orjson.loads(answer.body)["id"]}}}')


# --- 4. Races ---------------------------------------------------------------------------------------------------------

OVERLAPS = """
SELECT count(*) FROM booking_reservation a JOIN booking_reservation b USING (provider_id)
WHERE a.id < b.id AND a.status IN ('held', 'confirmed') AND b.status IN ('held', 'confirmed')
  AND a.blocked_from < b.blocked_until AND b.blocked_from < a.blocked_until
"""


def races(bench: Bench) -> list[Row]:
    bench.grow(bench.sizes[0])
    with bench.web() as web:
        rows = [race(bench, web, slots, each) for slots, each in ((1, 1), (20, 1), (50, 5))]
    constraint = next(found for found in Reservation._meta.constraints if found.name == "reservation_no_overlap")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Reservation, constraint)
    try:
        with bench.web(guarded=False) as web:
            rows += [race(bench, web, slots, each, guarded=False) for slots, each in ((1, 1), (20, 1), (50, 5))]
    finally:
        with connection.schema_editor() as editor:
            editor.add_constraint(Reservation, constraint)
    return rows


def race(bench: Bench, web: Web, slot_count: int, each: int, *, guarded: bool = True) -> Row:
    """200 clients go for the same slots at once, `each` times; who comes second must hear 409."""
    racers = bench.clients[:200]
    say(f"{len(racers)} clients, {each} × each, for {slot_count} slots{'' if guarded else ', without the guards'}")
    slots = seed.free_slot_ids(bench.now, slot_count)

    def racer(number: int, client_id: int, token: str) -> Client:
        # Neighbours want the same slot, so that they meet in the server.
        first = number * slot_count // len(racers)
        for attempt in range(each):
            slot = slots[(first + attempt * slot_count // each) % slot_count]
            yield post(f"/api/slots/{slot}/reserve", token=token, client_id=client_id)

    drive(web.port, [iter_one(get("/readyz")) for _ in range(16)])
    load = drive(web.port, [racer(number, *client) for number, client in enumerate(racers)])
    with connection.cursor() as cursor:
        cursor.execute(OVERLAPS)
        overlaps = cursor.fetchone()[0]
    booked = Reservation.objects.count()
    seed.forget_bookings()
    won, lost = load.statuses[201], load.statuses[409]
    return {
        "row": "race" if guarded else "race, guards off",
        "requests": load.count,
        "clients": len(racers),
        "slots": slot_count,
        "won": won,
        "refused": lost,
        "errors": load.count - won - lost,
        "seconds": round(load.seconds, 2),
        "booked": booked,
        "overlaps": overlaps,
        "right": won == booked == slot_count and lost == load.count - won and not overlaps,
        "guarded": guarded,
    }


def iter_one(request: bytes) -> Client:
    yield request


# --- 5. Expiring ------------------------------------------------------------------------------------------------------

RESERVATIONS = """
CREATE TABLE bench_claims AS
SELECT slot.id AS slot, nextval('booking_reservation_id_seq') AS reservation, provider_id, starts_at, ends_at,
       CASE row_number() OVER (ORDER BY hashint8(slot.id)) %% 10
           WHEN 0 THEN 'held' WHEN 1 THEN 'confirmed' WHEN 2 THEN 'confirmed' WHEN 3 THEN 'confirmed'
           ELSE 'released' END AS status
FROM (SELECT * FROM booking_slot WHERE reservation_id IS NULL ORDER BY hashint8(id) LIMIT %(count)s) slot;

INSERT INTO booking_reservation (id, provider_id, client_id, starts_at, ends_at, blocked_from, blocked_until, status,
                                 expires_at, overrides, face, created_at)
SELECT reservation, provider_id, %(client)s, starts_at, ends_at, starts_at, ends_at, status,
       CASE status WHEN 'confirmed' THEN NULL ELSE %(now)s - interval '1 minute' END, '{}', 'api',
       %(now)s - interval '1 hour'
FROM bench_claims;

UPDATE booking_slot SET reservation_id = reservation FROM bench_claims
WHERE slot = booking_slot.id AND status <> 'released';

DELETE FROM bench_claims WHERE status <> 'held';
"""

HOLD_AGAIN = """
UPDATE booking_reservation SET status = 'held', closed_at = NULL FROM bench_claims WHERE id = reservation;
UPDATE booking_slot SET reservation_id = reservation FROM bench_claims WHERE slot = booking_slot.id;
"""

BARE_EXPIRY = """
WITH dead AS (
    UPDATE booking_reservation SET status = 'expired', closed_at = %(now)s
    WHERE status = 'held' AND expires_at <= %(now)s RETURNING id
)
UPDATE booking_slot SET reservation_id = NULL FROM dead WHERE reservation_id = dead.id
"""


def expiring(bench: Bench) -> list[Row]:
    """A tenth of all reservations are holds past their end, three tenths confirmed, the rest over and done with."""
    bench.grow(bench.sizes[-1])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM booking_slot WHERE reservation_id IS NULL")
        count = min(bench.reservations, cursor.fetchone()[0])
        say(f"expiring {count // 10} holds of {count} reservations")
        cursor.execute("DROP TABLE IF EXISTS bench_claims")
        parameters = {"count": count, "client": bench.clients[0][0], "now": bench.now}
        for statement in RESERVATIONS.split(";\n\n"):
            cursor.execute(statement, {name: parameters[name] for name in parameters if f"%({name})s" in statement})
    seed.tidy()
    try:
        return [expired(bench, count), nothing_expired(bench, count)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bench_claims")
        forget_seeded()


def expired(bench: Bench, count: int) -> Row:
    def bare() -> int:
        with connection.cursor() as cursor:
            cursor.execute(BARE_EXPIRY, {"now": bench.now})
            return cursor.rowcount

    took: dict[str, list[float]] = {"app": [], "floor": []}
    for _number in range(max(1, min(3, bench.rounds))):
        for name, work in (("app", lambda: expire_due(now=bench.now)), ("floor", bare)):
            started = time.perf_counter()
            ended = work()
            took[name].append(time.perf_counter() - started)
            assert ended == count // 10, f"{ended} expired by the {name}, {count // 10} expected"
            with connection.cursor() as cursor:
                for statement in HOLD_AGAIN.strip().split(";\n"):
                    cursor.execute(statement)
            seed.tidy()
    expire_due(now=bench.now)
    seed.tidy()
    rates = {name: {"rate": round(count / 10 / statistics.median(values))} for name, values in took.items()}
    ratios = [bare / ours for ours, bare in zip(took["app"], took["floor"], strict=True)]
    return {
        "row": f"{count // 10:,} of {count:,} expired",
        "unit": "holds/s",
        "clients": 1,
        **rates,
        "ratio": round(statistics.median(ratios), 3),
        "seconds": round(statistics.median(took["app"]), 2),
    }


def nothing_expired(bench: Bench, count: int) -> Row:
    """The database's time for the operation's own statements, as EXPLAIN ANALYZE tells it."""
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        seen.append((statement, parameters))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(note):
        assert expire_due(now=bench.now) == 0
    totals = []
    for _number in range(20):
        total = 0.0
        with transaction.atomic(), connection.cursor() as cursor:
            for statement, parameters in seen:
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
                total += cursor.fetchone()[0][0]["Execution Time"]
        totals.append(total)
    return {
        "row": f"nothing expired at {count:,}",
        "unit": "ms of PostgreSQL",
        "statements": len(seen),
        "ms": round(statistics.median(totals), 3),
        "target": NOTHING_EXPIRED_MS,
    }


def forget_seeded() -> None:
    """`forget_bookings` for a million, without asking Django about each."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE booking_slot SET reservation_id = NULL WHERE reservation_id IS NOT NULL")
        cursor.execute("DELETE FROM booking_reservation")
    seed.tidy()


# --- 6. Expanding series ----------------------------------------------------------------------------------------------

SERIES = 1000
ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu")
YEAR = timedelta(days=365)


def expanding(bench: Bench) -> list[Row]:
    """A year of a thousand weekly series: ours as instants in UTC, dateutil's bare, on the wall clock."""
    say(f"expanding {SERIES:,} series")
    first = seed.monday_ahead(bench.now)
    starts = [first.replace(tzinfo=None) + timedelta(minutes=15 * (number % 480)) for number in range(SERIES)]
    zones = [ZoneInfo(name) for name in ZONES]

    def app() -> int:
        return sum(
            len(occurrences(read("FREQ=WEEKLY"), start, zone, first - DAY, first + YEAR))
            for start, zone in zip(starts, itertools.cycle(zones), strict=False)
        )

    def floor() -> int:
        return sum(len(list(rrule(WEEKLY, dtstart=start, until=start + YEAR))) for start in starts)

    took: dict[str, list[float]] = {"app": [], "floor": []}
    for _number in range(bench.rounds + 1):
        for name, work in (("app", app), ("floor", floor)):
            started = time.perf_counter()
            found = work()
            took[name].append(time.perf_counter() - started)
            assert abs(found - 53 * SERIES) <= SERIES, f"{found} occurrences by the {name}"
    ratios = [bare / ours for ours, bare in zip(took["app"][1:], took["floor"][1:], strict=True)]
    rates = {name: {"rate": round(SERIES / statistics.median(times[1:]))} for name, times in took.items()}
    about = {"row": "series expanded over a year", "unit": "series/s", "clients": 1}
    return [{**about, **rates, "ratio": round(statistics.median(ratios), 3), "target": SERIES_TARGET}]


ROWS: dict[str, Callable[[Bench], list[Row]]] = {
    "list": listing,
    "slots": laying_out,
    "reserve": reserving,
    "race": races,
    "expire": expiring,
    "series": expanding,
    "dispatch": lambda bench: messages.dispatching(bench.rounds, 2000 if bench.seconds >= 1 else 200),
    "plan": lambda bench: messages.planning(bench.rounds),
    "analytics": numbers.figures,
}

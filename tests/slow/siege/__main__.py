"""`make siege`: nobody who sends or reads slowly keeps others waiting.

    make siege                                  a minute
    make siege ARGS="--seconds 10 --floor 1"    a short one
    make siege ARGS="--control"                 also eight half-sent bodies, and a server whose threads read them

Starts PostgreSQL, Redis and the web server, and measures how long `/healthz`, a list of slots and a reservation take,
each on a connection of its own. Then 500 connections with half a body stand, 500 with half a head, 500 that are kept
and silent, and 200 readers who take a byte a second, and it is measured again. Their 99th percentile may be twice what
it was, or --floor seconds where that is more: a busy machine is no siege. Prints the figures; the exit status says
whether it was so.
"""

import argparse
import contextlib
import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler_project import embedded
from tests.slow.benchmarks import servers
from tests.slow.benchmarks.load import get, post

FILES = 8_192
GIVEN_UP = 10.0
GIVEN_UP_CONTROL = 4.0
"""Seconds that an answer is waited for. Of the control server nothing more is expected."""

PAUSE_SECONDS = 0.02
CROWD_SECONDS = 30
LAST = "reserve"
MOST_A_SECOND = 60
OURS = ["-m", "scheduler_project.serve"]
THREADS = ["-m", "gunicorn", "--worker-class", "gthread", "--workers", "2", "--threads", "4"]
THREADS += ["--no-control-socket", "--bind", "127.0.0.1:{port}", "scheduler_project.wsgi:application"]

Requests = Iterator[tuple[str, bytes]]


def main() -> None:
    options = read_options()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    with servers.data_servers(durable=False):
        asked = requests(int(options.seconds * MOST_A_SECOND))
        crowd = [options.bodies, options.heads, options.idle, options.readers]
        figures = {"ours": measure(OURS, crowd, asked, options)}
        if options.control:
            figures["control"] = measure(THREADS, [8, 0, 0, 0], asked, options, GIVEN_UP_CONTROL)
    print(json.dumps(figures, indent=1))
    sys.exit(not all(found["held"] == (name == "ours") for name, found in figures.items()))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make siege ARGS=…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long it is measured, before and during")
    parser.add_argument("--usual", type=float, default=None, help="how long it is measured before, if not as long")
    parser.add_argument("--floor", type=float, default=0.25, help="seconds that a 99th percentile may always have")
    parser.add_argument("--bodies", type=int, default=500)
    parser.add_argument("--heads", type=int, default=500)
    parser.add_argument("--idle", type=int, default=500)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--port", type=int, default=8100, help="where the web server listens, or the next free one")
    return parser.parse_args()


def requests(number: int) -> Requests:
    """Fill the database; return what is asked by turns, each reservation of another slot by another client."""
    import django

    django.setup()
    from django.core.management import call_command

    from tests.slow.benchmarks import seed

    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    now = datetime.now(UTC)
    provider = seed.grow(10, now)[0]
    slots = seed.free_slot_ids(now, number)
    people = seed.add_clients(number)
    start = seed.monday_ahead(now)
    end = start + timedelta(days=7)
    week = f"/api/slots?provider={provider}&start={start:%Y-%m-%dT%H:%M:%SZ}&end={end:%Y-%m-%dT%H:%M:%SZ}"
    reservations = [
        post(f"/api/slots/{slot}/reserve", token=token, client_id=client)
        for slot, (client, token) in zip(slots, people, strict=True)
    ]
    return by_turns(get(week), reservations)


def by_turns(listing: bytes, reservations: list[bytes]) -> Requests:
    for reservation in reservations:
        yield "healthz", get("/healthz")
        yield "list", listing
        yield LAST, reservation


def measure(
    command: list[str],
    crowd: list[int],
    asked: Requests,
    options: argparse.Namespace,
    patience: float = GIVEN_UP,
) -> dict[str, Any]:
    """Measure a server with and without the crowd."""
    port = servers.free_port(options.port)
    with servers.web_server(port, None, command=[part.format(port=port) for part in command]) as web:
        answered(port, asked, 2, patience)
        usual = answered(port, asked, options.seconds if options.usual is None else options.usual, patience)
        with besieging(port, crowd) as attackers:
            during = answered(port, asked, options.seconds, patience)
            standing = attackers()
        memory = servers.megabytes(web.process)
    limits = {name: max(2 * usual[name]["p99"], options.floor) for name in usual}
    held = all(during[name]["p99"] <= limits[name] and not during[name]["failed"] for name in usual)
    return {"held": held, "usual": usual, "besieged": during, "limits": limits, "web_mb": round(memory), **standing}


def answered(port: int, asked: Requests, seconds: float, patience: float) -> dict[str, dict[str, float]]:
    """Return the response times by name, and the number of failures, one request after the other."""
    times: dict[str, list[float]] = {}
    failed: dict[str, int] = {}
    until = time.monotonic() + seconds
    for name, request in asked:
        began = time.monotonic()
        good = succeeds(port, request, patience)
        times.setdefault(name, []).append(time.monotonic() - began)
        failed[name] = failed.get(name, 0) + (not good)
        time.sleep(PAUSE_SECONDS)
        if name == LAST and time.monotonic() > until:
            break
    return {
        name: {
            "p50": round(sorted(found)[len(found) // 2], 4),
            "p99": round(sorted(found)[int(len(found) * 0.99)], 4),
            "count": len(found),
            "failed": failed[name],
        }
        for name, found in times.items()
    }


def succeeds(port: int, request: bytes, patience: float) -> bool:
    """Return whether the request succeeds in time."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
            connection.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            while part := connection.recv(65_536):
                answer += part
    except OSError:
        return False
    return answer[9:12] in (b"200", b"201")


@contextlib.contextmanager
def besieging(port: int, crowd: list[int]) -> Iterator[Any]:
    """With all of them connected. Yields a question: how many stand now, and how many connected again."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.slow.siege.attackers", *map(str, [port, *crowd])],
        cwd=embedded.PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    ) as attackers:
        assert attackers.stdout
        told = (tuple(map(int, line.split())) for line in attackers.stdout)
        try:
            next(told_now for told_now in told if told_now[1] >= sum(crowd) * 0.9 or told_now[0] > CROWD_SECONDS)

            def standing() -> dict[str, int]:
                attackers.kill()
                _second, stand, again = list(told)[-1]
                return {"standing": stand, "connected_again": again}

            yield standing
        finally:
            attackers.kill()


if __name__ == "__main__":
    main()

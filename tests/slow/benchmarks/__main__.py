"""`make bench`: how fast the app is beside the least that could be done in the same server.

    make bench                               everything
    make bench ARGS="--quick"                a smoke test, under a minute
    make bench ARGS="list --sizes 10 1000"   chosen rows and sizes

Starts PostgreSQL, Redis and the web server for itself. With DATABASE_URL set it uses a new database beside the one
named, called *_bench, and drops it afterwards; with REDIS_URL set, that Redis. Ratios are medians of alternating runs
(app, floor, app, floor …), so that what else the machine does hits both; absolute figures are of this machine at this
hour.
"""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scheduler_project import embedded
from scheduler_project.machine import ServerError
from tests.slow.benchmarks import servers

NAMES = ("list", "slots", "reserve", "race", "expire", "series", "dispatch", "plan", "analytics")


def main() -> None:
    options = read_options()
    try:
        with servers.data_servers(durable=not options.no_fsync) as postgres:
            rows = measure(options, postgres)
            report = {"about": about(options), "rows": rows}
    except ServerError as error:
        sys.exit(f"Stopped. {error}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n")
    print("\n" + "\n".join(table(rows)) + f"\n\nWritten to {options.out}")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"what to measure: {', '.join(NAMES)}; all if left out")
    parser.add_argument("--sizes", nargs="+", type=int, default=None, help="numbers of providers (10 100 1000)")
    parser.add_argument("--rounds", type=int, default=None, help="pairs of runs per row (7)")
    parser.add_argument("--seconds", type=float, default=None, help="length of a run (2)")
    parser.add_argument("--reservations", type=int, default=None, help="how many the expiry works on (1000000)")
    parser.add_argument("--no-fsync", action="store_true", help="let our own PostgreSQL not wait for the disk")
    parser.add_argument("--quick", action="store_true", help="10 providers, short runs")
    parser.add_argument("--port", type=int, default=8100, help="where the web server listens, or the next free one")
    parser.add_argument("--out", type=Path, default=embedded.PROJECT / "var" / "bench.json")
    options = parser.parse_args()
    usual = ([10], 2, 0.3, 20_000) if options.quick else ([10, 100, 1000], 7, 2.0, 1_000_000)
    for name, value in zip(("sizes", "rounds", "seconds", "reservations"), usual, strict=True):
        if getattr(options, name) is None:
            setattr(options, name, value)
    if unknown := set(options.rows) - set(NAMES):
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return options


def measure(options: argparse.Namespace, postgres: Any) -> list[dict[str, Any]]:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.slow.benchmarks import seed
    from tests.slow.benchmarks.rows import ROWS, Bench

    call_command("migrate", interactive=False, verbosity=0)
    bench = Bench(
        sizes=sorted(options.sizes),
        rounds=options.rounds,
        seconds=options.seconds,
        reservations=options.reservations,
        port=servers.free_port(options.port),
        postgres=postgres,
    )
    bench.clients = seed.add_clients(500 if options.quick else 4000)
    rows = []
    for name in NAMES:
        if not options.rows or name in options.rows:
            rows += ROWS[name](bench)
    return rows


def about(options: argparse.Namespace) -> dict[str, Any]:
    from importlib.metadata import version

    from django.db import connection

    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "django": version("django"),
        "postgresql": ".".join(map(str, divmod(connection.pg_version, 10_000))),
        "cores": os.cpu_count(),
        "durable": not options.no_fsync,
        "rounds": options.rounds,
        "seconds": options.seconds,
    }


# --- The table --------------------------------------------------------------------------------------------------------


def table(rows: list[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    compared = [row for row in rows if "ratio" in row]
    if compared:
        lines.append(
            f"{'':30}{'providers':>10}{'clients':>8}{'app':>9}{'floor':>9} {'':11}{'ratio':>6} {'target':>7}   "
            f"{'p50 ms':>13} {'p99 ms':>13} {'web CPU ms':>13} {'db CPU ms':>13} {'MB web/db':>11}"
        )
    for row in compared:
        app, floor = row["app"], row["floor"]
        pairs = "".join(f" {pair(app, floor, name):>13}" for name in ("p50", "p99", "web_ms", "postgres_ms"))
        memory = f"{row['web_mb']}/{row['postgres_mb']}" if "web_mb" in row else ""
        target = f"≥ {row['target']}" if "target" in row else ""
        lines.append(
            f"{row['row']:30}{row.get('providers', ''):>10}{row['clients']:>8}{app['rate']:>9.0f}{floor['rate']:>9.0f}"
            f" {row['unit']:11}{row['ratio']:>6.2f} {target:>7}   {pairs[1:]} {memory:>11}{remarks(row)}"
        )
    for row in rows:
        if "won" in row:
            verdict = "" if row["right"] == row["guarded"] else "   <- NOT AS IT SHOULD BE"
            lines.append(
                f"{row['row']:30}{row['requests']} requests by {row['clients']} clients for {row['slots']} slots: "
                f"{row['won']} won, {row['refused']} refused, {row['errors']} errors, {row['overlaps']} overlaps, "
                f"{row['seconds']} s{verdict}"
            )
        if "answer_ms" in row:
            lines.append(
                f"{row['row']:45}{row['answer_ms']:>9.1f} ms for {row['counted']:,} counted: {row['times']:.1f} × the "
                f"least (target ≤ {row['target']:.0f}); CPU {row['cpu_ms']:.0f} ms, {row['cpu_times']:.1f} ×"
            )
        if "ms" in row:
            lines.append(f"{row['row']:30}{row['ms']} {row['unit']} in {row['statements']} statements (target < 1 ms)")
    return lines + growth(rows)


def growth(rows: list[dict[str, Any]]) -> list[str]:
    """Return the cost of a free week with most providers, compared with the cost with fewest."""
    weeks = [row["app"] for row in rows if row["row"] == "free week listed" and row["clients"] == 1]
    if len(weeks) < 2:
        return []
    first, last = (week["web_ms"] + week.get("postgres_ms", 0) for week in (weeks[0], weeks[-1]))
    return [f"{'free week, most : fewest':30}{last / first:.2f} × the CPU time of a request (target 1)"]


def pair(app: dict[str, Any], floor: dict[str, Any], name: str) -> str:
    return f"{app[name]:.2f}/{floor[name]:.2f}" if name in app else ""


def remarks(row: dict[str, Any]) -> str:
    remark = f"  {row['queries']} queries" if "queries" in row else ""
    errors = row["app"].get("errors", 0) + row["floor"].get("errors", 0)
    return remark + (f"  {errors} ERRORS" if errors else "")


if __name__ == "__main__":
    main()

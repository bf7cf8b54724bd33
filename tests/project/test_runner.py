"""The command that runs the whole site, each time with real processes."""

import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from scheduler_project import embedded, processes, runner
from scheduler_project.embedded import PROJECT
from scheduler_project.machine import ServerError
from tests import template

START_SECONDS = 60


class Site:
    """`make run` in a process of its own, on a free port and with data of its own."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.port = _free_port()
        own = {"DATA_DIR": str(data_dir), "PORT": str(self.port), "DEMO": "off", "SITE_URL": ""}
        unset = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECURE"}
        inherited = {name: value for name, value in os.environ.items() if name not in unset}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scheduler_project.runner"],
            cwd=PROJECT,
            env=inherited | own | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "The site is ready" in line:
                return
        pytest.fail("".join(said))

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="scheduler-runner-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def migrated(data_dir: Path) -> Path:
    """A data directory whose database has all migrations, so that a site is ready ten seconds earlier."""
    template.copy_cluster(data_dir)
    return data_dir


@pytest.fixture
def selector() -> Iterator[selectors.DefaultSelector]:
    with selectors.DefaultSelector() as created:
        yield created
        for key in list(created.get_map().values()):
            key.data.process.wait()
            key.data.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _status(site: Site) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/readyz") as response:
        return response.status


@pytest.mark.slow
@pytest.mark.xdist_group("runner")
def test_site_runs_until_it_is_told_to_stop(data_dir: Path) -> None:
    site = Site(data_dir)
    site.wait_until_ready()
    family = site.family()
    status = _status(site)

    site.process.send_signal(signal.SIGTERM)
    said, _ = site.process.communicate(timeout=START_SECONDS)

    assert status == 200
    assert said.rstrip().endswith("Stopped.")
    assert site.process.returncode == 0
    assert len(family) >= 5
    assert [process for process in family if process.is_running()] == []


@pytest.mark.slow
@pytest.mark.xdist_group("runner")
def test_nothing_outlives_a_killed_runner(migrated: Path) -> None:
    site = Site(migrated)
    site.wait_until_ready()
    family = site.family()

    site.process.kill()
    site.process.communicate()

    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


@pytest.mark.slow
@pytest.mark.xdist_group("runner")
def test_site_uses_no_more_connections_than_it_says(migrated: Path) -> None:
    site = Site(migrated, WEB_WORKERS="2", WEB_THREADS="4", WORKER_PROCESSES="2", THROTTLE="off")
    site.wait_until_ready()

    def ask(_: int) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/api/services", timeout=60) as response:
            return response.status

    try:
        with ThreadPoolExecutor(24) as clients:
            statuses = set(clients.map(ask, range(240)))
        with psycopg.connect(
            host=str(embedded.Postgres(migrated).sockets), user="scheduler", dbname="scheduler"
        ) as connection:
            counted = dict(
                connection.execute(
                    "SELECT application_name, count(*) FROM pg_stat_activity"
                    " WHERE application_name LIKE 'scheduler %' GROUP BY 1"
                ).fetchall()
            )
    finally:
        site.process.send_signal(signal.SIGTERM)
        site.process.communicate(timeout=START_SECONDS)

    assert statuses == {200}
    assert 1 <= counted["scheduler web"] <= 2 * 4
    assert counted.get("scheduler beat", 0) <= 1
    assert counted.get("scheduler worker", 0) <= 2 + 2  # those that work on tasks, and those that send: nothing is due


def test_main_refuses_a_port_in_use(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        site = Site(data_dir, PORT=str(port))
        said, _ = site.process.communicate(timeout=START_SECONDS)

    assert f"Cannot listen on 127.0.0.1 port {port}" in said
    assert site.process.returncode == 1
    assert list(data_dir.iterdir()) == [data_dir / "site.lock"]


@pytest.fixture
def _own_servers(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(data_dir))
    for url in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(url, raising=False)


@pytest.mark.usefixtures("_own_servers")
def test_main_refuses_data_on_which_a_site_runs_or_is_stopping(data_dir: Path) -> None:
    with runner.alone("http://127.0.0.1:8000/"):
        site = Site(data_dir)
        said, _ = site.process.communicate(timeout=START_SECONDS)

    assert said == (
        f"Stopped. The site already runs on the data in {data_dir}, at http://127.0.0.1:8000/, or is just stopping."
        " Stop it first, or give this one data of its own: DATA_DIR=/tmp/another PORT=8001 make run\n"
    )
    assert site.process.returncode == 1


@pytest.mark.usefixtures("_own_servers")
def test_alone_names_the_site_that_runs_now_and_not_the_one_before() -> None:
    with runner.alone("http://127.0.0.1:18000/"):
        pass

    with runner.alone("http://[::1]:9000/"), pytest.raises(ServerError, match=r"at http://\[::1\]:9000/, or"):
        runner.alone("http://127.0.0.1:8000/").__enter__()


@pytest.mark.usefixtures("_own_servers")
def test_alone_refuses_nobody_whose_servers_are_elsewhere(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(url, "x://")

    with runner.alone("http://127.0.0.1:8000/"), runner.alone("http://127.0.0.1:8001/"):
        assert list(data_dir.iterdir()) == []


@pytest.mark.parametrize("port", ["", "http", "70000"])
def test_check_port_refuses_what_is_no_port(port: str) -> None:
    with pytest.raises(ServerError, match="Cannot listen"):
        runner.check_port("127.0.0.1", port)


def test_ready_is_false_where_nothing_listens() -> None:
    assert not runner.ready("127.0.0.1", _free_port())


def test_child_says_its_lines_under_its_name(
    selector: selectors.DefaultSelector, capsys: pytest.CaptureFixture[str]
) -> None:
    child = processes.Child("web", [sys.executable, "-c", "print('one\\ntwo')"], selector)

    while selector.get_map():
        for key, _ in selector.select():
            key.data.relay()
    child.process.wait()

    assert capsys.readouterr().out == "web    | one\nweb    | two\n"


def test_revive_starts_a_child_again_after_a_pause(selector: selectors.DefaultSelector) -> None:
    child = processes.Child("web", [sys.executable, "-c", "pass"], selector)
    first = child.process
    first.wait()

    child.revive(100.0)
    child.revive(100.9)
    assert child.process is first

    child.revive(101.0)
    assert child.process is not first
    child.process.wait()


def test_revive_gives_up_on_a_child_that_keeps_dying(selector: selectors.DefaultSelector) -> None:
    child = processes.Child("web", [sys.executable, "-c", "raise SystemExit(3)"], selector)

    def live_on() -> None:
        for now in range(100, 110):
            child.process.wait()
            child.revive(float(now))

    with pytest.raises(ServerError, match="web ended with status 3, 3 times within a minute"):
        live_on()

    assert len(child.deaths) == 3


def test_revive_forgets_deaths_of_long_ago(selector: selectors.DefaultSelector) -> None:
    child = processes.Child("web", [sys.executable, "-c", "pass"], selector)

    for now in range(0, 600, 40):
        child.process.wait()
        child.revive(float(now))

    child.process.wait()


def test_stop_kills_what_does_not_end_by_itself(
    selector: selectors.DefaultSelector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('set', flush=True); time.sleep(60)"
    )
    child = processes.Child("web", [sys.executable, "-c", stubborn], selector)
    selector.select(timeout=10)

    began = time.monotonic()
    processes.stop([child], selector)

    assert child.process.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("host", "names", "reached"),
    [
        ("", "", False),
        ("127.0.0.1", "localhost,127.0.0.1,[::1]", False),
        ("127.8.8.8", "", False),
        ("::1", "", False),
        ("localhost", "localhost", False),
        ("0.0.0.0", "", True),
        ("::", "", True),
        ("192.0.2.7", "", True),
        ("example.org", "", True),
        ("127.0.0.1", "localhost,example.org", True),
        ("127.0.0.1", "*", True),
    ],
)
def test_reached_from_elsewhere_is_told_by_where_it_listens_and_what_it_answers_to(monkeypatch, host, names, reached):
    monkeypatch.setenv("HOST", host)
    monkeypatch.setenv("ALLOWED_HOSTS", names)

    assert runner.reached_from_elsewhere() == reached

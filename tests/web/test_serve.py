"""The web server as it is started: `python -m scheduler_project.serve`."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from scheduler_project import serve
from scheduler_project.embedded import PROJECT
from tests.web.running import Client, eventually

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("runner")]

START_SECONDS = 90
CONTENT = b"0123456789" * 1_000
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF_BODY = (
    b"POST /api/token/refresh HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{"
)


class Served:
    def __init__(self, **environment: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        own = {"HOST": "127.0.0.1", "PORT": str(self.port), "WEB_WORKERS": "1", "LOG_LEVEL": "WARNING"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scheduler_project.serve"], cwd=PROJECT, env=os.environ | own | environment
        )
        assert eventually(self.answers, START_SECONDS)

    def answers(self) -> bool:
        try:
            with Client(self.port) as client:
                client.send(HEALTH)
                return client.reply().status == 200
        except OSError:
            return False

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(START_SECONDS)


@pytest.fixture(scope="module")
def static() -> Iterator[str]:
    file = PROJECT / "staticfiles" / f"test-of-serving-{os.getpid()}.txt"
    file.write_bytes(CONTENT)
    yield f"/static/{file.name}"
    file.unlink()


@pytest.fixture(scope="module")
def served(static: str) -> Iterator[Served]:
    found = Served()
    yield found
    found.stop()


def ask(served: Served, path: str, *headers: str):
    with Client(served.port) as client:
        client.send("\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode())
        return client.reply()


def test_static_files_arrive(served: Served, static: str):
    reply = ask(served, static)

    assert (reply.status, reply.body) == (200, CONTENT)


def test_static_files_arrive_in_ranges(served: Served, static: str):
    reply = ask(served, static, "Range: bytes=5-14")

    assert (reply.status, reply.body) == (206, b"5678901234")
    assert reply.headers["content-range"] == f"bytes 5-14/{len(CONTENT)}"


def test_static_files_are_not_sent_again(served: Served, static: str):
    reply = ask(served, static, f"If-None-Match: {ask(served, static).headers['etag']}")

    assert (reply.status, reply.body) == (304, b"")


def test_dead_process_is_replaced(served: Served):
    (before,) = served.workers()
    before.kill()

    assert eventually(lambda: [each for each in served.workers() if each.pid != before.pid], START_SECONDS)
    assert eventually(served.answers, START_SECONDS)


def test_request_in_hand_is_answered_before_the_end():
    served = Served()
    with Client(served.port) as idle, Client(served.port) as client:
        idle.send(HEALTH)
        idle.reply()
        client.send(HALF_BODY)
        time.sleep(0.2)
        served.process.send_signal(signal.SIGTERM)
        assert idle.ends() == b""
        client.send(b"}")
        reply = client.reply()
    served.process.wait(START_SECONDS)

    assert (reply.status, reply.headers["connection"]) == (400, "close")
    assert served.process.returncode == 0


@pytest.mark.parametrize(("hard", "connections"), [(1_024, 412), (100_000, 4_000), (resource.RLIM_INFINITY, 4_000)])
def test_each_connection_has_room_for_a_file_it_is_answered_with(settings, monkeypatch, hard: int, connections: int):
    settings.WEB_CONNECTIONS = 4_000
    set_to = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1_024, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: set_to.append(limits[0]))

    serve.allow_files()

    assert connections == settings.WEB_CONNECTIONS
    assert set_to[0] >= 2 * connections + serve.SPARE_FILES

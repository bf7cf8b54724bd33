"""Reading requests and sending answers, one connection at a time."""

import json
import logging
import re
import socket
import threading
import time

import pytest

from scheduler_project.web import connection as rules
from scheduler_project.web import refusals
from scheduler_project.web import server as crowd
from tests.web.running import Client, Running, echo, eventually, running, statuses

GET = b"GET /api/slots?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def post(body: bytes, *headers: str, path: str = "/api/x") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


@pytest.fixture
def site():
    with running() as found:
        yield found


# --- What is answered -----------------------------------------------------------------------------------------------


def test_get_is_answered_and_the_connection_kept(site: Running):
    with site.connect() as client:
        for _ in range(3):
            client.send(GET)
            reply = client.reply()
            assert (reply.status, reply.body) == (200, b"GET /api/slots?a=1 ")
            assert "connection" not in reply.headers
            assert "date" in reply.headers


def test_body_arrives_whole_however_it_is_cut(site: Running):
    with site.connect() as client:
        for byte in post(b"abc", "Content-Length: 3"):
            client.send(bytes([byte]))
        assert client.reply().body == b"POST /api/x? abc"


def test_chunked_body_arrives_with_its_length():
    def length(environ, start_response):
        start_response("200 OK", [])
        return [f"{environ['CONTENT_LENGTH']} {environ.get('HTTP_TRANSFER_ENCODING')}".encode()]

    with running(length) as site:
        reply = site.exchange(post(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "Transfer-Encoding: chunked"))
    assert reply.body == b"5 None"


def test_expectation_is_met_before_the_body_comes(site: Running):
    with site.connect() as client:
        client.send(post(b"", "Content-Length: 2", "Expect: 100-continue"))
        assert client.reply().status == 100
        client.send(b"ok")
        assert client.reply().body == b"POST /api/x? ok"


def test_head_has_the_length_and_no_body(site: Running):
    with site.connect() as client:
        client.send(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reply = client.reply(head=True)
        client.send(GET)
        assert (reply.status, reply.headers["content-length"]) == (200, "8")
        assert client.reply().body == b"GET /api/slots?a=1 "


def test_answer_without_body_has_no_length():
    def nothing(environ, start_response):
        start_response("204 No Content", [("Content-Length", "0")])
        return []

    with running(nothing) as site:
        reply = site.exchange(GET)
    assert (reply.status, "content-length" in reply.headers) == (204, False)


def test_close_is_obeyed(site: Running):
    with site.connect() as client:
        client.send(CLOSE)
        assert client.reply().headers["connection"] == "close"
        assert client.ends() == b""


def test_http_1_0_is_answered_and_closed(site: Running):
    with site.connect() as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.reply().status == 200
        assert client.ends() == b""


def test_large_answer_arrives_whole():
    content = bytes(range(256)) * 20_000

    def large(environ, start_response):
        start_response("200 OK", [])
        return (content[begin : begin + 100_000] for begin in range(0, len(content), 100_000))

    with running(large) as site, site.connect() as client:
        for _ in range(2):
            client.send(GET)
            assert client.reply().body == content


def test_file_arrives_from_where_it_stands(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789" * 50_000)

    def file(environ, start_response):
        start_response("200 OK", [])
        opened = (tmp_path / "file").open("rb")
        opened.seek(5)
        return environ["wsgi.file_wrapper"](opened)

    with running(file) as site:
        reply = site.exchange(GET)
    assert reply.body == (b"0123456789" * 50_000)[5:]


def test_failing_application_is_an_error_of_the_one_shape(caplog):
    def failing(environ, start_response):
        raise RuntimeError("secret")

    with running(failing) as site:
        reply = site.exchange(GET)
    assert reply.status == 500
    assert json.loads(reply.body)["errors"][0]["code"] == "error"
    assert b"secret" not in reply.body


def test_failing_application_is_logged_with_the_pattern_of_the_address(caplog):
    def failing(environ, start_response):
        raise RuntimeError

    with running(failing) as site:
        site.exchange(GET.replace(b"/api/slots?a=1", b"/calendar/who-has-this-may-read.ics"))

    (record,) = [each for each in caplog.records if each.name == "scheduler_project.web.server"]
    assert record.getMessage() == "The application failed to answer GET /calendar/<slug:token>.ics"


def test_thread_goes_on_though_the_address_of_a_failure_cannot_be_told(monkeypatch, caplog):
    def failing(environ, start_response):
        raise RuntimeError

    monkeypatch.setattr(crowd, "resolve", failing)
    with running(failing) as site:
        assert [site.exchange(GET).status for _time in range(9)] == [500] * 9
    assert "The application failed to answer GET an unknown address" in caplog.messages


def test_slow_request_is_logged_with_what_it_took(monkeypatch, caplog):
    monkeypatch.setattr(crowd, "SLOW_SECONDS", -1)
    with running() as site:
        site.exchange(GET)
        assert eventually(lambda: caplog.messages)

    (line,) = [each for each in caplog.messages if "took" in each]
    assert re.fullmatch(r"GET /api/v1/slots\S* took 0\.\d s, after 0\.\d s in line", line)


def test_answer_that_fails_halfway_is_an_error_from_the_start(caplog):
    def failing(environ, start_response):
        start_response("200 OK", [])
        yield b"x" * 500_000
        raise RuntimeError

    with running(failing) as site:
        assert site.exchange(GET).status == 500


def test_health_is_told_while_every_thread_is_busy():
    free = threading.Event()

    def blocked(environ, start_response):
        free.wait(5)
        return echo(environ, start_response)

    with running(blocked) as site:
        busy = [site.connect() for _ in range(10)]
        for client in busy:
            client.send(GET)
        reply = site.exchange(b"GET /healthz HTTP/1.1\r\nHost: anybody\r\n\r\n")
        free.set()
        assert (reply.status, json.loads(reply.body)) == (200, {"status": "ok"})
        assert "no-store" in reply.headers["cache-control"]
        assert [client.reply().status for client in busy] == [200] * 10


# --- What is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(post(b"abc", "Content-Length: 3", "Transfer-Encoding: chunked"), id="both lengths"),
        pytest.param(post(b"abc", "Content-Length: 3", "Content-Length: 3"), id="length twice"),
        pytest.param(post(b"abc", "Content-Length: +3"), id="length with sign"),
        pytest.param(post(b"abc", "Content-Length : 3"), id="space before the colon"),
        pytest.param(post(b"", "Transfer-Encoding: chunked").replace(b"1.1", b"1.0"), id="chunks of 1.0"),
        pytest.param(post(b"x\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), id="size of a chunk"),
        pytest.param(post(b"abc", "Content-Length: 3", "Upgrade: h2c", "Connection: upgrade"), id="upgrade"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", id="two hosts"),
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", id="bare line feeds"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", id="folded header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", id="NUL"),
        pytest.param(b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", id="another host's address"),
        pytest.param(b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n", id="no address"),
        pytest.param(b"CONNECT b:25 HTTP/1.1\r\nHost: b:25\r\n\r\n", id="tunnel"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", id="no path"),
        pytest.param(b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", id="unknown method"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
    ],
)
def test_what_two_servers_could_read_differently_is_refused(site: Running, sent: bytes):
    with site.connect() as client:
        client.send(sent)
        assert statuses(client.ends()) == [400]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (post(b"abc", "Transfer-Encoding: gzip, chunked"), 501, "transfer_coding_unknown"),
        (post(b"", "Content-Length: 3", "Expect: a miracle"), 417, "expectation_failed"),
        (b"GET /api/" + b"x" * 9_000, 414, "url_too_long"),
        (b"GET /api/ HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000, 431, "headers_too_large"),
        (b"GET /api/ HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 101, 431, "headers_too_large"),
        (post(b"", "Content-Length: 1000001"), 413, "too_large"),
        (post(b"fffff\r\n", "Transfer-Encoding: chunked") + b"x" * 1_000_001, 413, "too_large"),
        (post(b"1\r\nx\r\n" * 1_100, "Transfer-Encoding: chunked"), 400, "bad_request"),
        (post(b"1;" + b"x" * 99_000, "Transfer-Encoding: chunked"), 400, "bad_request"),
    ],
)
def test_refusals_have_the_one_shape(site: Running, sent: bytes, status: int, code: str):
    with site.connect() as client:
        client.send(sent)
        reply = client.reply()
        error = json.loads(reply.body)
        assert (reply.status, error["errors"][0]["code"]) == (status, code)
        assert error["type"] == ("server_error" if status >= 500 else "client_error")
        assert reply.headers["connection"] == "close"
        assert client.ends() == b""


def test_refusals_are_pages_outside_the_api_in_the_language_of_the_reader(site: Running):
    reply = site.exchange(
        b"POST /book HTTP/1.1\r\nHost: a\r\nAccept-Language: fr, en;q=0.5\r\nContent-Length: 9999999\r\n\r\n"
    )
    assert (reply.status, reply.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert reply.headers["content-language"] == "fr"


@pytest.mark.parametrize(
    ("path", "origin", "allowed"),
    [
        ("/api/x", "https://app.example.org", "https://app.example.org"),
        ("/api/x", "https://evil.example.net", None),
        ("/page", "https://app.example.org", None),
    ],
)
def test_refusals_of_the_api_can_be_read_from_origins_that_are_set(site: Running, settings, path, origin, allowed):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.org"]
    reply = site.exchange(post(b"", f"Origin: {origin}", "Content-Length: 2000000", path=path))

    assert (reply.status, reply.headers.get("access-control-allow-origin")) == (413, allowed)


def test_refusal_of_a_busy_site_can_be_read_from_origins_that_are_set(settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.org"]
    answer = refusals.refusal_bytes(refusals.BUSY, api=True, language="en", origin="https://app.example.org")

    assert b"\r\nAccess-Control-Allow-Origin: https://app.example.org\r\n" in answer
    assert b"\r\nRetry-After: 2\r\n" in answer


def test_refusal_reaches_whoever_is_still_sending(site: Running):
    with site.connect() as client:
        client.send(post(b"x" * 900_000, "Content-Length: 2000000"))
        assert client.reply().status == 413


def test_second_request_of_an_impatient_client_is_not_read():
    def slow(environ, start_response):
        time.sleep(0.1)
        return echo(environ, start_response)

    with running(slow) as site, site.connect() as client:
        client.send(GET + b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n" * 1_000)
        answers = client.ends()
    assert statuses(answers) == [200]
    assert b"second" not in answers


def test_request_smuggled_into_a_body_is_none(site: Running):
    inner = b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n"
    with site.connect() as client:
        client.send(post(inner, f"Content-Length: {len(inner)}"))
        assert client.reply().body == b"POST /api/x? " + inner


@pytest.mark.parametrize("header", ["X_Forwarded_For: 1.2.3.4", "Proxy: evil", "X-Trailer: 1"])
def test_headers_that_would_pose_as_others_are_not_told(header: str):
    def told(environ, start_response):
        start_response("200 OK", [])
        return [repr(sorted(name for name in environ if name.startswith("HTTP_"))).encode()]

    sent = post(b"0\r\n", "Transfer-Encoding: chunked") + f"{header}\r\n\r\n".encode()
    plain = post(b"", header, "Content-Length: 0")
    with running(told) as site:
        assert site.exchange(sent).body == b"['HTTP_HOST']"
        if header != "X-Trailer: 1":
            assert site.exchange(plain).body == b"['HTTP_HOST']"


def test_headers_sent_twice_are_joined():
    def told(environ, start_response):
        start_response("200 OK", [])
        return [f"{environ['HTTP_X_FORWARDED_FOR']} {environ['HTTP_COOKIE']}".encode()]

    with running(told) as site:
        reply = site.exchange(
            b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1\r\nCookie: a=1\r\nX-Forwarded-For: 2\r\n"
            b"Cookie: b=2\r\n\r\n"
        )
    assert reply.body == b"1,2 a=1; b=2"


# --- Who is slow ----------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch):
    """Deadlines are over in a moment."""
    for name in ("HEAD_SECONDS", "GRACE_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(rules, name, 0.3)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("sent", [b"GET /api/ HT", post(b"a", "Content-Length: 9")], ids=["head", "body"])
def test_half_a_request_is_waited_for_until_its_deadline(site: Running, sent: bytes):
    with site.connect() as client:
        client.send(sent)
        reply = client.reply()
        assert (reply.status, json.loads(reply.body)["errors"][0]["code"]) == (408, "request_timeout")
        assert client.ends() == b""


def drip(client: Client) -> None:
    for _ in range(100):
        client.send(b"x")
        time.sleep(0.05)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("sent", [b"GET /api/ HTTP/1.1\r\n", post(b"", "Content-Length: 999")], ids=["head", "body"])
def test_dripping_does_not_put_the_deadline_off(site: Running, sent: bytes):
    with site.connect() as client:
        client.send(sent)
        began = time.monotonic()
        with pytest.raises(OSError):
            drip(client)
        assert time.monotonic() - began < 4


@pytest.mark.usefixtures("hasty")
def test_body_that_comes_fast_enough_has_all_the_time_it_needs(site: Running):
    with site.connect() as client:
        client.send(post(b"", "Content-Length: 10000"))
        for _ in range(10):
            client.send(b"x" * 1_000)
            time.sleep(0.1)
        assert client.reply().status == 200


@pytest.mark.usefixtures("hasty")
def test_connection_without_a_request_is_closed_without_a_word(site: Running):
    with site.connect() as client:
        assert client.ends() == b""


@pytest.mark.usefixtures("hasty")
def test_kept_connection_is_closed_in_the_end(settings):
    settings.WEB_KEEP_ALIVE_SECONDS = 0.3
    with running() as site, site.connect() as client:
        client.send(GET)
        assert client.reply().status == 200
        assert client.ends() == b""


@pytest.mark.usefixtures("hasty")
def test_reader_who_does_not_read_is_left():
    def large(environ, start_response):
        start_response("200 OK", [])
        return [b"x" * 30_000_000]

    with running(large) as site, site.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.send(GET)
        assert eventually(lambda: site.ask(lambda: site.server.spooled) == 30_000_000)
        assert eventually(lambda: site.ask(lambda: site.server.number) == 0)
        assert site.ask(lambda: (site.server.held, site.server.spooled)) == (0, 0)


def test_readers_hold_no_thread():
    def large(environ, start_response):
        start_response("200 OK", [])
        return [b"x" * 30_000_000]

    def first(environ, start_response):
        return (large if environ["PATH_INFO"] == "/large" else echo)(environ, start_response)

    with running(first) as site:
        readers = [site.connect() for _ in range(10)]
        for reader in readers:
            reader.send(GET.replace(b"/api/slots", b"/large"))
        assert site.exchange(CLOSE).status == 200


@pytest.mark.usefixtures("hasty")
def test_client_that_asks_without_reading_is_left():
    def large(environ, start_response):
        start_response("200 OK", [])
        return [b"x" * 200_000]

    with running(large) as site, site.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.send(GET * 500)
        assert site.ask(lambda: site.server.held) < 1_000_000
        assert eventually(lambda: site.ask(lambda: site.server.number) == 0)


# --- Who are many ---------------------------------------------------------------------------------------------------


def test_full_line_is_refused_with_a_time_to_come_back(settings):
    settings.WEB_WAITING = 2
    free = threading.Event()

    def blocked(environ, start_response):
        free.wait(5)
        return echo(environ, start_response)

    with running(blocked) as site:
        clients = []
        for number in range(1, 7):
            clients.append(site.connect())
            clients[-1].send(GET)
            assert eventually(
                lambda number=number: len(site.server.threads.quick) + site.server.threads._working == number
            )
        reply = site.exchange(GET)
        free.set()
        assert (reply.status, reply.headers["retry-after"]) == (503, "2")
        assert json.loads(reply.body)["errors"][0]["code"] == "busy"
        assert [client.reply().status for client in clients] == [200] * 6


def test_request_that_waited_too_long_is_not_worked_on(settings, monkeypatch):
    monkeypatch.setattr(crowd, "PATIENCE_SECONDS", 0.1)
    settings.WEB_THREADS = 1
    asked = []

    def slow(environ, start_response):
        asked.append(environ["PATH_INFO"])
        time.sleep(0.3)
        return echo(environ, start_response)

    with running(slow) as site, site.connect() as first, site.connect() as second:
        first.send(CLOSE)
        eventually(lambda: asked)
        second.send(GET)
        assert (first.reply().status, second.reply().status) == (200, 503)
    assert asked == ["/"]


def test_request_of_a_client_who_left_is_not_worked_on(settings):
    settings.WEB_THREADS = 1
    free = threading.Event()
    asked = []

    def blocked(environ, start_response):
        asked.append(environ["PATH_INFO"])
        free.wait(5)
        return echo(environ, start_response)

    with running(blocked) as site, site.connect() as first:
        first.send(CLOSE)
        eventually(lambda: asked)
        with site.connect() as second:
            second.send(GET)
            eventually(lambda: site.ask(lambda: site.server.number) == 2)
        eventually(lambda: site.ask(lambda: site.server.number) == 1)
        free.set()
        assert first.reply().status == 200
        assert site.exchange(CLOSE).status == 200
    assert asked == ["/", "/"]


def test_full_process_closes_the_longest_silent_for_the_newest(settings):
    settings.WEB_CONNECTIONS = 20
    with running() as site:
        silent = []
        for number in range(20):
            silent.append(site.connect())
            assert eventually(lambda number=number: site.ask(lambda: site.server.number) == number + 1)
        site.ask(site.server.make_room)
        assert site.exchange(CLOSE).status == 200
        assert silent[0].ends() == b""
        silent[-1].send(CLOSE)
        assert silent[-1].reply().status == 200


def test_refusals_are_one_line_of_the_security_log_of_no_face_but_the_servers(monkeypatch, caplog):
    monkeypatch.setattr("scheduler_project.web.server.REPORT_SECONDS", 0)
    caplog.set_level(logging.INFO, "security")
    with running() as site:
        for _time in range(2):
            site.exchange(b"not HTTP\r\n\r\n")
        site.ask(site.server.tick)

    assert {record.getMessage().partition(" count=")[0] for record in caplog.records if record.name == "security"} == {
        "limit.reached face=web scope=web.bad_request"
    }


def test_bodies_together_hold_no_more_memory_than_allowed(monkeypatch):
    monkeypatch.setattr(crowd, "MEMORY", 3_000_000)
    with running() as site:
        clients: list[Client] = []
        for _ in range(10):
            client = site.connect()
            client.send(post(b"x" * 900_000, "Content-Length: 1000000"))
            clients.append(client)
        assert eventually(lambda: site.ask(lambda: site.server.number) < 10)
        assert site.ask(lambda: site.server.held) <= 3_000_000
        assert site.exchange(CLOSE).status == 200


@pytest.fixture
def blocked():
    """A server whose only thread waits, and what frees it."""
    free = threading.Event()

    def application(environ, start_response):
        free.wait(5)
        return echo(environ, start_response)

    with running(application) as site:
        yield site
        free.set()


def test_bodies_that_wait_for_a_thread_go_before_those_of_who_sends_little(settings, monkeypatch, request):
    monkeypatch.setattr(crowd, "MEMORY", 3_000_000)
    settings.WEB_THREADS = 1
    site: Running = request.getfixturevalue("blocked")
    for number in range(1, 4):
        site.connect().send(post(b"x" * 900_000, "Content-Length: 900000"))
        assert eventually(lambda number=number: site.ask(lambda: site.server.held) == number * 900_000)

    with socket.create_connection(("127.0.0.1", site.port), source_address=("127.0.0.2", 0)) as visitor:
        visitor.sendall(post(b"x" * 400_000, "Content-Length: 400001"))

        assert eventually(lambda: site.ask(lambda: site.server.number) == 3)
        assert site.ask(lambda: list(map(len, site.server.connections.values()))) == [2, 1]


def test_who_holds_nothing_is_left_alone_however_much_is_at_work(settings, monkeypatch, request):
    settings.WEB_THREADS = 1
    site: Running = request.getfixturevalue("blocked")
    with site.connect() as kept:
        kept.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert kept.reply().status == 200
        site.connect().send(post(b"x" * 900_000, "Content-Length: 900000"))
        assert eventually(lambda: site.ask(lambda: site.server.threads._working) == 1)
        monkeypatch.setattr(crowd, "MEMORY", 500_000)
        for _ in range(3):
            kept.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert kept.reply().status == 200


def test_process_that_ran_out_of_files_takes_more_connections_again():
    with running() as site:
        site.ask(lambda: setattr(site.server, "most", 1))
        assert eventually(lambda: site.ask(lambda: site.server.most) > 1_000)


def test_names_of_headers_are_kept_only_if_they_are_short(site: Running):
    kept = dict(rules.NAMES)
    for number in range(5):
        name = f"X{number}" + "a" * 20_000
        assert site.exchange(f"GET / HTTP/1.1\r\nHost: a\r\n{name}: 1\r\n\r\n".encode()).status == 200
    assert sum(map(len, rules.NAMES.keys() - kept.keys())) < 1_000


@pytest.mark.parametrize("path", ["/account/login/", "/api/login", "/api/v1/register/", "/api/clients"])
def test_who_logs_in_waits_for_others_who_do_and_nobody_else_does(settings, path: str):
    settings.WEB_THREADS = 2
    free = threading.Event()

    def hashing(environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            free.wait(15)
        return echo(environ, start_response)

    with running(hashing) as site:
        busy = [site.connect() for _ in range(5)]
        for client in busy:
            client.send(post(b"", path=path))
        assert site.exchange(CLOSE).status == 200
        free.set()
        assert [client.reply().status for client in busy] == [200] * 5


@pytest.mark.parametrize(
    ("address", "crowd_of"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("2001:db8:1:ffff::3", "2001:db8:1::/48")],
)
def test_turns_are_those_of_a_whole_site(settings, address: str, crowd_of: str):
    settings.TRUSTED_PROXIES = 1
    asked = []
    with running() as site:
        site.server._asker, asker = (
            (lambda connection: asked.append(asker(connection)) or asked[-1]),
            site.server._asker,
        )
        site.exchange(f"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {address}\r\n\r\n".encode())
    assert asked == [crowd_of]

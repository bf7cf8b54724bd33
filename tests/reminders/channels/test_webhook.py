"""Webhooks, posted to a real HTTP server that does all a server may do."""

import json
import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from uuid import UUID

import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from reminders.channels.base import DeliveryError, OutgoingMessage, RefusedForGood, Unreachable
from reminders.channels.webhook.channel import connect, is_public, target_of
from scheduler_project.common.outgoing import tls
from tests.factories import NOON
from tests.programs import missing
from tests.reminders.servers import HANG, HANG_UP, answer, drip, says, serving, taking_less_than

KEY = UUID("11111111-2222-3333-4444-555555555555")
BODY = '{"type":"appointment.booked","data":{"title":"Prüfung"}}'.encode()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.SEND_TIMEOUT_SECONDS = 0.5
    settings.WEBHOOK_ALLOW_PRIVATE = True
    settings.WEBHOOK_PORTS = []
    settings.WEBHOOK_ALLOW_HTTP = True


@pytest.fixture
def names(monkeypatch):
    """Names that stand for addresses of our choice. Asking twice may get two answers; what was asked is remembered."""

    class Names(dict):
        asked: list[str] = []

    names = Names()
    names.asked = []
    resolve = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        if host not in names:
            return resolve(host, port, *args, **kwargs)
        names.asked.append(host)
        addresses = names[host]
        if callable(addresses):
            addresses = addresses()
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


def outgoing(url: str, **given) -> OutgoingMessage:
    return OutgoingMessage(**{"key": KEY, "address": url, "body": BODY, "secrets": (SECRET,), **given})


def send(url: str, **given) -> str:
    with connect() as line:
        return line.send(outgoing(url, **given))


def refusal(url: str, **given) -> DeliveryError:
    with taking_less_than(1.5), pytest.raises(DeliveryError) as caught:
        send(url, **given)
    return caught.value


# --- What goes out ----------------------------------------------------------------------------------------------------


def test_posts_the_body_as_it_is_to_the_whole_address(http_server):
    send(f"{http_server.url}/hooks/a%20b?key=1&x=ü")

    [got] = http_server.got
    assert (got.method, got.path, got.body) == ("POST", "/hooks/a%20b?key=1&x=%C3%BC", BODY)
    assert got.headers["host"] == f"127.0.0.1:{http_server.server_port}"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["content-length"] == str(len(BODY))


def test_signs_as_standard_webhooks_checks_it(http_server):
    send(http_server.url)

    [got] = http_server.got
    assert got.headers["webhook-id"] == f"msg_{KEY.hex}"
    assert Webhook(SECRET).verify(got.body, got.headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(got.body + b" ", got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_SECRET).verify(got.body, got.headers)


def test_signs_with_both_secrets_after_a_rotation(http_server):
    send(http_server.url, secrets=(SECRET, OLD_SECRET))

    [got] = http_server.got
    for secret in (SECRET, OLD_SECRET):
        assert Webhook(secret).verify(got.body, got.headers) == json.loads(BODY)


def test_signs_each_try_with_the_same_id_and_its_own_time(http_server):
    for moment in (NOON, datetime(2026, 3, 2, 12, 5, 0, 900_000, tzinfo=UTC)):
        with time_machine.travel(moment, tick=False):
            send(http_server.url)

    first, second = http_server.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    times = [int(got.headers["webhook-timestamp"]) for got in (first, second)]
    assert times == [int(NOON.timestamp()), int(NOON.timestamp()) + 300]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


# --- What comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_delivered(http_server, status):
    http_server.tricks.append(answer(status))

    assert send(http_server.url) == ""


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(http_server, status):
    http_server.tricks.append(answer(status, Location=f"{http_server.url}/elsewhere"))

    error = refusal(http_server.url)

    assert type(error) is DeliveryError
    assert str(error).startswith(str(status))
    assert len(http_server.got) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 500, 502, 599])
def test_other_answers_are_tried_again_and_say_why(http_server, status):
    http_server.tricks.append(answer(status, b"Out of order"))

    error = refusal(http_server.url)

    assert type(error) is DeliveryError
    assert (str(status) in str(error), "Out of order" in str(error), error.retry_after) == (True, True, None)


def test_410_is_gone_for_good(http_server):
    http_server.tricks.append(answer(410))

    error = refusal(http_server.url)

    assert (type(error), error.gone) == (RefusedForGood, True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        (" 7 ", 7),
        (format_datetime(datetime(2026, 3, 2, 12, 1, 30, tzinfo=UTC), usegmt=True), 90),
        (format_datetime(datetime(2026, 3, 2, 11, tzinfo=UTC), usegmt=True), 0),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("9" * 5000, None),
        ("٣", None),
        ("Mon, 99 Mar 2026 12:00:00 GMT", None),
    ],
)
def test_says_when_it_may_be_asked_again(http_server, status, header, seconds):
    raw = f"HTTP/1.1 {status} Later\r\nRetry-After: ".encode() + header.encode() + b"\r\nContent-Length: 0\r\n\r\n"
    http_server.tricks.append(says(raw))

    with time_machine.travel(NOON, tick=False):
        error = refusal(http_server.url)

    assert (type(error), error.retry_after) == (DeliveryError, seconds)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"

SILENT = {
    "hangs": HANG,
    "hangs up": HANG_UP,
    "hangs in the status": says(b"HTTP/1.1 2", ending="hang"),
    "dies in the status": says(b"HTTP/1.1 2"),
    "hangs in the headers": says(b"HTTP/1.1 200 OK\r\nContent-", ending="hang"),
    "drips its headers": drip(OK, pause=0.05),
    "speaks no HTTP": says(b"220 mail.example.org ESMTP\r\n"),
    "sends noise": says(bytes(range(256)) * 10),
    "sends headers without end": says(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 2000),
    "sends a line without end": says(b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000),
    "says 100 for ever": says(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 100, pause=0.05),
}


@pytest.mark.parametrize("trick", SILENT)
def test_whoever_gives_no_whole_answer_in_time_is_unreachable(http_server, trick):
    http_server.tricks.append(SILENT[trick])

    assert type(refusal(http_server.url)) is Unreachable


@pytest.mark.parametrize(
    "trick", [says(OK, b"part"), says(OK, ending="hang"), says(OK, *[b"x" * 10_000] * 1000, pause=0.01)]
)
def test_2xx_is_enough_whatever_becomes_of_its_body(http_server, trick):
    http_server.tricks.append(trick)

    with taking_less_than(0.4):
        send(http_server.url)


@pytest.mark.parametrize("ending", ["hang", "hang up"])
def test_refusal_is_told_even_if_its_body_never_ends(http_server, ending):
    http_server.tricks.append(says(b"HTTP/1.1 429 Later\r\nRetry-After: 9\r\nContent-Length: 9\r\n\r\n", ending=ending))

    error = refusal(http_server.url)

    assert (type(error), error.retry_after) == (DeliveryError, 9)


def test_little_is_read_of_a_long_refusal(http_server):
    http_server.tricks.append(answer(500, b"x" * 5_000_000))

    assert len(str(refusal(http_server.url))) < 600


def test_connection_refused_is_unreachable(closed_port):
    assert type(refusal(f"http://127.0.0.1:{closed_port}")) is Unreachable


def test_taken_and_never_answered_is_unreachable(silent_port):
    assert type(refusal(f"http://127.0.0.1:{silent_port}")) is Unreachable


def test_name_that_is_not_there_is_unreachable():
    assert type(refusal("http://hooks.invalid/")) is Unreachable


def test_name_server_that_hangs_is_unreachable(names):
    names["hooks.example.org"] = lambda: time.sleep(3) or ["127.0.0.1"]

    assert type(refusal("http://hooks.example.org/")) is Unreachable


def test_one_dead_webhook_does_not_keep_the_next_waiting(http_server, silent_port):
    with connect() as line:
        with pytest.raises(Unreachable):
            line.send(outgoing(f"http://127.0.0.1:{silent_port}"))
        line.send(outgoing(http_server.url))

    assert len(http_server.got) == 1


# --- Where to ---------------------------------------------------------------------------------------------------------

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "172.32.0.1", "223.255.255.255", "2606:4700::1111"]
PUBLIC += ["2a00:1450:4001:800::200e", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"]

PRIVATE = {
    "this host": ["0.0.0.0", "0.1.2.3", "::"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1", "fec0::1"],
    "shared": ["100.64.0.1", "100.127.255.255"],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "192.0.0.1", "192.88.99.1", "4000::1", "100::1", "5f00::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmarking": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:0"],
    "compatible": ["::127.0.0.1", "::10.0.0.1"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"],
    "6to4": ["2002:7f00:1::1", "2002:a00:1::1", "2002:808:808::1"],
    "Teredo": ["2001:0:7f00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", [address for addresses in PRIVATE.values() for address in addresses])
def test_private_addresses_are_not_public(address):
    assert not is_public(address)


LOCAL = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0", "[::1]", "[::ffff:127.0.0.1]"]


@pytest.mark.parametrize("host", LOCAL)
def test_never_connects_to_its_own_machine_however_that_is_written(http_server, settings, host):
    settings.WEBHOOK_ALLOW_PRIVATE = False

    error = refusal(http_server.at(host))

    # What is no address to the system's resolver cannot be found, and that is as good.
    assert type(error) is RefusedForGood or "looked up" in str(error)
    assert http_server.connected == 0


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%1"]])
def test_never_connects_to_a_name_that_leads_inside_with_any_of_its_addresses(http_server, settings, names, addresses):
    settings.WEBHOOK_ALLOW_PRIVATE = False
    names["hooks.example.org"] = addresses

    error = refusal(http_server.at("hooks.example.org"))

    assert (type(error), error.gone) == (RefusedForGood, False)
    assert http_server.connected == 0


def test_connects_to_the_very_address_that_was_checked(http_server, names):
    answers = [["127.0.0.1"], ["192.0.2.1"]]
    names["hooks.example.org"] = lambda: answers.pop(0)

    send(http_server.at("hooks.example.org"))

    assert names.asked == ["hooks.example.org"]
    assert http_server.got[0].headers["host"] == f"hooks.example.org:{http_server.server_port}"


def test_tries_the_next_address_of_a_name(http_server, names):
    names["hooks.example.org"] = ["127.0.0.2", "127.0.0.1"]

    send(http_server.at("hooks.example.org"))

    assert len(http_server.got) == 1


def test_name_without_addresses_is_unreachable(names):
    names["hooks.example.org"] = []

    assert type(refusal("http://hooks.example.org/")) is Unreachable


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "//hooks.example.org/",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "https://",
        "https:///path",
        "https://user@hooks.example.org/",
        "https://user:password@hooks.example.org/",
        "https://hooks.example.org:0/",
        "https://hooks.example.org:99999/",
        "https://hooks.example.org:x/",
        "https://[::1/",
        "https://[fe80::zz]/",
        f"https://{'a' * 64}.example.org/",
        "https://a..example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_refuses_addresses_no_webhook_may_have(settings, url):
    settings.WEBHOOK_ALLOW_PRIVATE = False

    with pytest.raises(RefusedForGood):
        target_of(url)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.org:22/", "http://hooks.example.org/", "https://hooks.example.org:80/"]
)
def test_refuses_other_ports_than_those_of_the_setting(settings, url):
    settings.WEBHOOK_PORTS = [443]

    with pytest.raises(RefusedForGood, match="443"):
        target_of(url)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.org/", "http://hooks.example.org/", "https://hooks.example.org:8443/"]
)
def test_takes_the_ports_of_the_setting(settings, url):
    settings.WEBHOOK_PORTS = [80, 443, 8443]

    assert target_of(url).host == "hooks.example.org"


def test_refuses_plain_http_unless_it_is_allowed(settings):
    settings.WEBHOOK_ALLOW_HTTP = False

    with pytest.raises(RefusedForGood):
        target_of("http://hooks.example.org/")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://Hooks.Example.org", (True, "hooks.example.org", 443, "/", "hooks.example.org")),
        ("http://hooks.example.org:8080/a?b#c", (False, "hooks.example.org", 8080, "/a?b", "hooks.example.org:8080")),
        ("https://bücher.example/ä", (True, "xn--bcher-kva.example", 443, "/%C3%A4", "xn--bcher-kva.example")),
        ("https://[2606:4700::1111]:8443/", (True, "2606:4700::1111", 8443, "/", "[2606:4700::1111]:8443")),
    ],
)
def test_takes_addresses_apart(url, target):
    assert target_of(url) == target


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed one for hooks.example.org."""
    if "openssl" in missing():
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    made = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "30000", "-nodes"]
    named = ["-subj", "/CN=hooks.example.org", "-addext", "subjectAltName=DNS:hooks.example.org"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run(["openssl", "req", "-x509", *kind, *made, *named], check=True, capture_output=True)
    return folder


@pytest.fixture
def https_server(certificate, monkeypatch):
    """Known by the certificate to those who connect; remembers the names they asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    asked = []
    context.sni_callback = lambda line, name, _context: asked.append(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    tls.cache_clear()
    with serving(context) as server:
        server.asked = asked
        yield server
    tls.cache_clear()


def test_asks_for_the_name_at_the_pinned_address_and_checks_the_certificate(https_server, names):
    names["hooks.example.org"] = ["127.0.0.1"]

    send(https_server.at("hooks.example.org"))

    assert https_server.asked == ["hooks.example.org"]
    assert len(https_server.got) == 1


def test_drip_over_tls_ends_in_time(https_server, names):
    names["hooks.example.org"] = ["127.0.0.1"]
    https_server.tricks.append(drip(OK, pause=0.05))

    assert type(refusal(https_server.at("hooks.example.org"))) is Unreachable


def test_certificate_of_another_name_is_unreachable(https_server, names):
    names["other.example.org"] = ["127.0.0.1"]

    assert type(refusal(https_server.at("other.example.org"))) is Unreachable
    assert https_server.got == []


def test_certificate_nobody_vouches_for_is_unreachable(https_server, names, monkeypatch):
    names["hooks.example.org"] = ["127.0.0.1"]
    monkeypatch.delenv("SSL_CERT_FILE")
    tls.cache_clear()

    assert type(refusal(https_server.at("hooks.example.org"))) is Unreachable
    assert https_server.got == []


def test_handshake_that_hangs_is_unreachable(silent_port):
    assert type(refusal(f"https://127.0.0.1:{silent_port}/")) is Unreachable

"""A mail server that keeps no mail: of each it accepts it notes recipient and Message-ID in a file, then says so.

    python -m tests.slow.chaos.sink FILE [--delay SECONDS]

A process of its own, with little work per mail, so that it is not what is measured. It says its port in its first line
of output. `delay` is how long it takes over a mail, half of it before it wants to have it and half before it says that
it has: whoever is killed may be in either.
"""

import argparse
import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scheduler_project import embedded
from scheduler_project.machine import ending_with_parent

MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
END = b"\r\n.\r\n"
REPLIES = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-SIZE 33554432\r\n250 8BITMIME\r\n",
    b"DATA": b"354 Go ahead\r\n",
    b"QUIT": b"221 Bye\r\n",
}


class Session(asyncio.Protocol):
    """One connection (RFC 5321); commands may come together (RFC 2920)."""

    def __init__(self, file: int, delay: float) -> None:
        self.file = file
        self.delay = delay
        self.received = bytearray()
        self.in_mail = False
        self.recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.in_mail:
            if self.received.endswith(END):
                self.in_mail = False
                self.accept()
            return
        *lines, self.received = self.received.split(b"\r\n")
        replies = []
        for line in lines:
            verb = bytes(line[:4]).upper()
            replies.append(REPLIES.get(verb, b"250 OK\r\n"))
            self.in_mail = verb == b"DATA"
            if verb == b"RCPT":
                self.recipient = bytes(line).partition(b"<")[2].partition(b">")[0].decode()
        self.after(self.delay / 2 if self.in_mail else 0, b"".join(replies))
        if replies and replies[-1] == REPLIES[b"QUIT"]:
            self.transport.close()

    def accept(self) -> None:
        found = MESSAGE_ID.search(self.received)
        note = f"{time.time():.6f} {self.recipient} {found[1].decode() if found else '-'}\n"
        self.received.clear()
        os.write(self.file, note.encode())
        self.after(self.delay / 2, b"250 Accepted\r\n")

    def after(self, seconds: float, reply: bytes) -> None:
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self.transport.write, reply)
        else:
            self.transport.write(reply)


class Sink:
    """A running sink: its port, and the mails it has accepted."""

    def __init__(self, port: int, file: Path) -> None:
        self.port = port
        self.file = file

    @property
    def url(self) -> str:
        """Return the value for EMAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def accepted(self) -> list[tuple[str, str]]:
        """Return `(recipient, Message-ID)` of each mail received."""
        notes = (line.split(" ") for line in self.file.read_text().splitlines())
        return [(recipient, message_id) for _at, recipient, message_id in notes]

    def count(self) -> int:
        """Return the number of mails received."""
        return self.file.read_bytes().count(b"\n")

    def forget(self) -> None:
        os.truncate(self.file, 0)


@contextlib.contextmanager
def sink(file: Path, *, delay: float = 0) -> Iterator[Sink]:
    """Run one for a while."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.slow.chaos.sink", str(file), "--delay", str(delay)],
        cwd=embedded.PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=ending_with_parent(signal.SIGKILL),  # noqa: PLW1509
    )
    try:
        assert process.stdout
        yield Sink(int(process.stdout.readline()), file)
    finally:
        process.kill()
        process.communicate()


async def serve(file: Path, delay: float) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    server = await asyncio.get_running_loop().create_server(lambda: Session(handle, delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--delay", type=float, default=0)
    options = parser.parse_args()
    asyncio.run(serve(options.file, options.delay))

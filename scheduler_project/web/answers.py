"""The run of the WSGI application for one complete request, whose response is stored until it can be sent."""

import contextlib
import io
import itertools
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]

IN_MEMORY = 262_144
"""Maximum bytes of a response kept in memory; a longer one goes to a temporary file."""

LONGEST_ANSWER = 2_000_000_000

BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
"""Statuses without a body (RFC 9110 §6.4.1)."""


@dataclass(slots=True)
class StoredResponse:
    """A response to send: its head, and its body in memory or as `length` bytes of a file from `offset` on."""

    status: str
    headers: Headers
    body: bytes = b""
    file: BinaryIO | None = None
    offset: int = 0
    length: int = 0

    def head(self, *more: str) -> bytes:
        """Return the status line and the headers, with additional ones."""
        fields = [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([f"HTTP/1.1 {self.status}", *fields, *more, "", ""]).encode("latin-1")

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


class FileWrapper:
    """A file returned by the application (PEP 3333, `wsgi.file_wrapper`)."""

    def __init__(self, file: Any, size: int = 65_536) -> None:
        self.file = file
        self.size = size

    def __iter__(self) -> Iterator[bytes]:
        while part := self.file.read(self.size):
            yield part

    def close(self) -> None:
        self.file.close()


def complete(environ: Environ, body: bytes | bytearray) -> Environ:
    """Return the environ with the keys PEP 3333 requires."""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["wsgi.errors"] = sys.stderr
    environ["wsgi.version"] = (1, 0)
    environ["wsgi.url_scheme"] = "http"
    environ["wsgi.multithread"] = True
    environ["wsgi.multiprocess"] = True
    environ["wsgi.run_once"] = False
    environ["wsgi.file_wrapper"] = FileWrapper
    return environ


def answer(application: Application, environ: Environ) -> StoredResponse:
    """Return the application's complete response.

    Raises the application's exceptions, because nothing has been sent yet.
    """
    started: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
        started.append((status, headers))
        return _write

    parts = application(environ, start_response)
    try:
        body, file, offset, length = _kept_file(parts) or _gathered(iter(parts))
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = started[-1]
    declared_length = next((value for name, value in headers if name.lower() == "content-length"), str(length))
    headers = [(name, value) for name, value in headers if name.lower() not in {"content-length", "connection"}]
    whole = StoredResponse(status, headers, body, file, offset, length)
    bodiless = int(status[:3]) in BODILESS
    if not bodiless:
        headers.append(("Content-Length", declared_length if environ["REQUEST_METHOD"] == "HEAD" else str(length)))
    if bodiless or environ["REQUEST_METHOD"] == "HEAD":
        whole.close()
        whole.body, whole.length = b"", 0
    return whole


def _write(part: bytes) -> None:
    raise NotImplementedError("Return the body; PEP 3333 keeps write() for the oldest of applications only.")


def _gathered(parts: Iterator[bytes]) -> tuple[bytes, BinaryIO | None, int, int]:
    """Return all parts in memory, or else in an unnamed temporary file."""
    kept: list[bytes] = []
    size = 0
    for part in parts:
        kept.append(part)
        size += len(part)
        if size > IN_MEMORY:
            file = _spooled(kept, parts)
            return b"", file, 0, os.fstat(file.fileno()).st_size
    return b"".join(kept), None, 0, size


def _spooled(kept: list[bytes], parts: Iterator[bytes]) -> BinaryIO:
    with contextlib.ExitStack() as unless_whole:
        file = unless_whole.enter_context(tempfile.TemporaryFile())
        size = 0
        for part in itertools.chain(kept, parts):
            size += len(part)
            if size > LONGEST_ANSWER:
                raise OverflowError(f"The answer has more than {LONGEST_ANSWER:,} bytes.")
            file.write(part)
        file.flush()
        unless_whole.pop_all()
    return file


def _kept_file(parts: Iterable[bytes]) -> tuple[bytes, BinaryIO, int, int] | None:
    """Return our own handle on a disk file, from its current position to its end; None for anything else."""
    if not isinstance(parts, FileWrapper):
        return None
    try:
        number, offset = parts.file.fileno(), parts.file.tell()
    except (AttributeError, OSError):  # part of a file, or none
        return None
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode):
        return None
    return b"", os.fdopen(os.dup(number), "rb"), offset, found.st_size - offset

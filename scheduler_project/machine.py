"""Accounts, private files, short paths for sockets, and processes that end with their parent, for embedded servers."""

import contextlib
import ctypes
import hashlib
import importlib.util
import os
import pwd
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal

SOCKET_PATH_BYTES = 103  # Linux takes 107, macOS 103.


class ServerError(RuntimeError):
    """A server that cannot be provided; the message names it, the reason and the remedy."""


def ending_with_parent(signum: signal.Signals) -> Callable[[], None]:
    """Return a `preexec_fn` that has the kernel send `signum` to the child when its starting thread ends (Linux)."""
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def ask_the_kernel() -> None:
        if libc:
            libc.prctl(1, int(signum))  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel


def private(path: Path, mode: Literal["ab", "a+b"]) -> IO[bytes]:
    """Open a file for appending, readable only by its owner from now on.

    PostgreSQL logs failed statements, and statements contain personal data.
    """
    file: IO[bytes] = open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
    os.fchmod(file.fileno(), 0o600)
    return file


def account_for(data_dir: Path) -> pwd.struct_passwd | None:
    """Return the account for PostgreSQL if we are root, which it refuses to run as; else None."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(FileNotFoundError):
        return pwd.getpwuid((data_dir / "postgres").stat().st_uid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerError("PostgreSQL does not run as root, and there is no account `nobody` to run it as.")


def run_as(account: pwd.struct_passwd | None, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a quick command as that account; if the account may not execute it, that counts as failed."""
    options: Any = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    try:
        return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **options)  # noqa: S603
    except OSError as error:
        return subprocess.CompletedProcess(command, 126, "", str(error))


def socket_dir(data_dir: Path, account: pwd.struct_passwd | None) -> Path:
    """Return `run/` in the data directory, or one in /tmp if that path is too long for a socket or odd to libpq."""
    place = data_dir / "run"
    too_long = len(os.fsencode(place / ".s.PGSQL.5432")) > SOCKET_PATH_BYTES
    if too_long or not re.fullmatch(r"[-\w./ +]+", str(place)):
        place = Path(tempfile.gettempdir()) / f"scheduler-{digest(data_dir)}"
    place.mkdir(mode=0o700, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid not in (os.geteuid(), account.pw_uid if account else os.geteuid()):
        raise ServerError(f"{place} belongs to somebody else; the sockets were to lie there.")
    give_to(place, account)
    return place


def give_to(path: Path, account: pwd.struct_passwd | None) -> None:
    if account:
        os.chown(path, account.pw_uid, account.pw_gid)


def package_dir(name: str) -> Path | None:
    """Return the directory of a package, without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).resolve().parent if spec and spec.origin else None


def digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]

"""How passwords are hashed, and how many at a time: what is meant to be costly must not be so for everybody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.contrib.auth import hashers

from scheduler_project.common.errors import TooBusy


@cache
def turns(number: int) -> BoundedSemaphore:
    return BoundedSemaphore(number)


@contextmanager
def turn() -> Iterator[None]:
    """Wait until this process hashes fewer passwords than it may at once. Raises TooBusy at the deadline."""
    semaphore = turns(settings.PASSWORD_HASHES_AT_ONCE)
    if not semaphore.acquire(timeout=settings.PASSWORD_HASH_WAIT_SECONDS):
        raise TooBusy
    try:
        yield
    finally:
        semaphore.release()


class TakingTurns:
    """For a hasher: it works in its turn only, whoever asks, on whatever face."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        with turn():
            return str(super().encode(*args, **kwargs))  # type: ignore[misc]

    def verify(self, *args: Any, **kwargs: Any) -> bool:
        with turn():
            return bool(super().verify(*args, **kwargs))  # type: ignore[misc]


class Argon2PasswordHasher(TakingTurns, hashers.Argon2PasswordHasher):
    """Argon2id with what OWASP's Password Storage Cheat Sheet asks for at least: 19 MiB, two passes, one lane.

    Django's own take 100 MiB and eight threads for each log-in.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1


class PBKDF2PasswordHasher(hashers.PBKDF2PasswordHasher):
    """For hashes that came from elsewhere."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        with turn():
            return super().encode(*args, **kwargs)

"""Password hashers with a limit on parallel hashing: hashing is slow by design, but must not slow other requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.contrib.auth import hashers

from scheduler_project.common.errors import TooBusy


@cache
def hashing_semaphore(number: int) -> BoundedSemaphore:
    return BoundedSemaphore(number)


@contextmanager
def turn() -> Iterator[None]:
    """Wait until this process hashes fewer passwords than its limit. Raises TooBusy at the deadline."""
    semaphore = hashing_semaphore(settings.PASSWORD_HASHES_AT_ONCE)
    if not semaphore.acquire(timeout=settings.PASSWORD_HASH_WAIT_SECONDS):
        raise TooBusy
    try:
        yield
    finally:
        semaphore.release()


class TakingTurns:
    """A hasher mixin that waits for its turn, whatever the source of the request."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        with turn():
            return str(super().encode(*args, **kwargs))  # type: ignore[misc]

    def verify(self, *args: Any, **kwargs: Any) -> bool:
        with turn():
            return bool(super().verify(*args, **kwargs))  # type: ignore[misc]


class Argon2PasswordHasher(TakingTurns, hashers.Argon2PasswordHasher):
    """An Argon2id hasher with the minimum of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.

    Django's default takes 100 MiB and eight threads per login.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1


class PBKDF2PasswordHasher(hashers.PBKDF2PasswordHasher):
    """A PBKDF2 hasher, for hashes that were imported."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        with turn():
            return super().encode(*args, **kwargs)

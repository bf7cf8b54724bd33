"""The cache: what django-allauth counts logins in."""

from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as TooSlow


class ForgivingCache(RedisCache):
    """Redis; without it an empty cache that remembers nothing, for a dead cache must not close the shop."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except (Unreachable, TooSlow):
            return default

    def add(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> bool:
        try:
            return super().add(key, value, timeout, version)
        except (Unreachable, TooSlow):
            return True

    def set(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> None:
        try:
            super().set(key, value, timeout, version)
        except (Unreachable, TooSlow):
            return

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            return super().delete(key, version)
        except (Unreachable, TooSlow):
            return False

"""The cache, with Redis and without."""

import pytest
from django.conf import settings
from django.core.cache import cache

from tests.factories import PASSWORD


@pytest.fixture
def _no_redis(settings):
    dead = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {"default": dead}


def test_cache_remembers():
    cache.set("tea", "green")

    assert cache.get("tea") == "green"
    assert settings.CACHES["default"]["BACKEND"].endswith("ForgivingCache")


@pytest.mark.usefixtures("_no_redis")
def test_cache_without_redis_is_empty_and_takes_everything():
    told = [cache.add("tea", "green"), cache.set("tea", "green"), cache.get("tea", "none"), cache.delete("tea")]

    assert told == [True, None, "none", False]


@pytest.mark.usefixtures("_no_redis")
def test_logging_in_works_without_redis(client, booker):
    client.post("/account/login/", {"login": booker.user.email, "password": PASSWORD})

    assert client.session["_auth_user_id"] == str(booker.user_id)

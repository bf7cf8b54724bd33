"""Every environment variable is listed in docs/reference/settings.md and in `.env.example`."""

import re
import runpy
from pathlib import Path

import environ
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from scheduler_project.reference.settings import LAUNCHERS, REQUIRED, SOURCE, by_section, variables

ROOT = Path(settings.BASE_DIR)
SOURCES = [ROOT / "scheduler_project" / f"{name}.py" for name in ("embedded", "runner", "serve")]
"""Modules that read the environment, and complete it, before the settings are loaded."""
OF_SETTINGS = {one.name: one for section in by_section().values() for one in section}


def test_only_the_settings_and_what_starts_them_read_the_environment():
    found = set()
    for folder in ("scheduler_project", "accounts", "booking", "reminders", "analytics"):
        found |= {path for path in (ROOT / folder).rglob("*.py") if "os.environ" in path.read_text(encoding="utf-8")}

    assert {path.name for path in found} == {*(path.name for path in SOURCES), "celery.py", "wsgi.py"}


def test_what_is_read_before_the_settings_is_listed():
    read = {name for path in SOURCES for name in re.findall(r'os\.environ\.get\("(\w+)"', path.read_text("utf-8"))}

    assert read - OF_SETTINGS.keys() == {one.name for one in LAUNCHERS}


def test_defaults_of_what_is_read_before_the_settings_are_those_of_the_code():
    texts = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    defaults = re.findall(r'os\.environ\.get\("(\w+)"\) or "([^"]+)"', texts)

    assert {name for name, _ in defaults} == {"HOST", "PORT"}
    assert set(defaults) <= {(one.name, one.default) for one in LAUNCHERS}


def test_what_make_run_sets_is_said():
    texts = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    given = set(re.findall(r'os\.environ(?:\.setdefault\(|\[)"(\w+)"(?:,|\] =)', texts))
    given -= {"DJANGO_SETTINGS_MODULE", "ALLOWED_HOSTS"}  # the one is Django's, the other as the settings have it

    assert given
    assert given <= {one.name for one in variables() if "make run" in one.meaning}


def example() -> list[tuple[str, str, str]]:
    """Return each line of the example: a sign that it is commented out, the name, the value."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return re.findall(r"^(# )?([A-Z_]+)=(.*)$", text, re.MULTILINE)


def test_example_lists_every_variable_of_the_settings_once():
    assert sorted(name for _, name, _ in example()) == sorted(OF_SETTINGS)


@pytest.mark.parametrize(("name", "value"), [(name, value) for commented, name, value in example() if commented])
def test_example_shows_defaults(name, value):
    assert value == OF_SETTINGS[name].default or OF_SETTINGS[name].default == ""  # then it is an example


def test_limits_of_any_channel_are_read(monkeypatch):
    monkeypatch.setattr(environ.Env, "ENVIRON", {**REQUIRED, "SEND_LIMITS_PIGEON": "site=1/2"})

    assert runpy.run_path(str(SOURCE))["SEND_LIMITS"] == {"pigeon": {"site": (1, 2)}}


def test_limit_that_there_is_not_stops_the_start(monkeypatch):
    monkeypatch.setattr(environ.Env, "ENVIRON", {**REQUIRED, "SEND_LIMITS_EMAIL": "world=1/2"})

    with pytest.raises(ImproperlyConfigured, match="SEND_LIMITS_EMAIL knows no world"):
        runpy.run_path(str(SOURCE))


def test_example_sets_what_is_required():
    required = {one.name for one in OF_SETTINGS.values() if one.default is None}

    assert required <= {name for commented, name, _ in example() if not commented}


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "app.example.org",
        "https://*.example.org",
        "https://app.example.org/",
        "https://app.example.org/path",
        "https://App.example.org",
        "https://app.example.org:443",
        "https://user@app.example.org",
        "ftp://app.example.org",
        "http://app.example.org",
        "https://app.example.org\n",
    ],
)
def test_origin_that_no_browser_would_send_stops_the_start(monkeypatch, origin):
    monkeypatch.setattr(environ.Env, "ENVIRON", {**REQUIRED, "CORS_ORIGINS": f"https://good.example.org,{origin}"})

    with pytest.raises(ImproperlyConfigured, match="CORS_ORIGINS"):
        runpy.run_path(str(SOURCE))


def test_origins_are_read(monkeypatch):
    written = "https://app.example.org,https://app.example.org:8443,http://localhost:5173"
    monkeypatch.setattr(environ.Env, "ENVIRON", {**REQUIRED, "CORS_ORIGINS": written})

    assert runpy.run_path(str(SOURCE))["CORS_ALLOWED_ORIGINS"] == written.split(",")

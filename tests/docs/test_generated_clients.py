"""Clients generated from the OpenAPI document compile, and book as the guide says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.keys.scopes import Scope
from booking.models import Appointment
from tests.accounts.keys.helpers import new_key
from tests.docs.shell import blocks, in_shell
from tests.factories import open_provider
from tests.programs import install_packages, needs

DOCS = Path(settings.BASE_DIR) / "docs"
GUIDE = DOCS / "howto" / "generated-clients.md"
IMPORT_ALL = """
import importlib, pkgutil, scheduler_client
for module in pkgutil.walk_packages(scheduler_client.__path__, "scheduler_client."):
    importlib.import_module(module.name)
"""


def on_a_site(test: Any) -> Any:
    """Mark a test that starts a site, and takes seconds."""
    return pytest.mark.slow(pytest.mark.django_db(transaction=True)(test))


@pytest.fixture
def folder(live_server, monkeypatch, tmp_path) -> Path:
    """A folder for a client, and the environment of the guide: a site where a provider has a key."""
    APIClient().get("/api/v1/schema")  # On a busy machine making it takes longer than generators wait.
    provider = open_provider(now=timezone.now(), horizon_days=14)
    monkeypatch.setenv("SITE", live_server.url)
    monkeypatch.setenv("SCHEDULER_KEY", new_key(provider.user, Scope.READ, Scope.BOOK, Scope.MANAGE).text)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    return tmp_path


def block(first_word: str) -> str:
    """Return the block of the guide that installs by a command, without that line."""
    [found] = [text for text in blocks(GUIDE).split("\n\n") if text.strip().startswith(first_word)]
    return found.strip().partition("\n")[2]


@on_a_site
def test_python_client_is_whole_and_books(folder):
    shutil.copy(DOCS / "examples" / "python-client" / "book.py", folder)
    script = block("pip install")

    said = in_shell(f"{script}\n{script.splitlines()[-1]}", folder)

    subprocess.run([sys.executable, "-W", "error", "-c", IMPORT_ALL], cwd=folder, check=True)
    assert "Warning" not in said
    assert said.count("Emmy Noether is booked for") == 2
    assert set(Appointment.objects.values_list("reservation__client__email", "status")) == {
        ("emmy@example.org", "scheduled")
    }


@pytest.fixture
def npm_folder(folder) -> Path:
    """A folder with the packages of the TypeScript client."""
    shutil.copytree(DOCS / "examples" / "typescript-client", folder, dirs_exist_ok=True)
    install_packages(folder)
    return folder


@on_a_site
@needs("npm")
def test_typescript_client_compiles_and_books(npm_folder):
    said = in_shell(block("npm install"), npm_folder)

    assert said.splitlines()[-1].startswith("Emmy Noether is booked for")
    assert Appointment.objects.get().client.email == "emmy@example.org"


def test_guide_names_the_version_that_is_tested():
    pinned = (Path(settings.BASE_DIR) / "requirements-dev.txt").read_text(encoding="utf-8")

    assert blocks(GUIDE).partition("pip install ")[2].splitlines()[0] in pinned.splitlines()

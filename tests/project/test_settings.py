"""The settings of an installation are listed in every place where people look for them, once."""

import re
from collections import Counter
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LAUNCHERS = {"HOST", "PORT", "DEMO", "DATA_DIR"}
"""Variables read before the settings: by the web server, `make run` and the embedded servers."""


def read_by_the_settings() -> set[str]:
    source = (ROOT / "scheduler_project" / "settings.py").read_text(encoding="utf-8")
    of_channels = {f"SEND_LIMITS_{channel.upper()}" for channel in settings.SEND_LIMITS}
    return set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source)) | of_channels


def test_readme_lists_every_variable_once():
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Configuration")[2].partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    listed = Counter(name for cell in first_cells for name in re.findall(r"`([A-Z_]+)`", cell))

    assert listed == Counter(read_by_the_settings() | LAUNCHERS)


def test_example_lists_every_variable_once():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert Counter(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)) == Counter(read_by_the_settings())

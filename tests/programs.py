"""Programs that some tests drive. Without one its tests are skipped, except in CI: `.ci/run` installs them all."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.chromium import CHROMIUM

IN_CI = bool(os.environ.get("CI"))

PROGRAMS = {"chromium": CHROMIUM} | {name: shutil.which(name) for name in ("curl", "npm", "openssl")}
"""The path of each; None if it is not there."""

INSTALL_SECONDS = 60


def missing() -> list[str]:
    return [name for name, path in PROGRAMS.items() if path is None]


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(PROGRAMS[name] is None, reason=f"there is no {name} on this machine")


def install_packages(folder: Path) -> None:
    """Install what `package.json` names. Skips the test where npm reaches no registry; in CI that fails it."""
    install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        if IN_CI:
            raise
        pytest.skip(f"npm reaches no registry: {error}")

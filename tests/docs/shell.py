"""The code blocks of a page, and a shell that runs them."""

import re
import subprocess
from pathlib import Path

CODE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def blocks(page: Path, language: str = "sh") -> str:
    """Return the code blocks of a page in one language, in order."""
    return "\n".join(text for name, text in CODE.findall(page.read_text(encoding="utf-8")) if name == language)


def in_shell(script: str, folder: Path) -> str:
    """Run a script and return what it printed; whatever fails in it fails the test."""
    run = subprocess.run(
        ["bash", "-euo", "pipefail"], input=script, cwd=folder, text=True, capture_output=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout

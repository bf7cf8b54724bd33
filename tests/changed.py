"""Tests of the code with some of its source changed, as whoever adds a row to a table would change it.

A plugin of pytest calls `change_source` before anything imports the module. `run_cases` runs tests with that plugin, in
a process of their own: choices, forms and answers are made at import.
"""

import os
import subprocess
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader

from scheduler_project.embedded import PROJECT

SERVERS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "TEST_TEMPLATE", "DJANGO_SETTINGS_MODULE")


class ChangedSource(SourceFileLoader):
    changes: dict[str, str]

    def get_code(self, fullname):
        source = self.get_source(fullname)
        for place, changed in self.changes.items():
            assert source.count(place) == 1, place
            source = source.replace(place, changed)
        return compile(source, self.path, "exec")


class Finder:
    def __init__(self, module: str, changes: dict[str, str]) -> None:
        self.module, self.changes = module, changes

    def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
        if name != self.module:
            return None
        spec = PathFinder.find_spec(name, path, target)
        spec.loader = ChangedSource(name, spec.origin)
        spec.loader.changes = self.changes
        return spec


def change_source(module: str, changes: dict[str, str]) -> None:
    """Let a module be imported with other text in these places, each of which occurs once."""
    assert module not in sys.modules
    sys.meta_path.insert(0, Finder(module, changes))


def run_cases(package: str) -> None:
    """Run `cases.py` of a package of tests with its `plugin.py`; fail as it fails."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") and name not in SERVERS}
    plugins = ["-p", f"{package}.plugin", "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, f"{package.replace('.', '/')}/cases.py"],
        cwd=PROJECT,
        env=own,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

"""A pytest plugin: throwaway PostgreSQL and Redis for the run, unless the environment names some.

Loaded by `-p tests.servers` because settings are read before any conftest.py. The processes of pytest-xdist inherit
the environment and so find the servers of the run.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler_project import embedded
from tests import template

DEFAULTS = {"SECRET_KEY": "only-for-tests-" + "0" * 50, "DEBUG": "off", "SECURE": "off"}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    # WhiteNoise warns where nothing was ever collected, and warnings are errors.
    (embedded.PROJECT / "staticfiles").mkdir(exist_ok=True)
    missing = [kind for kind in (embedded.Postgres, embedded.Redis) if not os.environ.get(kind.variable)]
    if missing:
        stack = contextlib.ExitStack()
        early_config.add_cleanup(stack.close)
        data_dir = Path(tempfile.mkdtemp(prefix="scheduler-tests-"))
        stack.callback(shutil.rmtree, data_dir, ignore_errors=True)
        if embedded.Postgres in missing:
            template.copy_cluster(data_dir)
            os.environ["TEST_TEMPLATE"] = template.DATABASE
        running = stack.enter_context(embedded.servers(data_dir, durable=False, wanted=missing))
        os.environ.update({server.variable: server.url for server in running})
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are processors, for some tests wait."""
    return (os.cpu_count() or 1) + 1

"""A short siege with real processes: slow clients do not delay others. `make siege` is the long one."""

import json
import subprocess
import sys
from typing import Any

import pytest

from scheduler_project.embedded import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("runner")]


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    """The measurements. Up to two seconds are allowed, because a busy machine alone may cause that."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.slow.siege", "--seconds", "12", "--usual", "3", "--floor", "2", "--control"],
        cwd=PROJECT,
        check=False,
        stdout=subprocess.PIPE,
        timeout=500,
    )
    return json.loads(done.stdout)


def test_crowds_that_send_and_read_slowly_keep_nobody_waiting(figures: dict[str, Any]):
    assert figures["ours"]["held"], figures
    assert figures["ours"]["standing"] > 1_500
    assert figures["ours"]["connected_again"] >= 900, "half a request is not waited for for ever"


def test_eight_half_sent_bodies_stop_a_server_whose_threads_read_them(figures: dict[str, Any]):
    assert not figures["control"]["held"], figures

"""A small chaos with real processes: whatever is killed, nothing is lost. `make chaos` is the large one."""

import json
import subprocess
import sys
from typing import Any

import pytest

from scheduler_project.embedded import PROJECT

pytestmark = pytest.mark.slow

NOTHING = {"lost": 0, "unsettled": 0, "strange": 0}


def chaos(*options: str) -> dict[str, Any]:
    """The results of the runs: `guarded`, and the controls."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.slow.chaos", "--messages", "300", "--dispatchers", "2", *options],
        cwd=PROJECT,
        check=False,
        stdout=subprocess.PIPE,
        timeout=300,
    )
    return json.loads(done.stdout)


def missed(course: dict[str, Any]) -> dict[str, int]:
    return {name: course[name] for name in NOTHING}


def test_killed_dispatchers_lose_nothing_and_repeat_no_more_than_they_had_in_hand():
    kills = ("--kills", "3", "--flushes", "0", "--restarts", "0")
    courses = chaos("--bare", "--batch", "5", *kills, "--controls")

    guarded = courses["guarded"]
    assert guarded["groups_killed"] >= 3
    assert missed(guarded) == NOTHING
    assert guarded["repeats"] <= guarded["in_flight"] + guarded["failed_tries"]

    assert courses["marked early"]["lost"] > 0, "control: marked as sent before it was sent"
    assert courses["without lease"]["repeats"] > 0, "control: nobody leases what they send"


def test_two_beats_and_two_workers_send_nothing_twice():
    guarded = chaos("--kills", "0", "--calm", "--beats", "2")["guarded"]

    assert missed(guarded) | {"repeats": guarded["repeats"]} == NOTHING | {"repeats": 0}

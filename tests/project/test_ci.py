"""CI skips no test for want of a program."""

import os
import re
import subprocess
import sys

from scheduler_project.embedded import PROJECT
from tests.programs import PROGRAMS


def test_ci_installs_every_program_that_tests_drive():
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")

    assert set(re.search(r"for program in (.*); do", script)[1].split()) == set(PROGRAMS)
    assert "export CI=true\n" in script


def test_run_without_a_program_is_refused_in_ci(tmp_path):
    in_ci = os.environ | {"CI": "true", "CHROMIUM": "", "PATH": str(tmp_path)}

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", __file__],
        cwd=PROJECT,
        env={name: value for name, value in in_ci.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, "there is no chromium, curl, npm, openssl" in run.stderr) == (4, True), run.stderr

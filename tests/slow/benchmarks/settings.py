"""The app's own settings, with the floor beside it; with BENCH_UNGUARDED its guards against double booking are off."""

import os

from scheduler_project.settings import *  # noqa: F403

ROOT_URLCONF = "tests.slow.benchmarks.urls"

if os.environ.get("BENCH_UNGUARDED"):
    INSTALLED_APPS = [*INSTALLED_APPS, "tests.slow.benchmarks.unguarded.Unguarded"]  # noqa: F405

"""The benchmark still fits the app: what it leans on is there. (Measuring is `make bench`'s business.)"""

from django.utils.module_loading import import_string

from tests.slow.benchmarks import rows
from tests.slow.benchmarks.__main__ import NAMES
from tests.slow.benchmarks.unguarded import GUARDS, without


def test_the_guards_the_control_takes_away_are_there():
    for path, guard in GUARDS.items():
        assert guard not in without(import_string(path), guard)


def test_every_row_can_be_asked_for():
    assert set(NAMES) == set(rows.ROWS)

"""Whatever is asked of the API, it answers as its OpenAPI document says, and never with a fault.

CI asks a little, the same each time. `make fuzz` asks for some minutes, something else each time.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given
from schemathesis import Case, Response
from schemathesis.generation.stateful import run_state_machine_as_test

from tests.looking import undone
from tests.project.world import World, everything
from tests.slow.conformance.cases import PEOPLE, complaints, fill, headers_of, kept_connection, loaded_schema

pytestmark = pytest.mark.slow

LOADED = loaded_schema()
OPERATIONS = {found.label: found for found in (each.ok() for each in LOADED.get_all_operations())}


@pytest.fixture(scope="module")
def one_of_everything(django_db_setup, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), everything() as world:
        yield world


@pytest.fixture
def world(one_of_everything, db) -> Iterator[World]:
    with kept_connection():
        yield one_of_everything


def asked_for(share: float, **more: Any) -> hypothesis.settings:
    """Return the profile's settings with a share of its examples, and no search for smaller ones."""
    profile = hypothesis.settings()
    return hypothesis.settings(
        profile,
        max_examples=max(int(profile.max_examples * share), 1),
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
        **more,
    )


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_operation_answers_as_documented(world, operation):
    headers, statuses = headers_of(world), Counter()

    @given(case=operation.as_strategy())
    @asked_for(0.05)
    def ask(who: str, case: Case) -> None:
        fill(case, world)
        with undone():
            response = case.call(headers=headers[who])
            statuses[response.status_code] += 1
            complaints(response, case)

    for who in PEOPLE:
        ask(who)
    assert set(statuses) != {404}


@pytest.mark.parametrize("who", PEOPLE)
def test_chains_of_links_are_answered_as_documented(world, who):
    headers, followed = headers_of(world), Counter()

    class Chain(LOADED.as_state_machine()):
        def setup(self) -> None:
            self.stack = ExitStack()
            self.stack.enter_context(undone())

        def teardown(self) -> None:
            self.stack.close()

        def step(self, step: Any) -> Any:
            fill(step.case, world, {name for _place, name in step.applied_parameters})
            output = super().step(step)
            if step.transition and step.applied_parameters:
                followed[output.response.status_code != 404] += 1
            return output

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"headers": headers[who]}

        def validate_response(self, response: Response, case: Case, *args: Any, **kwargs: Any) -> None:
            complaints(response, case, recorder=self.recorder)

    run_state_machine_as_test(Chain, settings=asked_for(0.3, stateful_step_count=20))

    assert who == "anonymous" or followed[True] > followed[False]

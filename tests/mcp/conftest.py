"""The event loop of a browser is hidden from these tests, which run loops of their own in the same thread."""

import asyncio
from pathlib import Path

import pytest

_hidden = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Hide the loop that a browser test before this one left running, from the first fixture to the last.

    pytest calls this hook for all tests.
    """
    running = asyncio._get_running_loop()
    if running is None or Path(__file__).parent not in item.path.parents:
        return (yield)
    asyncio._set_running_loop(None)
    _hidden.append(running)
    try:
        return (yield)
    finally:
        asyncio._set_running_loop(_hidden.pop())


@pytest.fixture(scope="session")
def _shown_to_the_browser():
    """Show the loop when the session ends. It is asked for after the browser was started, and so ends before it."""
    yield
    if _hidden:
        asyncio._set_running_loop(_hidden[-1])


@pytest.fixture(autouse=True)
def _in_the_last_test(request):
    if _hidden:
        request.getfixturevalue("_shown_to_the_browser")

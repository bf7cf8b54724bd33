"""The queue in front of the threads."""

import threading
import time

import pytest

from scheduler_project.web.threads import Threads


def test_networks_take_turns_however_much_each_asks_for():
    free, done = threading.Event(), []

    def work(job: str) -> None:
        free.wait(5)
        done.append(job)

    threads: Threads[str] = Threads(1, 100, work)
    threads.put("flood", "first")
    while threads.quick:
        time.sleep(0.001)
    for number in range(3):
        threads.put("flood", f"flood {number}")
    threads.put("visitor", "visitor")
    free.set()
    threads.stop()

    assert done == ["first", "flood 0", "visitor", "flood 1", "flood 2"]


def test_full_line_drops_the_last_of_who_has_most_in_it():
    free = threading.Event()
    threads: Threads[str] = Threads(1, 2, lambda job: free.wait(5) and None)
    for number in range(3):
        assert threads.put("flood", f"flood {number}") is None

    assert threads.put("visitor", "visitor") == "flood 2"
    assert threads.put("flood", "flood 3") == "flood 3"

    free.set()
    threads.stop()


def test_full_line_of_as_many_from_everybody_drops_who_came_last():
    free = threading.Event()
    threads: Threads[str] = Threads(1, 2, lambda job: free.wait(5) and None)
    for network in "abc":
        assert threads.put(network, network) is None

    assert threads.put("d", "d") == "d"

    free.set()
    threads.stop()


def held_up(most_slow: int) -> tuple[Threads[str], threading.Event, list[str]]:
    """Two threads whose slow jobs wait until they are freed, and what was done."""
    free, done = threading.Event(), []

    def work(job: str) -> None:
        if job == "slow":
            free.wait(5)
        done.append(job)

    return Threads(2, 100, work, most_slow=most_slow), free, done


@pytest.mark.parametrize(("most_slow", "before"), [(1, ["quick", "quick"]), (2, [])])
def test_slow_jobs_leave_a_thread_to_others_unless_they_may_have_all(most_slow: int, before: list[str]):
    threads, free, done = held_up(most_slow)
    for number in range(5):
        threads.put(f"network {number}", "slow", slow=True)
    while threads._working < most_slow:
        time.sleep(0.001)
    for _ in range(2):
        threads.put("visitor", "quick")
    time.sleep(0.2)

    assert done == before

    free.set()
    threads.stop()
    assert sorted(done) == ["quick"] * 2 + ["slow"] * 5


def test_slow_jobs_have_their_turn_however_many_quick_ones_wait():
    free, done = threading.Event(), []

    def work(job: str) -> None:
        free.wait(5)
        done.append(job)

    threads: Threads[str] = Threads(1, 100, work, most_slow=1)
    for number in range(4):
        threads.put("flood", f"quick {number}")
    threads.put("owner", "slow", slow=True)
    free.set()
    threads.stop()

    assert done.index("slow") <= 2


def test_withdrawn_job_is_not_done():
    free, done = threading.Event(), []

    def work(job: str) -> None:
        free.wait(5)
        done.append(job)

    threads: Threads[str] = Threads(1, 100, work)
    threads.put("a", "first")
    while threads.quick:
        time.sleep(0.001)
    threads.put("a", "second")

    assert [threads.withdraw("a", "second"), threads.withdraw("a", "second"), threads.withdraw("a", "first")] == [
        True,
        False,
        False,
    ]

    free.set()
    threads.stop()
    assert done == ["first"]


def test_stop_waits_once_for_all_jobs_that_do_not_end(monkeypatch):
    monkeypatch.setattr("scheduler_project.web.threads.STOP_SECONDS", 0.5)
    free = threading.Event()
    threads: Threads[str] = Threads(4, 10, lambda job: free.wait(5) and None)
    for number in range(4):
        threads.put("visitor", f"{number}")

    began = time.monotonic()
    threads.stop()
    took = time.monotonic() - began
    free.set()

    assert 0.5 <= took < 1.9

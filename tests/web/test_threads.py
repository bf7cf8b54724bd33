"""The line in front of the threads."""

import threading
import time

from scheduler_project.web.threads import Threads


def test_networks_take_turns_however_much_each_asks_for():
    free, done = threading.Event(), []

    def work(job: str) -> None:
        free.wait(5)
        done.append(job)

    threads: Threads[str] = Threads(1, 100, work)
    threads.put("flood", "first")
    while threads._waiting:
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


def test_stop_waits_once_for_all_jobs_that_do_not_end(monkeypatch):
    monkeypatch.setattr("scheduler_project.web.threads.STOP_SECONDS", 0.2)
    free = threading.Event()
    threads: Threads[str] = Threads(4, 10, lambda job: free.wait(5) and None)
    for number in range(4):
        threads.put("visitor", f"{number}")

    began = time.monotonic()
    threads.stop()
    took = time.monotonic() - began
    free.set()

    assert 0.2 <= took < 0.6

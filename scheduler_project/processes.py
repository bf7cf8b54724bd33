"""The processes of a running site: started, watched, restarted when they die, and stopped.

Their output is printed line by line, each with the name of its process.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable

from scheduler_project import embedded
from scheduler_project.machine import ServerError, ending_with_parent

DEATHS_ALLOWED = 3
DEATHS_WITHIN_SECONDS = 60
STOP_SECONDS = 10


class Child:
    """One of the processes of the site, whose output lines carry its name."""

    def __init__(
        self,
        name: str,
        command: list[str],
        selector: selectors.BaseSelector,
        orphaned: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.command = command
        self.selector = selector
        self.orphaned = orphaned  # the signal it gets when the runner dies
        self.deaths: deque[float] = deque(maxlen=DEATHS_ALLOWED)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603
            self.command,
            cwd=embedded.PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C in the terminal is for the runner alone.
            preexec_fn=ending_with_parent(self.orphaned),  # noqa: PLW1509
        )
        assert self.process.stdout
        self.output = self.process.stdout
        os.set_blocking(self.output.fileno(), False)
        self.selector.register(self.output, selectors.EVENT_READ, self)
        self.partial = b""
        self.restart_at: float | None = None

    def relay(self) -> None:
        """Print the new lines of output."""
        read = self.output.read(65536)
        if read is None:
            return
        if not read:
            self.close()
        *lines, self.partial = (self.partial + read).split(b"\n")
        for line in lines:
            say(line.decode(errors="replace"), self.name)

    def revive(self, now: float) -> None:
        """Restart the process if it died: after 1 second, then 2, but not a third time within a minute."""
        if self.restart_at is not None:
            if now >= self.restart_at:
                self.close()
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        self.sweep()
        self.deaths.append(now)
        recent = sum(now - death < DEATHS_WITHIN_SECONDS for death in self.deaths)
        if recent >= DEATHS_ALLOWED:
            raise ServerError(f"{self.name} ended with status {status}, {recent} times within a minute.")
        say(f"{self.name} ended with status {status}; it starts again in {recent} s.")
        self.restart_at = now + recent

    def close(self) -> None:
        """Close the pipe."""
        if not self.output.closed:
            self.selector.unregister(self.output)
            self.output.close()

    def sweep(self) -> None:
        """Kill the children the process may have left behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def watch(
    children: list[Child],
    servers: list[embedded.EmbeddedServer],
    selector: selectors.BaseSelector,
    is_ready: Callable[[], bool],
    welcome: list[str],
) -> None:
    """Relay output and restart dead processes until an exception; print the welcome once all is ready."""
    announced = False
    look_at = 0.0
    while True:
        for key, _ in selector.select(timeout=0.1):
            key.data.relay()
        now = time.monotonic()
        for child in children:
            child.revive(now)
        if now < look_at:
            continue
        look_at = now + (1 if announced else 0.3)
        for server in servers:
            if not server.alive():
                say(f"{server.name} is gone; it starts again.")
                server.ensure()
        if not announced and is_ready():
            announced = True
            for line in ["", *welcome, ""]:
                say(line)


def stop(children: list[Child], selector: selectors.BaseSelector) -> None:
    """Stop the processes by a signal to the main process of each: Celery then finishes its current tasks."""
    for child in children:
        child.process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    while any(child.process.poll() is None for child in children) and time.monotonic() < deadline:
        for key, _ in selector.select(timeout=0.05):
            key.data.relay()
    for child in children:
        child.sweep()
        child.process.wait()
        child.close()


def say(text: str, name: str = "site") -> None:
    print(f"{name:<6} | {text}", flush=True)  # noqa: T201

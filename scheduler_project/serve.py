"""The web server with one command: `python -m scheduler_project.serve`.

The only place that knows how it is started: `make run`, the image, README, the benchmark and the tests call this.
Listens on HOST and PORT, with `WEB_WORKERS` processes of `WEB_THREADS` threads. SIGTERM ends it once the requests in
hand are answered, SIGHUP replaces its processes one after another.
"""

import os
import resource
from pathlib import Path
from typing import Any

from django.conf import settings
from gunicorn.app.base import BaseApplication

SPARE_FILES = 200
"""Open files of a process beside its connections: the database, templates, what is answered with."""
STUCK_SECONDS = 30
"""A process whose event loop has not turned for so long is replaced."""
KILL_SECONDS = 8
"""A process that was told to end is killed after so long. What its requests and threads are given ends before."""


class WebServer(BaseApplication):
    """gunicorn, configured from the settings and from nowhere else."""

    def load_config(self) -> None:
        host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
        shared = Path("/dev/shm")  # noqa: S108  (where a process shows that it lives: no disk may delay that)
        options = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": settings.WEB_WORKERS,
            "worker_class": "scheduler_project.web.worker.EventLoopWorker",
            "backlog": 2048,
            "timeout": STUCK_SECONDS,
            "graceful_timeout": KILL_SECONDS,
            "loglevel": settings.LOG_LEVEL.lower(),
            "worker_tmp_dir": str(shared) if os.access(shared, os.W_OK) else None,
            "control_socket_disable": True,
            "proc_name": "scheduler",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from scheduler_project.wsgi import application

        return application


def allow_files() -> None:
    """Let every process open as many files as its connections need, as far as the machine allows; else have fewer.

    Each may be answered with a file, which stays open until it was read.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * settings.WEB_CONNECTIONS + SPARE_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    settings.WEB_CONNECTIONS = max((allowed - SPARE_FILES) // 2, 100)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_project.settings")
    allow_files()
    WebServer().run()


if __name__ == "__main__":
    main()

"""The web server with one command: `python -m scheduler_project.serve`.

`make run`, the image, README, the benchmark and the tests all start it this way. It listens on HOST and PORT, with
`WEB_WORKERS` processes of `WEB_THREADS` threads. SIGTERM stops it once the current requests are answered, SIGHUP
replaces its processes one after another."""

import os
import resource
from pathlib import Path
from typing import Any

from django.conf import settings
from gunicorn.app.base import BaseApplication

SPARE_FILES = 200
"""The open files of a process beside its connections: the database, templates, files being sent."""
STUCK_SECONDS = 30
"""The seconds after which a process with a stuck event loop is replaced."""
KILL_SECONDS = 8
"""The seconds after which a stopping process is killed. The limits of its requests and threads are shorter."""


class WebServer(BaseApplication):
    """The server, gunicorn, configured only from the settings."""

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
    """Raise the limit of open files to the number of connections, or lower that number to the machine's limit.

    Each connection may be sending a file, which stays open until it is read.
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

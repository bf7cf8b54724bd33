"""A PostgreSQL cluster that is migrated already, kept between runs: migrating takes ten seconds, copying one.

Its database `scheduler` is for a site that a test starts. Nobody connects to the other one, `migrated`, so that others
can be created from it. Both are made anew when a migration, the triggers that migrations write, or a pinned package
changes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scheduler_project import embedded

DATABASE = "migrated"
PROJECT = embedded.PROJECT
MADE_FROM = (
    "*/migrations/*.py",
    "scheduler_project/common/*/migrations/*.py",
    "scheduler_project/common/audit/triggers.py",
    "scheduler_project/common/db/revisions.py",
)


def copy_cluster(data_dir: Path) -> None:
    """Put a cluster whose two databases have all migrations into `data_dir`, where a server will be started."""
    kept = Path(tempfile.gettempdir()) / f"scheduler-migrated-{os.geteuid()}-{_digest()}"
    if not kept.exists():
        _make(kept)
    _copy(kept / "postgres", data_dir / "postgres")


def _make(kept: Path) -> None:
    """Make the cluster in a place of its own and move it to `kept` when complete: of two who do so, one is first."""
    with tempfile.TemporaryDirectory(prefix="scheduler-migrating-", ignore_cleanup_errors=True) as place:
        new = Path(place)
        with embedded.servers(new, durable=False, wanted=[embedded.Postgres]) as [server]:
            environment = os.environ | {"DATABASE_URL": server.url, "REDIS_URL": "redis://127.0.0.1:1"}
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            copy = f"CREATE DATABASE {DATABASE} TEMPLATE scheduler"
            create = f"from django.db import connection; connection.cursor().execute('{copy}')"
            shell = [sys.executable, "manage.py", "shell", "--no-imports", "--command", create]
            for command in (migrate, shell):
                subprocess.run(command, cwd=PROJECT, env=environment, check=True)
        ready = kept.with_name(f"{kept.name}.{os.getpid()}")
        ready.mkdir(mode=0o711)
        _copy(new / "postgres", ready / "postgres")
        try:
            ready.rename(kept)
        except OSError:  # Somebody else was quicker.
            shutil.rmtree(ready, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """Copy a cluster with the owner and the modes that PostgreSQL insists on."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _digest() -> str:
    files = [PROJECT / "requirements.txt", Path(__file__)]
    files += sorted(path for pattern in MADE_FROM for path in PROJECT.glob(pattern))
    named = (str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes() for path in files)
    content = hashlib.sha256(b"\0".join(named))
    return content.hexdigest()[:16]

#!/usr/bin/env python
"""Django's command line. Where DATABASE_URL or REDIS_URL is missing, that server runs for the time of the command."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_project.settings")
    try:
        from django.core.management import execute_from_command_line

        from scheduler_project import embedded
        from scheduler_project.machine import ServerError
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Use the project's Python: .venv/bin/python manage.py (`make migrate` creates it).")
    try:
        with embedded.environment():
            execute_from_command_line(sys.argv)
    except ServerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

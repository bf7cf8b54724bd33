#!/usr/bin/env python
"""Django's command line. Where DATABASE_URL or REDIS_URL is missing, that server runs for the time of the command."""

import os
import sys

from scheduler_project import embedded


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_project.settings")
    try:
        with embedded.environment():
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except embedded.ServerError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()

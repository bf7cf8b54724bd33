"""The ASGI entry point, for servers that speak it. `make run` serves WSGI, which measured two to three times faster."""

import os

from django.core.asgi import get_asgi_application

from scheduler_project.common import process

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_project.settings")

process.is_now(process.Process.WEB)
application = get_asgi_application()

"""The ASGI entry point, for servers that speak it. `make run` serves WSGI, which measured two to three times faster."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_project.settings")

application = get_asgi_application()

"""The maximum size of a request: small, except for files that staff upload in the admin."""

import re

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.utils.module_loading import import_string

from scheduler_project.web.answers import Environ, complete

IMPORT_PAGE = re.compile(r"/admin/\w+/\w+/import/[\w-]+/", re.ASCII)


def body_limit(environ: Environ) -> int:
    """Return the maximum number of bytes of this request's body.

    A file slightly too large for an import is still received, because the import page has the better error message.
    """
    if environ["REQUEST_METHOD"] == "POST" and IMPORT_PAGE.fullmatch(environ["PATH_INFO"]):
        return settings.IMPORT_MAX_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def may_upload(environ: Environ) -> bool:
    """Return whether the user is staff, by their session. Reads the database; only the request's head has arrived."""
    from accounts.sign_in.authentication import user_of_session

    request = WSGIRequest(complete(dict(environ), b""))
    engine = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    request.session = engine(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = user_of_session(request)
    return bool(user.is_active and getattr(user, "is_staff", False))

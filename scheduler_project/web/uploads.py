"""The maximum size of a request: small, except for files that staff upload in the admin, and pictures."""

import re

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.utils.module_loading import import_string

from scheduler_project.web.answers import Environ, complete

IMPORT_PAGE = re.compile(r"/admin/\w+/\w+/import/[\w-]+/", re.ASCII)
PICTURE_PAGE = re.compile(
    r"/admin/(common/sitesettings|accounts/provider|booking/service)/(add|[0-9]+/change)/"
    r"|/dashboard/(settings|services/(add|[0-9]+))/",
    re.ASCII,
)


def body_limit(environ: Environ) -> int:
    """Return the maximum number of bytes of this request's body.

    A file slightly too large is still received, because the page has the better error message.
    """
    uploaded = 0
    if environ["REQUEST_METHOD"] == "POST":
        if IMPORT_PAGE.fullmatch(environ["PATH_INFO"]):
            uploaded = settings.IMPORT_MAX_BYTES
        elif PICTURE_PAGE.fullmatch(environ["PATH_INFO"]):
            uploaded = settings.PICTURE_MAX_BYTES
    return uploaded + settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def may_upload(environ: Environ) -> bool:
    """Return whether the user is staff or a provider, by their session.

    Reads the database; only the request's head has arrived.
    """
    from accounts.sign_in.authentication import user_of_session

    request = WSGIRequest(complete(dict(environ), b""))
    engine = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    request.session = engine(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = user_of_session(request)
    return bool(user.is_active and (getattr(user, "is_staff", False) or getattr(user, "provider_or_none", None)))

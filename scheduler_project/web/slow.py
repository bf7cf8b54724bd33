"""Requests that are slow for any client: those that hash or check a password, or wait for an OpenID Connect issuer.

They have a queue of their own. In a common one, a hundred addresses that tried to log in kept all threads waiting for
hashing, and the site did not answer.
"""

import re

from scheduler_project.web.answers import Environ

PASSWORDS = re.compile(r"/(?:account/|api/(?:v1/)?(?:login|register|password)\b)")

REGISTERING = re.compile(r"/api/(?:v1/)?(?:clients|providers)/?$")
"""Addresses at which a visitor registers, and whoever is logged in adds somebody else."""


ISSUER = "/account/issuer/"
"""Pages that wait for another server."""


def is_slow(environ: Environ) -> bool:
    if environ["PATH_INFO"].startswith(ISSUER):
        return True
    if environ["REQUEST_METHOD"] != "POST":
        return False
    path = environ["PATH_INFO"]
    registers = "HTTP_AUTHORIZATION" not in environ and REGISTERING.match(path)
    return bool(registers or PASSWORDS.match(path))

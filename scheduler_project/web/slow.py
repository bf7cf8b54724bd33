"""Requests that take their time whoever sends them: those that a password is hashed or checked for.

They have a line of their own. In everybody's, some hundred addresses that try to log in kept all threads waiting for a
turn at hashing, and the site from answering.
"""

import re

from scheduler_project.web.answers import Environ

PASSWORDS = re.compile(r"/(?:account/|api/(?:v1/)?(?:login|register|password)\b)")


def is_slow(environ: Environ) -> bool:
    return environ["REQUEST_METHOD"] == "POST" and PASSWORDS.match(environ["PATH_INFO"]) is not None

"""Requests that are slow for any client: those that hash or check a password.

They have a queue of their own. In a common one, a hundred addresses that tried to log in kept all threads waiting for
hashing, and the site did not answer.
"""

import re

from scheduler_project.web.answers import Environ

PASSWORDS = re.compile(r"/(?:account/|api/(?:v1/)?(?:login|register|password)\b)")


def is_slow(environ: Environ) -> bool:
    return environ["REQUEST_METHOD"] == "POST" and PASSWORDS.match(environ["PATH_INFO"]) is not None

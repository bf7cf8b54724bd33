"""The OpenID Connect issuer: what it publishes, and whether an ID token is from it, for this site, and now.

Every call has a deadline, and redirects are not followed. An issuer that did not answer is left alone for a moment, so
that it occupies no threads.
"""

import hmac
import http.client
import time
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests
from django.conf import settings
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from accounts.sign_in.errors import IdentityNotValid, IssuerUnavailable
from scheduler_project.common.outgoing import Deadline, DeadlineReader, connect_to

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a public key. None is among them, and no shared secret: the public key would be one."""
LEEWAY_SECONDS = 60
"""Difference between the issuer's clock and ours."""
LONGEST_TOKEN = 16_384
LONGEST_SUBJECT = 191
MOST_READ = 500_000
KEPT_SECONDS = 3600
RENEWED_SECONDS = 60
"""Keys are fetched anew for an unknown one, at most this often."""
LEFT_ALONE_SECONDS = 10
"""Pause after a call without an answer."""

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Transport(BaseAdapter):
    """Requests with one deadline each, to the issuer only."""

    def __init__(self) -> None:
        super().__init__()
        self.alone_until = 0.0

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if time.monotonic() < self.alone_until:
            raise requests.ConnectionError("it did not answer a moment ago")
        try:
            response = self._exchange(request)
        except (OSError, http.client.HTTPException) as error:
            self.alone_until = time.monotonic() + LEFT_ALONE_SECONDS
            raise requests.ConnectionError(str(error) or type(error).__name__) from error
        if response.is_redirect or len(response.content) > MOST_READ:
            raise requests.ConnectionError("a redirect, or too long an answer")
        return response

    def _exchange(self, request: requests.PreparedRequest) -> requests.Response:
        parts = urlsplit(request.url or "")
        host, secure = str(parts.hostname), parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        deadline = Deadline(settings.OIDC_TIMEOUT_SECONDS)
        with closing(connect_to(host, port, secure=secure, deadline=deadline)) as line:
            connection = http.client.HTTPConnection(host, port)
            connection.sock = line
            line.settimeout(deadline.left())
            body: Any = request.body
            connection.request(str(request.method), request.path_url, body, dict(request.headers))
            answer = http.client.HTTPResponse(DeadlineReader(line, deadline), method=request.method)  # type: ignore[arg-type]
            with closing(answer):
                answer.begin()
                response = requests.Response()
                response.status_code, response.reason = answer.status, answer.reason
                response.headers = CaseInsensitiveDict(answer.getheaders())
                response._content = answer.read(MOST_READ + 1)  # noqa: SLF001  (requests has no other way)
        response.url, response.request, response.encoding = request.url or "", request, "utf-8"
        return response

    def close(self) -> None:
        """Keep nothing: each call has a connection of its own."""


TRANSPORT = Transport()


def session() -> requests.Session:
    """Return a session that reaches the issuer with deadlines, and nothing that the environment says."""
    found = requests.Session()
    found.trust_env = False
    found.headers.update({"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Scheduler"})
    for scheme in ("https://", "http://"):
        found.mount(scheme, TRANSPORT)
    return found


@dataclass
class Kept:
    """A fetched document, and when that was."""

    content: dict[str, Any]
    at: float = field(default_factory=time.monotonic)


class Documents:
    """The issuer's documents, fetched once an hour by each process."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.lock = Lock()

    def get(self, url: str, newest: float = KEPT_SECONDS) -> dict[str, Any]:
        """Return the JSON object at this address, at most `newest` seconds old. Raises IssuerUnavailable."""
        found = self.kept.get(url)
        if found is None or time.monotonic() - found.at > newest:
            found = Kept(_fetched(url))
            with self.lock:
                self.kept[url] = found
        return found.content


DOCUMENTS = Documents()


def _fetched(url: str) -> dict[str, Any]:
    try:
        with session() as line:
            response = line.get(url)
            response.raise_for_status()
            content = response.json()
    except (requests.RequestException, ValueError) as error:
        raise IssuerUnavailable from error
    if not isinstance(content, dict):
        raise IssuerUnavailable
    return content


def configuration() -> dict[str, Any]:
    """Return the discovery document. Raises IssuerUnavailable, also if it is another issuer's."""
    found = DOCUMENTS.get(f"{settings.OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration")
    secure = settings.OIDC_ISSUER.startswith("https:")
    if found.get("issuer") != settings.OIDC_ISSUER:
        raise IssuerUnavailable
    for name in ENDPOINTS:
        if not str(found.get(name)).startswith("https://" if secure else ("https://", "http://")):
            raise IssuerUnavailable
    return found


def claims_of(token: Any, *, nonce: str | None) -> dict[str, Any]:
    """Return what an ID token says. Raises IdentityNotValid if it is not the issuer's, for this site, and now.

    `nonce` must be that of the token. Without one in the token it must be None. Raises IssuerUnavailable.
    """
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
        raise IdentityNotValid
    try:
        head = jwt.get_unverified_header(token)
        if head.get("alg") not in ALGORITHMS:
            raise IdentityNotValid
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(head.get("kid")).key,
            algorithms=[head["alg"]],
            issuer=settings.OIDC_ISSUER,
            audience=settings.OIDC_CLIENT_ID,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise IdentityNotValid from error
    others = claims["aud"] not in (settings.OIDC_CLIENT_ID, [settings.OIDC_CLIENT_ID])
    if claims.get("azp", None if others else settings.OIDC_CLIENT_ID) != settings.OIDC_CLIENT_ID:
        raise IdentityNotValid
    if not 0 < len(claims["sub"]) <= LONGEST_SUBJECT or not _same(claims.get("nonce"), nonce):
        raise IdentityNotValid
    return claims


def _same(theirs: Any, ours: str | None) -> bool:
    if theirs is None or ours is None:
        return theirs is ours
    return hmac.compare_digest(str(theirs).encode(), ours.encode())


def _key(key_id: Any) -> jwt.PyJWK:
    """Return the issuer's key with this id; without an id, its only key. Raises IdentityNotValid."""
    url = configuration()["jwks_uri"]
    for newest in (KEPT_SECONDS, RENEWED_SECONDS):
        keys = [one for one in _keys(DOCUMENTS.get(url, newest)) if key_id is None or one.key_id == key_id]
        if len(keys) == 1:
            return keys[0]
    raise IdentityNotValid


def _keys(content: dict[str, Any]) -> list[jwt.PyJWK]:
    """Return the public keys for signatures in a JWKS, without those that nobody here can read."""
    try:
        found = jwt.PyJWKSet.from_dict(content).keys
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError):
        return []
    return [one for one in found if one.public_key_use in (None, "sig") and one.key_type in ("RSA", "EC", "OKP")]

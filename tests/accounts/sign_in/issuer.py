"""An OpenID Connect issuer on the own machine, which lies as a test tells it to."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from accounts.sign_in.issuer import TRANSPORT

CLIENT, SECRET = "scheduler", "between-the-two-of-us"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer(ThreadingHTTPServer):
    """Answers as OpenID Connect Discovery and Core say. `documents` may be changed; `hang` lets it say nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.keys = {"one": new_key()}
        self.codes: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}
        self.userinfo: dict[str, Any] = {}
        self.asked: list[str] = []
        self.over, self.hang = threading.Event(), False
        self.token_of = self.signed
        self.documents: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        }
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()

    def jwks(self) -> dict[str, Any]:
        public = {name: RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) for name, key in self.keys.items()}
        return {"keys": [{**key, "kid": name, "use": "sig", "alg": "RS256"} for name, key in public.items()]}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims about Grace; those that are changed to None are left out."""
        now = int(time.time())
        person = {"sub": "grace-1", "email": "grace@example.org", "email_verified": True, "name": "Grace Hopper"}
        all_of_them = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, **person, **changes}
        return {name: value for name, value in all_of_them.items() if value is not None}

    def signed(self, claims: dict[str, Any], *, key: Any = None, algorithm: str = "RS256", kid: str = "one") -> str:
        return jwt.encode(claims, key or self.keys["one"], algorithm=algorithm, headers={"kid": kid})

    def log_in(self, url: str, **changes: Any) -> str:
        """Log a person in at the address that a site leads to. Return where the issuer leads back to."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_urlsafe(8)
        self.codes[code] = (asked, self.claims(**{"nonce": asked["nonce"], **changes}))
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def swap(self, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked, claims = self.codes.pop(sent.get("code", ""), ({}, {}))
        challenge = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        proved = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() == asked.get("code_challenge")
        known = (sent.get("client_id"), sent.get("client_secret")) == (CLIENT, SECRET)
        if not (asked and proved and known and sent.get("redirect_uri") == asked["redirect_uri"]):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.token_of(claims)}


class Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append(path)
        if path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.server.log_in(self.path))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        documents = {"/keys": self.server.jwks(), "/userinfo": self.server.userinfo, **self.server.documents}
        self.say(200, documents[path])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(self.path)
        self.say(*self.server.swap({name: value[0] for name, value in parse_qs(body).items()}))

    def say(self, status: int, content: Any) -> None:
        if self.server.hang:
            self.server.over.wait(60)
            return
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


@contextmanager
def trusted_issuer(settings: Any) -> Iterator[Issuer]:
    """An issuer that the site trusts while the block runs."""
    TRANSPORT.alone_until = 0
    issuer = Issuer()
    settings.OIDC_ISSUER, settings.OIDC_NAME = issuer.url, "Practice account"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT, SECRET
    yield issuer
    issuer.close()

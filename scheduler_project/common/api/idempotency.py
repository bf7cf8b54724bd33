"""Repeatable writes: the `Idempotency-Key` header (R13; IETF draft-ietf-httpapi-idempotency-key-header)."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler_project.common.api.content import JSONRenderer
from scheduler_project.common.api.versions import without_version
from scheduler_project.common.errors import DomainError, ErrorKind, TryAgain
from scheduler_project.common.models import REPEATABLE, IdempotentRequest
from scheduler_project.common.operations import operation


class NotRepeatable(DomainError):
    code = "idempotency_key_unsupported"
    message = _("This request doesn't support an Idempotency-Key. Leave it out.")
    remedy = "Leave out the header."


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"
    kind = ErrorKind.UNPROCESSABLE
    message = _("This Idempotency-Key was already used for a different request. Send a new key.")
    remedy = "Make a new key for each new request. Use the old one only to send exactly the same again."


class AnswerErased(DomainError):
    code = "answer_erased"
    kind = ErrorKind.GONE
    message = _(
        "This request already succeeded. We no longer keep its answer, because it named someone whose data has since "
        "been erased."
    )
    remedy = "Do not send it again: it was done. Read what there is now."


class IdempotencyKeyInvalid(DomainError):
    code = "idempotency_key_invalid"
    message = _("An Idempotency-Key is 1 to 255 printable ASCII characters.")
    remedy = "Send a UUID."


class IdempotentMixin:
    """A view mixin that carries out a write with an `Idempotency-Key` once, of a logged-in user or of a guest.

    Without a login or a guest's token there is nobody whose keys could be told apart: then a key is refused.

    The same key with the same body returns the first response again (with `Idempotency-Replayed: true`), errors
    included; with another body it is 422. A write that crashed leaves no trace and may be repeated. Secrets are shown
    once: the `secret_fields` of a response are not stored, and are null in its repetitions.
    """

    repeatable = True
    secret_fields: frozenset[str] = frozenset({"secret", "token", "access", "refresh", "guest_token"})

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get("Idempotency-Key")
        method = (request.method or "").lower()
        if key is None or method not in ("post", "put", "patch", "delete"):
            return
        if not request.user.is_authenticated and not caller_of(request):
            raise NotRepeatable
        if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
            raise IdempotencyKeyInvalid
        handler = getattr(self, method, None)
        if handler is not None:
            setattr(self, method, partial(self._once, key, handler))

    @operation
    def _once(
        self, key: str, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        api_key = getattr(request.user, "key", None)  # Another API key may not see what this one was answered.
        with_key = [] if api_key is None else [str(api_key.pk)]
        asked = "\0".join([*with_key, str(request.method), without_version(request.get_full_path())])
        fingerprint = hashlib.sha256(b"\0".join([asked.encode(), request.body])).hexdigest()
        whose = {"user_id": request.user.pk, "caller": caller_of(request), "key": key}
        now = timezone.now()
        IdempotentRequest.objects.bulk_create(
            [IdempotentRequest(**whose, fingerprint=fingerprint, created_at=now)], ignore_conflicts=True
        )
        entry = IdempotentRequest.objects.select_for_update().get(**whose)
        if entry.created_at <= now - REPEATABLE:
            entry.fingerprint, entry.status, entry.body, entry.created_at = fingerprint, None, "", now
        if entry.fingerprint != fingerprint:
            raise IdempotencyKeyReused
        if entry.erased:
            raise AnswerErased
        if entry.status is not None:
            return HttpResponse(
                entry.body,
                status=entry.status,
                content_type="application/json" if entry.body else None,
                headers={"Idempotency-Replayed": "true"},
            )
        try:
            with transaction.atomic():
                response = handler(request, *args, **kwargs)
        except TryAgain:  # `operation` retries, with all of it
            raise
        except Exception as error:  # noqa: BLE001  (re-raises whatever is not an answer)
            response = self.handle_exception(error)  # type: ignore[attr-defined]
        if response.status_code < 500:
            entry.status = response.status_code
            entry.body = JSONRenderer().render(redacted(response.data, self.secret_fields)).decode()
            entry.save()
        return response


def caller_of(request: Request) -> str:
    """Return the name under which the writes of a caller without a login are kept; "" for users and strangers."""
    return getattr(request.auth, "caller", "")


def redacted(data: Any, names: Collection[str]) -> Any:
    """Return a response in which the fields of these names are null, at any depth."""
    if isinstance(data, Mapping):
        return {name: None if name in names else redacted(value, names) for name, value in data.items()}
    return [redacted(each, names) for each in data] if isinstance(data, list | tuple) else data

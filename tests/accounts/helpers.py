"""Helpers for the tests of the accounts API."""

from allauth.mfa.totp.internal.auth import hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.sign_in.sign_ins import Origin, sign_in_program
from tests.reminders.helpers import send_account_mails


def refusal(response):
    """Return the status, and `(code, field)` of each error; fail if it does not have the format of errors."""
    body = response.json()
    assert body["type"] in ("validation_error", "client_error", "server_error")
    assert {"type", "errors"} <= set(body) <= {"type", "errors", "details"}
    assert body["errors"]
    for error in body["errors"]:
        assert set(error) == {"code", "detail", "attr"}
        assert error["detail"]
    return response.status_code, [(error["code"], error["attr"]) for error in body["errors"]]


def bearer(api, access):
    """Return `api` using this access token from now on."""
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return api


def tokens_of(user):
    return sign_in_program(user=User.objects.get(pk=user.pk), origin=Origin(), now=timezone.now())


def mails():
    """Send the pending mails about accounts and return all mails sent."""
    send_account_mails(timezone.now)
    return mail.outbox


def queries_of(call, *arguments):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        call(*arguments)
    return len(captured)


def code_of(secret):
    """Return the code an authenticator app shows now."""
    return f"{hotp_value(secret, next(iter(yield_hotp_counters_from_time()))):06}"

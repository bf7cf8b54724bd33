"""Archive and erasure of a person's data."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.clients.fields import DELETED, Trace, archived, erasure, traces
from accounts.clients.models import erased_reference
from accounts.clients.operations import locked_client, manages
from accounts.mails.notices import silent
from accounts.models import ApiKey, Client, Provider, SignIn, User
from accounts.people import write
from accounts.sign_in.devices import Device
from accounts.sign_in.errors import WrongPassword
from accounts.sign_in.guesses import NOWHERE, check_password
from accounts.signals import client_leaving, login_leaving, personal_data_asked
from accounts.users.models import erased_email
from scheduler_project.common.audit.log import erase
from scheduler_project.common.audit.pii_scan import erase_import_files, erase_stored_answers
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event_on_commit
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation
from scheduler_project.common.time.zones import rfc3339

OF_LOGIN = ("name", "email")


@operation
def export_person(*, user_id: int | None = None, client_id: int | None = None, own: bool = False) -> dict[str, Any]:
    """Return everything stored about a person, from every app and ready for JSON, without providers' notes.

    For a login with its provider and client, or for a client with their login, if any. Secret addresses are included
    only with `own`, for the person themself. Raises NotFound.
    """
    logins, clients = User.objects.all(), Client.objects.select_related("user")
    client = clients.filter(pk=client_id).first() if client_id is not None else None
    user = client.user if client else logins.filter(pk=user_id).first() if user_id is not None else None
    if client is None:
        if user is None:
            raise NotFound
        client = user.client_or_none
    provider = user.provider_or_none if user else None
    archive: dict[str, Any] = {}
    if user is not None:
        archive["login"] = _login(user)
    if client is not None:
        archive["client"] = _client(client)
    if provider is not None:
        archive["provider"] = _provider(provider)
    personal_data_asked.send(User, user=user, client=client, own=own, archive=archive)
    return archive


def _login(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "timezone": user.timezone,
        "language": user.language,
        "joined_at": rfc3339(user.date_joined),
        "last_login_at": user.last_login and rfc3339(user.last_login),
        "emails": list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary")),
        "second_factors": list(Authenticator.objects.filter(user=user).values_list("type", flat=True)),
        "identities": [
            {"issuer": row.provider, "subject": row.uid, "joined_at": rfc3339(row.date_joined)}
            for row in SocialAccount.objects.filter(user=user)
        ],
        "sign_ins": [
            {
                "kind": row.kind,
                "address": row.address,
                "program": row.user_agent,
                "signed_in_at": rfc3339(row.created_at),
                "last_used_at": rfc3339(row.last_used_at),
                "ended_at": row.ended_at and rfc3339(row.ended_at),
            }
            for row in SignIn.objects.filter(user=user)
        ],
        "api_keys": [
            {
                "name": row.name,
                "begins_with": row.shown,
                "scopes": row.scopes,
                "only_for": row.provider and row.provider.name,
                "created_at": rfc3339(row.created_at),
                "last_used_at": row.last_used_at and rfc3339(row.last_used_at),
                "expires_at": row.expires_at and rfc3339(row.expires_at),
                "revoked_at": row.revoked_at and rfc3339(row.revoked_at),
            }
            for row in ApiKey.objects.filter(user=user).select_related("provider")
        ],
    }


def _client(client: Client) -> dict[str, Any]:
    return archived(client) | {"reference": client.reference, "created_at": rfc3339(client.created_at)}


def _provider(provider: Provider) -> dict[str, Any]:
    return {
        "name": provider.name,
        "slug": provider.slug,
        "specialization": provider.specialization,
        "bio": provider.bio,
        "created_at": rfc3339(provider.created_at),
    }


def delete_account(*, user_id: int, password: str, device: Device = NOWHERE, now: datetime) -> None:
    """Erase a person at their own request: login and personal data are deleted, past appointments stay, unnamed.

    A provider can no longer be booked. Raises WrongPassword, TooManyGuesses, and AppointmentsComing for upcoming
    appointments: cancelling them first notifies the others in the person's own name.
    """
    user = User.objects.get(pk=user_id)
    try:
        check_password(user=user, password=password, device=device)
    except WrongPassword:
        raise WrongPassword(field="password") from None
    _delete_account(user_id, user.password, now)


@operation
def _delete_account(user_id: int, password_hash: str, now: datetime) -> None:
    """Erase the person. Raises WrongPassword if the password was changed in the meantime."""
    client = Client.objects.select_for_update(of=("self",), no_key=True).filter(user=user_id).first()
    user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user_id)
    if user.password != password_hash:
        raise WrongPassword(field="password")
    if client is not None:
        _erase_client(client, now)
    _erase_login(user, now)


@operation
def erase_client(*, client_id: int, actor: Actor, now: datetime) -> None:
    """Erase a client at their request, with their login, as `delete_account` does. Their appointments stay, unnamed.

    For staff, and for the provider who keeps the client. Repeating it changes nothing. Raises AppointmentsComing;
    NotAllowed, also for a staff login; NotFound.
    """
    client = locked_client(client_id, actor)
    erases = "accounts.delete_client"
    if not manages(actor, client, erases) or (client.user_id and not actor.may(erases)):
        raise NotAllowed
    user = User.objects.select_for_update(of=("self",), no_key=True).filter(client=client).first()
    if user is not None and (user.is_staff or user.is_superuser):
        raise NotAllowed(_("This is a staff account. Remove its staff access first."))
    _erase_client(client, now)
    if user is not None:
        _erase_login(user, now)


def _erase_client(client: Client, now: datetime) -> None:
    """Anonymize a client, also in booking and reminders. The caller holds the row's lock."""
    client_leaving.send(Client, client=client, now=now)
    erase_import_files(words=traces(client, Trace.WORD) | {client.reference}, signs=traces(client, Trace.ANYWHERE))
    erase_stored_answers(texts=traces(client) | {client.reference}, clients=[client.pk])
    write(client, _erased(client))
    purge_audit_log(client)


def _erase_login(user: User, now: datetime) -> None:
    login_leaving.send(User, user=user, now=now)
    Provider.objects.filter(user=user).update(is_active=False)
    emails = {user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    erase_import_files(words={user.name} - {DELETED}, signs=emails)
    erase_stored_answers(texts={user.name, *emails} - {DELETED}, users=[user.pk])
    EmailAddress.objects.filter(user=user).delete()
    with silent():
        Authenticator.objects.filter(user=user).delete()
        SocialAccount.objects.filter(user=user).delete()
    SignIn.objects.filter(user=user).delete()
    keys = ApiKey.objects.filter(user=user)
    named = list(keys.values_list("pk", flat=True))
    keys.delete()
    erase(ApiKey, named, ["name"])
    User.objects.filter(pk=user.pk).update(
        name=DELETED, email=erased_email(user.pk), is_active=False, is_staff=False, is_superuser=False
    )
    user.set_unusable_password()
    user.save(update_fields=["password"])
    purge_audit_log(user)
    log_security_event_on_commit(SecurityEvent.LOGIN_DELETED, login=user.pk)


def _erased(client: Client) -> dict[str, str]:
    """Return the columns of a client that are erased, with their new values."""
    return erasure() | {"reference": erased_reference(client.pk)}


def purge_audit_log(row: Client | User) -> None:
    """Remove a person's details from the audit log of a row that is deleted or anonymized."""
    erase(type(row), [row.pk], _erased(row) if isinstance(row, Client) else OF_LOGIN)
    purge_admin_log(type(row), [row.pk])


def purge_admin_log(model: type[Model], rows: Iterable[int]) -> None:
    """Remove the names of these rows from Django's admin log."""
    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(model))
    entries.filter(object_id__in=[str(pk) for pk in rows]).update(object_repr=DELETED, change_message="")

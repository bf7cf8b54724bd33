"""Taking one's data along, and leaving."""

from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts.errors import WrongPassword
from accounts.models import Client, Provider, User
from accounts.signals import client_leaving, login_leaving, personal_data_asked
from scheduler_project.common.operations import operation
from scheduler_project.common.times import rfc3339
from scheduler_project.common.trail import erase

DELETED = "Deleted"
"""What those who left are called."""

OF_CLIENT = ("name", "email", "phone", "notes")
OF_LOGIN = ("name", "email")


@operation
def gather(*, user_id: int) -> dict[str, Any]:
    """All that is kept about somebody, ready for JSON, from every app; but no provider's notes."""
    user = User.objects.get(pk=user_id)
    archive: dict[str, Any] = {
        "login": {
            "email": user.email,
            "name": user.name,
            "timezone": user.timezone,
            "language": user.language,
            "joined_at": rfc3339(user.date_joined),
            "last_login_at": user.last_login and rfc3339(user.last_login),
            "emails": list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary")),
            "second_factors": list(Authenticator.objects.filter(user=user).values_list("type", flat=True)),
        }
    }
    if client := user.client_or_none:
        archive["client"] = {
            "name": client.name,
            "email": client.email,
            "phone": str(client.phone),
            "timezone": client.timezone,
            "created_at": rfc3339(client.created_at),
        }
    if provider := user.provider_or_none:
        archive["provider"] = {
            "name": provider.name,
            "slug": provider.slug,
            "specialization": provider.specialization,
            "bio": provider.bio,
            "created_at": rfc3339(provider.created_at),
        }
    personal_data_asked.send(User, user=user, archive=archive)
    return archive


@operation
def leave(*, user_id: int, password: str, now: datetime) -> None:
    """Erase somebody at their own wish: the login ends, their personal data go, past appointments stay without a name.

    A provider takes no more bookings. Raises WrongPassword, and AppointmentsComing while there are appointments to
    come: cancelling them first tells the others in the name of who leaves.
    """
    client = Client.objects.select_for_update(of=("self",), no_key=True).filter(user=user_id).first()
    user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user_id)
    if not user.check_password(password):
        raise WrongPassword(field="password")
    if client is not None:
        _erase_client(client, now)
    _erase_login(user, now)


def _erase_client(client: Client, now: datetime) -> None:
    """Let a client be nobody; what booking and reminding know of them goes too. The caller holds the row's lock."""
    client_leaving.send(Client, client=client, now=now)
    client.name, client.email, client.phone, client.notes = DELETED, "", "", ""
    client.save(update_fields=OF_CLIENT)
    erase(Client, [client.pk], OF_CLIENT)
    _unname(client)


def _erase_login(user: User, now: datetime) -> None:
    login_leaving.send(User, user=user, now=now)
    Provider.objects.filter(user=user).update(is_active=False)
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(
        name=DELETED, email=f"deleted-{user.pk}@deleted.invalid", is_active=False, is_staff=False, is_superuser=False
    )
    user.set_unusable_password()
    user.save(update_fields=["password"])
    erase(User, [user.pk], OF_LOGIN)
    _unname(user)


def _unname(row: Client | User) -> None:
    """Let the admin's own notes of what staff did not say whom to."""
    rows = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk))
    rows.update(object_repr=DELETED, change_message="")

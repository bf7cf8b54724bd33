"""Taking one's data along, and leaving."""

from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from accounts.errors import WrongPassword
from accounts.models import Client, Provider, User
from accounts.signals import login_leaving, personal_data_asked
from scheduler_project.common.operations import operation
from scheduler_project.common.times import rfc3339

DELETED = "Deleted"
"""What those who left are called."""


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
    login_leaving.send(User, user=user, now=now)
    Provider.objects.filter(user=user).update(is_active=False)
    if client is not None:
        client.name, client.email, client.phone, client.notes = DELETED, "", "", ""
        client.save(update_fields=["name", "email", "phone", "notes"])
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(
        name=DELETED, email=f"deleted-{user.pk}@deleted.invalid", is_active=False, is_staff=False, is_superuser=False
    )
    user.set_unusable_password()
    user.save(update_fields=["password"])

"""The roles of logins (R18)."""

from django.db.models import Q

from accounts.users.models import User

ROLES = {
    "client": Q(client__isnull=False),
    "provider": Q(provider__isnull=False),
    "staff": Q(is_staff=True),
    "superuser": Q(is_superuser=True),
}
"""Each role, and the logins that have it. `roles_of` says the same of one login, without a query."""


def roles_of(user: User) -> list[str]:
    has = {
        "client": user.client_or_none,
        "provider": user.provider_or_none,
        "staff": user.is_staff,
        "superuser": user.is_superuser,
    }
    return [role for role in ROLES if has[role]]

"""The groups made by a migration, and their members."""

from django.contrib.auth.models import Group
from django.test import Client as Browser

from accounts.models import User
from tests.factories import UserFactory

FRONT_DESK, MANAGER = "Front desk", "Manager"


def group(name: str) -> Group:
    return Group.objects.get(name=name)


def staff_of(*names: str, **fields: object) -> User:
    """Return a staff member of these groups."""
    user = UserFactory(staff=True, **fields)
    user.groups.set([group(name) for name in names])
    return User.objects.get(pk=user.pk)


def browser_of(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser

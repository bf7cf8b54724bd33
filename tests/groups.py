"""The groups that a migration makes, and people in them."""

from importlib import import_module

from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client as Browser

from accounts.models import User
from tests.factories import UserFactory

migration = import_module("reminders.migrations.0006_office_groups")

FRONT_DESK, MANAGER = "Front desk", "Manager"


def group(name: str) -> Group:
    """One of the groups, made again where a test before has emptied the tables."""
    migration.make(apps, None)
    return Group.objects.get(name=name)


def staff_of(*names: str, **fields: object) -> User:
    """Somebody on the staff, in these groups."""
    user = UserFactory(staff=True, **fields)
    user.groups.set([group(name) for name in names])
    return User.objects.get(pk=user.pk)


def browser_of(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser

"""The groups made by a migration, and their members."""

from importlib import import_module

from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client as Browser

from accounts.models import User
from tests.factories import UserFactory

migration = import_module("reminders.migrations.0006_office_groups")
later = import_module("reminders.migrations.0015_managers_change_site_settings")

FRONT_DESK, MANAGER = "Front desk", "Manager"


def group(name: str) -> Group:
    """Return one of the groups, created again if a previous test truncated the tables."""
    if found := Group.objects.filter(name=name).first():
        return found
    migration.make(apps, None)
    later.give(apps, None)
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

"""The permission of managers to change the site's settings."""

from django.contrib.auth.management import create_permissions
from django.db import migrations


def give(apps, schema_editor):
    config = apps.get_app_config("common")
    config.models_module = True  # Django makes permissions after all migrations; here they are needed before.
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    for permission in _permissions(apps):
        for group in apps.get_model("auth", "Group").objects.filter(name="Manager"):
            group.permissions.add(permission)


def take(apps, schema_editor):
    for permission in _permissions(apps):
        permission.group_set.clear()


def _permissions(apps):
    permissions = apps.get_model("auth", "Permission").objects
    return permissions.filter(
        content_type__app_label="common", codename__in=["view_sitesettings", "change_sitesettings"]
    )


class Migration(migrations.Migration):
    dependencies = [("common", "0014_site_settings"), ("reminders", "0014_message_revision")]

    operations = [migrations.RunPython(give, take)]

"""The groups an office starts with. What is changed in them later stays, also when this runs again.

It stands in the app above all others whose permissions it gives. An app that comes to stand above this one gives its own.
"""

from django.contrib.auth.management import create_permissions
from django.db import migrations

FRONT_DESK = {
    "accounts": {"client": "view add change", "provider": "view"},
    "booking": {
        "appointment": "view add change",
        "appointmentevent": "view",
        "appointmentseries": "view change",
        "availabilitywindow": "view",
        "closure": "view",
        "dateoverride": "view",
        "reservation": "view change",
        "schedule": "view",
        "service": "view",
        "slot": "view",
        "timeoff": "view",
        "workinghours": "view",
    },
    "reminders": {
        "deliveryattempt": "view",
        "message": "view change",
        "optout": "view add",
        "preferences": "view change",
    },
}

MANAGER = {
    "accounts": {"client": "delete", "provider": "add change delete", "user": "view add change"},
    "booking": {
        "availabilitywindow": "add change delete",
        "calendarfeed": "view delete",
        "closure": "add change delete",
        "dateoverride": "add change delete",
        "schedule": "change",
        "service": "add change delete",
        "timeoff": "add change delete",
        "workinghours": "add change delete",
    },
    "common": {"change": "view", "inspection": "view"},
    "django_celery_beat": {
        "clockedschedule": "view add change",
        "crontabschedule": "view add change",
        "intervalschedule": "view add change",
        "periodictask": "view add change",
        "solarschedule": "view add change",
    },
    "reminders": {
        "messagetemplate": "view add change delete",
        "optout": "change",
        "preferences": "add",
        "webhookendpoint": "view add change delete",
    },
}
"""What managers may do beyond the front desk."""

GROUPS = {"Front desk": (FRONT_DESK,), "Manager": (FRONT_DESK, MANAGER)}


def make(apps, schema_editor):
    """Make the groups there are not yet. Of one that is there already nothing is changed."""
    for label in sorted({*FRONT_DESK, *MANAGER}):
        _make_permissions(apps, label)
    group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, rights in GROUPS.items():
        made, is_new = group.objects.get_or_create(name=name)
        if is_new:
            made.permissions.set(permission.objects.filter(pk__in=_given(permission, rights)))


def remove(apps, schema_editor):
    """Remove those that are still as they were made and have nobody in them."""
    group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, rights in GROUPS.items():
        found = group.objects.filter(name=name, user=None).first()
        if found and set(found.permissions.values_list("pk", flat=True)) == _given(permission, rights):
            found.delete()


def _make_permissions(apps, label):
    """Django makes permissions after all migrations; here they are needed before."""
    config = apps.get_app_config(label)
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None


def _given(permission, rights):
    """The keys of the permissions that some tables of rights name."""
    return {
        permission.objects.get(content_type__app_label=label, content_type__model=model, codename=f"{verb}_{model}").pk
        for table in rights
        for label, models in table.items()
        for model, verbs in models.items()
        for verb in verbs.split()
    }


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_client_reference"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("booking", "0010_imports"),
        ("common", "0005_importedfile"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
        ("reminders", "0005_trail"),
    ]

    operations = [migrations.RunPython(make, remove)]

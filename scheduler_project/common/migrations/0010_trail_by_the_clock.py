from django.db import migrations

from scheduler_project.common.audit.triggers import functions_anew


class Migration(migrations.Migration):
    """The trail's times are read while the row is locked, so that none is before that of an earlier change."""

    dependencies = [
        ("common", "0009_answers_without_people"),
    ]

    operations = [functions_anew()]

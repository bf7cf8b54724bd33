from django.db import migrations

from scheduler_project.common.db.revisions import functions


class Migration(migrations.Migration):
    dependencies = [("common", "0012_key_in_trail")]

    operations = [functions()]

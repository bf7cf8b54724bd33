from django.db import migrations

from scheduler_project.common.audit.triggers import keep_trail


class Migration(migrations.Migration):
    dependencies = [("reminders", "0004_channels_of_people"), ("common", "0003_trail")]

    operations = [
        keep_trail("reminders_messagetemplate"),
        keep_trail("reminders_webhookendpoint", secrets=["secret", "previous_secret"], ignored=["failing_since"]),
    ]

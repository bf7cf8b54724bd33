"""Clients choose among the channels that reach people."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reminders", "0003_message_kind_due"),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE reminders_preferences SET channels = array_remove(channels, 'webhook') "
            "WHERE 'webhook' = ANY(channels)",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="preferences",
            name="channels",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=[("email", "email"), ("sms", "SMS")], max_length=10),
                blank=True,
                help_text="Unset: the site's.",
                null=True,
                size=None,
                verbose_name="channels",
            ),
        ),
    ]

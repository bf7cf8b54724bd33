"""Channels are the registered ones: a new one needs no migration.

The constraint on subjects named the channels. Its rule is the channel's (`is_short`), and the model checks it before a
template is saved. A row against it does no harm: a mail without a subject is called like its appointment, and short
texts leave a subject out.
"""

import django.contrib.postgres.fields
import reminders.channels.registry
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reminders", "0011_language_choices"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="messagetemplate",
            name="messagetemplate_only_mails_have_subjects",
        ),
        migrations.AlterField(
            model_name="message",
            name="channel",
            field=models.CharField(
                choices=reminders.channels.registry.channel_choices, max_length=10, verbose_name="channel"
            ),
        ),
        migrations.AlterField(
            model_name="messagetemplate",
            name="channel",
            field=models.CharField(
                choices=reminders.channels.registry.personal_choices, max_length=10, verbose_name="channel"
            ),
        ),
        migrations.AlterField(
            model_name="optout",
            name="channel",
            field=models.CharField(
                choices=reminders.channels.registry.channel_choices, max_length=10, verbose_name="channel"
            ),
        ),
        migrations.AlterField(
            model_name="preferences",
            name="channels",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=reminders.channels.registry.personal_choices, max_length=10),
                blank=True,
                help_text="Unset: the site's.",
                null=True,
                size=None,
                verbose_name="channels",
            ),
        ),
    ]

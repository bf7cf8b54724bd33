"""Mails about an account are messages of the outbox: those that waited in a table of their own are carried over."""

import django.db.models.deletion
from django.db import migrations, models

CARRY = """
LOCK TABLE accounts_mail IN ACCESS EXCLUSIVE MODE;
INSERT INTO reminders_message (
    key, kind, channel, recipient, "offset", details, mail, due_at, next_at, useful_until, status, failures, claim,
    error, created_at)
SELECT id, 'account', 'email', 'mailbox', '', '{}',
       jsonb_build_object('to', "to", 'subject', subject, 'text', text, 'language', language),
       created_at, next_at, useful_until, 'pending', failures, 0, '', created_at
FROM accounts_mail;
DROP TABLE accounts_mail;
"""
"""With the same key, so that a mail whose sending was cut off keeps its Message-ID."""


def carry(apps, schema_editor):
    schema_editor.execute(CARRY, params=None)


def forget(apps, schema_editor):
    """Remove the task that sent those mails from beat's table, and what Django noted about the model."""
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(task="accounts.tasks.send_mails").delete()
    apps.get_model("contenttypes", "ContentType").objects.filter(app_label="accounts", model="mail").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0018_mails_are_messages"),
        ("booking", "0016_names_turn_nothing"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
        ("reminders", "0012_channels_are_registered"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="mail",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[
                    ("reminder", "reminder"),
                    ("hold", "confirm your reservation"),
                    ("hold_expired", "reservation expired"),
                    ("booked", "booked"),
                    ("pending", "awaiting approval"),
                    ("approved", "approved"),
                    ("declined", "declined"),
                    ("moved", "moved"),
                    ("cancelled", "cancelled"),
                    ("event", "event for a webhook"),
                    ("account", "about an account"),
                ],
                max_length=12,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="recipient",
            field=models.CharField(
                choices=[("client", "client"), ("provider", "provider"), ("mailbox", "mailbox")],
                max_length=10,
                verbose_name="recipient",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="reservation",
            field=models.ForeignKey(
                blank=True,
                help_text="Whose time.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="booking.reservation",
                verbose_name="reservation",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("appointment", None),
                    ("channel", "email"),
                    ("endpoint", None),
                    ("kind", "account"),
                    ("mail__isnull", False),
                    ("recipient", "mailbox"),
                    ("reservation", None),
                    ("status", "pending"),
                )
                | models.Q(
                    models.Q(("kind", "account"), _negated=True),
                    models.Q(("recipient", "mailbox"), _negated=True),
                    ("mail__isnull", True),
                    ("reservation__isnull", False),
                ),
                name="message_account_is_apart",
            ),
        ),
        # Last, because PostgreSQL changes no table whose foreign keys it has yet to check.
        migrations.RunPython(carry),
        migrations.RunPython(forget),
    ]

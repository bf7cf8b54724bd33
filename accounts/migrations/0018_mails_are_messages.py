"""Mails about a login are messages of the outbox in reminders. Its migration 0013 carries the rows, and drops the table."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0017_language_choices")]

    operations = [migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Mail")])]

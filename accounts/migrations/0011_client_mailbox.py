from django.db import migrations, models
from django.db.models import Q

import accounts.models

MAILBOX = r"""
CREATE FUNCTION scheduler_mailbox(address text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN address ~* '@(gmail|googlemail)\.com$'
        THEN replace(split_part(split_part(lower(address), '@', 1), '+', 1), '.', '') || '@gmail.com'
        ELSE regexp_replace(lower(address), '\+[^@]*@', '@')
    END
$$
"""


class Migration(migrations.Migration):
    """Clients are found by their mailbox, however they spell it: what one person may book is counted by it."""

    dependencies = [("accounts", "0010_mail_useful_until")]

    operations = [
        migrations.RunSQL([MAILBOX], ["DROP FUNCTION scheduler_mailbox(text)"]),
        migrations.AddIndex(
            model_name="client",
            index=models.Index(
                accounts.users.models.Mailbox("email"),
                condition=Q(owner=None) & ~Q(email=""),
                name="client_mailbox",
            ),
        ),
    ]

from django.db import migrations

NOTE = """
INSERT INTO account_emailaddress (user_id, email, verified, "primary")
SELECT id, email, false, true FROM accounts_user
ON CONFLICT (user_id, email) DO NOTHING
"""


class Migration(migrations.Migration):
    """django-allauth keeps a row for the email of each login."""

    dependencies = [
        ("accounts", "0003_user_language"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunSQL(NOTE, migrations.RunSQL.noop)]

from django.db import migrations

STATEMENTS = [
    f"UPDATE {table} SET {column} = normalize({column}) WHERE {column} IS NOT NFC NORMALIZED"  # noqa: S608
    for table, column in (
        ("accounts_user", "name"),
        ("accounts_provider", "name"),
        ("accounts_provider", "specialization"),
        ("accounts_provider", "bio"),
        ("accounts_client", "name"),
        ("accounts_client", "notes"),
    )
]
"""What is written from now on is composed (NFC) where it comes in. There is no way back, and none is needed."""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_client_mailbox"),
    ]

    operations = [migrations.RunSQL(statement, migrations.RunSQL.noop) for statement in STATEMENTS]

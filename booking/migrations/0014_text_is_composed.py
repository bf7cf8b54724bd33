from django.db import migrations

STATEMENTS = [
    f"UPDATE {table} SET {column} = normalize({column}) WHERE {column} IS NOT NFC NORMALIZED"  # noqa: S608
    for table, column in (
        ("booking_service", "name"),
        ("booking_service", "description"),
        ("booking_appointmentseries", "title"),
        ("booking_appointment", "title"),
    )
]
"""What is searched by: what is written from now on is composed (NFC) where it comes in."""


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0013_holds_of_a_network"),
    ]

    operations = [migrations.RunSQL(statement, migrations.RunSQL.noop) for statement in STATEMENTS]

from django.db import migrations

MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

STATEMENTS = [
    f"UPDATE {table} SET {column} = translate({column}, '{MARKS}', '') WHERE {column} ~ '[{MARKS}]'"  # noqa: S608
    f" AND translate({column}, '{MARKS}', '') ~ '\\S'"
    for table, column in (
        ("booking_service", "name"),
        ("booking_appointmentseries", "title"),
        ("booking_appointment", "title"),
    )
]
"""Marks that turn what stands beside a name around are refused where names come in; those of before go. There is no way
back, and none is needed: they show nothing. Text of several lines keeps them, for a paragraph ends them."""


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0015_history_in_order"),
    ]

    operations = [migrations.RunSQL(statement, migrations.RunSQL.noop) for statement in STATEMENTS]

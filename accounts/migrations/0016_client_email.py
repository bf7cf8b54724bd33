from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Whoever is known by an email, in whichever address book, is found by it: when a hold ends, when it opts out.

    A site goes on taking bookings meanwhile.
    """

    atomic = False

    dependencies = [
        ("accounts", "0015_names_turn_nothing"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="client",
            index=models.Index(fields=["email"], name="client_email"),
        ),
    ]

from datetime import datetime, timedelta

from django.db import migrations, models
from django.utils import timezone


def in_a_day() -> datetime:
    """As long as a link to set a new password leads somewhere: what is owed by now is tried for that long."""
    return timezone.now() + timedelta(days=1)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_sign_ins")]

    operations = [
        migrations.AddField("mail", "useful_until", models.DateTimeField(default=in_a_day), preserve_default=False),
    ]

"""A client's email is kept in lower case, as a login's is."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "UPDATE accounts_client SET email = lower(email) WHERE email <> lower(email)", migrations.RunSQL.noop
        ),
        migrations.AddConstraint(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                name="client_email_in_lower_case",
            ),
        ),
    ]

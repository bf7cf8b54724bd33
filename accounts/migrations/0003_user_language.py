"""A login chooses the language of its messages."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_client_email"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[("en", "English"), ("de", "Deutsch"), ("fr", "Français")],
                help_text="Of the messages sent to this login as a provider. Empty: the site's.",
                max_length=10,
                verbose_name="language",
            ),
        ),
    ]

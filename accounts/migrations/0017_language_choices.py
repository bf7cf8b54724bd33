import scheduler_project.common.languages
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0016_client_email"),
    ]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True,
                choices=scheduler_project.common.languages.language_choices,
                help_text="Of the messages sent to this login as a provider. Empty: the site's.",
                max_length=10,
                verbose_name="language",
            ),
        ),
    ]

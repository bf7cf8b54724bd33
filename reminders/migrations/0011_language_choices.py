import scheduler_project.common.languages
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reminders", "0010_causes_are_codes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="messagetemplate",
            name="language",
            field=models.CharField(
                choices=scheduler_project.common.languages.language_choices, max_length=10, verbose_name="language"
            ),
        ),
        migrations.AlterField(
            model_name="preferences",
            name="language",
            field=models.CharField(
                blank=True,
                choices=scheduler_project.common.languages.language_choices,
                max_length=10,
                verbose_name="language",
            ),
        ),
    ]

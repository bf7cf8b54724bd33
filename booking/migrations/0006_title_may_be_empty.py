"""An appointment may have no title."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0005_series"),
    ]

    operations = [
        migrations.AlterField(
            model_name="appointment",
            name="title",
            field=models.CharField(
                blank=True, help_text="The service's name, if left out.", max_length=200, verbose_name="title"
            ),
        ),
    ]

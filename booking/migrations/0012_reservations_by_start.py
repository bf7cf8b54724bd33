from django.db import migrations, models


class Migration(migrations.Migration):
    """Lists of everybody's appointments begin at a time: without it all are read and sorted."""

    dependencies = [
        ("booking", "0011_slot_withdrawn"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(fields=["starts_at"], name="reservation_start"),
        ),
    ]

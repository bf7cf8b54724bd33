from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0019_appointment_revision"),
    ]

    operations = [
        migrations.AlterField(
            model_name="appointmentevent",
            name="event",
            field=models.CharField(
                choices=[
                    ("booked", "booked"),
                    ("edited", "edited"),
                    ("approved", "approved"),
                    ("declined", "declined"),
                    ("rescheduled", "rescheduled"),
                    ("reassigned", "given to another client"),
                    ("completed", "completed"),
                    ("missed", "missed"),
                    ("reopened", "outcome taken back"),
                    ("cancelled", "cancelled"),
                ],
                max_length=12,
                verbose_name="event",
            ),
        ),
        migrations.AddIndex(
            model_name="appointmentevent",
            index=models.Index(
                condition=models.Q(("event", "reassigned")),
                fields=["appointment"],
                name="appointmentevent_reassigned",
            ),
        ),
    ]

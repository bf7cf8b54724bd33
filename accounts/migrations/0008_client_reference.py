import scheduler_project.common.db.references
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_trail"),
    ]

    operations = [
        migrations.AddField(
            model_name="client",
            name="reference",
            field=scheduler_project.common.db.references.ReferenceField(verbose_name="reference"),
        ),
        migrations.AddConstraint(
            model_name="client",
            constraint=models.UniqueConstraint(
                condition=models.Q(("owner__isnull", False)),
                fields=("owner", "reference"),
                name="client_reference_once_per_owner",
            ),
        ),
        migrations.AddConstraint(
            model_name="client",
            constraint=models.UniqueConstraint(
                condition=models.Q(("owner__isnull", True)),
                fields=("reference",),
                name="client_reference_once_without_owner",
            ),
        ),
    ]

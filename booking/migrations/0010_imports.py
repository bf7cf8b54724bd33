import scheduler_project.common.db.references
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_client_reference"),
        ("booking", "0009_former_hours"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportedEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(max_length=300, verbose_name="reference")),
            ],
            options={
                "verbose_name": "imported entry",
                "verbose_name_plural": "imported entries",
            },
        ),
        migrations.AddField(
            model_name="service",
            name="reference",
            field=scheduler_project.common.db.references.ReferenceField(verbose_name="reference"),
        ),
        migrations.AlterField(
            model_name="appointmentseries",
            name="overrides",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("notice", "minimum notice and booking horizon"),
                        ("hours", "working hours"),
                        ("past", "times that have passed"),
                    ],
                    max_length=10,
                ),
                blank=True,
                default=list,
                size=None,
                verbose_name="overrides",
            ),
        ),
        migrations.AlterField(
            model_name="reservation",
            name="overrides",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("notice", "minimum notice and booking horizon"),
                        ("hours", "working hours"),
                        ("past", "times that have passed"),
                    ],
                    max_length=10,
                ),
                blank=True,
                default=list,
                size=None,
                verbose_name="overrides",
            ),
        ),
        migrations.AddConstraint(
            model_name="service",
            constraint=models.UniqueConstraint(
                condition=models.Q(("owner__isnull", False)),
                fields=("owner", "reference"),
                name="service_reference_once_per_owner",
            ),
        ),
        migrations.AddConstraint(
            model_name="service",
            constraint=models.UniqueConstraint(
                condition=models.Q(("owner__isnull", True)),
                fields=("reference",),
                name="service_reference_once_without_owner",
            ),
        ),
        migrations.AddField(
            model_name="importedentry",
            name="appointment",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="imported",
                to="booking.appointment",
                verbose_name="appointment",
            ),
        ),
        migrations.AddField(
            model_name="importedentry",
            name="provider",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.provider",
                verbose_name="provider",
            ),
        ),
        migrations.AddField(
            model_name="importedentry",
            name="series",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="imported",
                to="booking.appointmentseries",
                verbose_name="series",
            ),
        ),
        migrations.AddConstraint(
            model_name="importedentry",
            constraint=models.UniqueConstraint(
                fields=("provider", "reference"), name="importedentry_once_per_provider"
            ),
        ),
        migrations.AddConstraint(
            model_name="importedentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("appointment__isnull", True), ("series__isnull", True), _connector="XOR"),
                name="importedentry_of_one_thing",
            ),
        ),
    ]

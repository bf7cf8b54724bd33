from django.db import migrations


class Migration(migrations.Migration):
    """Claiming and freeing slots leaves dead rows behind at a rate the defaults for a large table are too slow for."""

    dependencies = [("booking", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE booking_slot SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)",
            "ALTER TABLE booking_slot RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor)",
        )
    ]

"""Sign-ins stand where simplejwt's list of tokens was: its tables go, with the refresh tokens that lay in them."""

from django.db import migrations


def forget(apps, schema_editor):
    """What Django itself noted about them: permissions go along. Migrated back, `migrate` makes the tables anew."""
    apps.get_model("contenttypes", "ContentType").objects.filter(app_label="token_blacklist").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_text_is_composed"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunSQL(
            [
                "DROP TABLE IF EXISTS token_blacklist_blacklistedtoken, token_blacklist_outstandingtoken",
                "DELETE FROM django_migrations WHERE app = 'token_blacklist'",
            ],
            migrations.RunSQL.noop,
        ),
        migrations.RunPython(forget, migrations.RunPython.noop),
    ]

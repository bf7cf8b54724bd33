from django.db import migrations

from scheduler_project.common.audit.triggers import keep_trail

VISITOR = "row.name = '' AND row.user_id IS NULL AND row.owner_id IS NULL"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_mail"), ("common", "0003_trail")]

    operations = [
        keep_trail("accounts_user", secrets=["password"], ignored=["last_login"]),
        keep_trail("accounts_user_groups", key="user_id"),
        keep_trail("accounts_user_user_permissions", key="user_id"),
        keep_trail("auth_group"),
        keep_trail("auth_group_permissions", key="group_id"),
        keep_trail("accounts_provider"),
        keep_trail("accounts_client", unless=VISITOR),
    ]

from functools import partial

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from accounts import receivers  # noqa: F401
        from accounts.clients.errors import ClientExists
        from accounts.sign_in import security_events  # noqa: F401
        from accounts.sign_in.errors import EmailTaken
        from accounts.sign_in.sign_ins import purge_sign_ins
        from scheduler_project.common.audit.log import audited_tables
        from scheduler_project.common.db.retention import retained
        from scheduler_project.common.errors import TryAgain
        from scheduler_project.common.operations import broken_constraints

        broken_constraints["user_email_once"] = partial(EmailTaken, field="email")
        broken_constraints["client_email_once_per_owner"] = partial(ClientExists, field="email")
        for once in ("provider_slug_once", "client_reference_once_per_owner", "client_reference_once_without_owner"):
            broken_constraints[once] = TryAgain
        retained["ended sign-ins"] = purge_sign_ins
        audited_tables |= {
            "accounts_user": "accounts.User",
            "accounts_user_groups": "accounts.User",
            "accounts_user_user_permissions": "accounts.User",
            "auth_group": "auth.Group",
            "auth_group_permissions": "auth.Group",
            "accounts_provider": "accounts.Provider",
            "accounts_client": "accounts.Client",
            "accounts_apikey": "accounts.ApiKey",
        }

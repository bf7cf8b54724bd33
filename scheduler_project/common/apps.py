from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CommonConfig(AppConfig):
    name = "scheduler_project.common"
    label = "common"
    verbose_name = _("Records")

    def ready(self) -> None:
        from scheduler_project.common import checks  # noqa: F401
        from scheduler_project.common.admin import periodic_tasks  # noqa: F401
        from scheduler_project.common.audit import admin as audit  # noqa: F401
        from scheduler_project.common.audit.log import audited_tables
        from scheduler_project.common.db import connections  # noqa: F401
        from scheduler_project.common.db.retention import retained
        from scheduler_project.common.pictures.operations import delete_unused
        from scheduler_project.common.site import admin as site  # noqa: F401

        retained["unused pictures"] = delete_unused
        audited_tables["common_sitesettings"] = "common.SiteSettings"

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
        from scheduler_project.common.db import connections  # noqa: F401

from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "scheduler_project.common"
    label = "common"

    def ready(self) -> None:
        from scheduler_project.common import checks, connections  # noqa: F401

"""The admin app, with our own admin site."""

from django.contrib.admin.apps import AdminConfig


class SchedulerConfig(AdminConfig):
    default_site = "scheduler_project.admin_site.StaffSite"

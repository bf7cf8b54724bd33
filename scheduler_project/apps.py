"""The admin app, with our own admin site."""

from django.contrib.admin.apps import AdminConfig


class OfficeConfig(AdminConfig):
    default_site = "scheduler_project.admin_site.Office"

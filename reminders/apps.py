from functools import partial

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RemindersConfig(AppConfig):
    name = "reminders"
    verbose_name = _("Reminders")

    def ready(self) -> None:
        from reminders import checks, receivers  # noqa: F401
        from reminders.invariants import INVARIANTS
        from reminders.outbox import enqueue
        from reminders.templates.errors import TemplateExists
        from reminders.webhooks.errors import EndpointExists
        from scheduler_project.common.audit.log import audited_tables
        from scheduler_project.common.db.invariants import invariants
        from scheduler_project.common.db.retention import retained
        from scheduler_project.common.operations import broken_constraints

        broken_constraints["messagetemplate_once"] = TemplateExists
        broken_constraints["webhookendpoint_address_once_per_provider"] = partial(EndpointExists, field="url")
        invariants |= INVARIANTS
        retained["messages"] = lambda now: enqueue.purge_messages(now=now)
        audited_tables |= {
            "reminders_messagetemplate": "reminders.MessageTemplate",
            "reminders_webhookendpoint": "reminders.WebhookEndpoint",
        }

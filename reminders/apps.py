from functools import partial

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RemindersConfig(AppConfig):
    name = "reminders"
    verbose_name = _("Reminders")

    def ready(self) -> None:
        from reminders import checks, receivers  # noqa: F401
        from reminders.errors import EndpointExists, TemplateExists
        from reminders.invariants import INVARIANTS
        from reminders.operations import outbox
        from scheduler_project.common.invariants import invariants
        from scheduler_project.common.operations import broken_constraints
        from scheduler_project.common.retention import retained
        from scheduler_project.common.trail import trailed

        broken_constraints["messagetemplate_once"] = TemplateExists
        broken_constraints["webhookendpoint_address_once_per_provider"] = partial(EndpointExists, field="url")
        invariants |= INVARIANTS
        retained["messages"] = lambda now: outbox.forget_messages(now=now)
        trailed |= {
            "reminders_messagetemplate": "reminders.MessageTemplate",
            "reminders_webhookendpoint": "reminders.WebhookEndpoint",
        }

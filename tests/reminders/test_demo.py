"""Reminders' part of `manage.py load_demo`."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from reminders.enums import MessageStatus
from reminders.models import DeliveryAttempt, Message, MessageTemplate, OptOut, Preferences
from tests.reminders.helpers import send

pytestmark = pytest.mark.django_db


def test_demo_has_messages_in_every_usual_state_and_owes_none_at_once(mailoutbox):
    call_command("load_demo", verbosity=0)

    assert {"pending", "sent", "failed", "cancelled"} <= set(Message.objects.values_list("status", flat=True))
    assert not Message.objects.filter(status=MessageStatus.PENDING, due_at__lte=timezone.now()).exists()
    assert (send(timezone.now()), mailoutbox) == (0, [])
    for model in (DeliveryAttempt, MessageTemplate, OptOut, Preferences):
        assert model.objects.exists()

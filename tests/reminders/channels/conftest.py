"""A third channel that reaches people."""

import pytest

from reminders.channels.registry import CHANNELS, register
from tests.reminders.channels.telegram import TelegramChannel


@pytest.fixture
def telegram():
    """Telegram, registered for one test."""
    channel = TelegramChannel()
    register(channel)
    yield channel
    del CHANNELS[channel.name]

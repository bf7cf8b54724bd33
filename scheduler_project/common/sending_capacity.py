"""The capacity of each channel: its threads, and how much it may send."""

from collections.abc import Mapping
from typing import Protocol


class Capacity(Protocol):
    """The lines that one dispatcher opens on a channel, and the messages an hour and a day of each scope."""

    threads: int
    limits: Mapping[str, tuple[int, int]]


channels: Mapping[str, Capacity] = {}
"""The channels by name: the registry of the app that sends, which puts it here."""


def lines() -> int:
    """Return the number of lines that one dispatcher opens in all."""
    return sum(channel.threads for channel in channels.values())

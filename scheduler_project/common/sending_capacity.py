"""The capacity of each channel: its threads, and how much it may send."""

from collections.abc import Mapping
from typing import Protocol


class Capacity(Protocol):
    """The capacity of one channel: the threads of one dispatcher, and the limits of each scope per hour and day."""

    threads: int
    urgent_threads: int
    limits: Mapping[str, tuple[int, int]]


channels: Mapping[str, Capacity] = {}
"""The channels by name. The app that sends puts its registry here."""


def lines() -> int:
    """Return the number of sending threads that one dispatcher has in all."""
    return sum(channel.threads + channel.urgent_threads for channel in channels.values())

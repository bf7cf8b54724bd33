"""The parts of the admin's first page. Each app adds its own; it knows of no other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True)
class Panel:
    """A template of its own, and what it shows as `panel`."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


panels: list[Callable[[HttpRequest, datetime], Panel | None]] = []
"""What makes them, in order. None is for those who may not see it."""

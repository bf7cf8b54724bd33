"""Panels of the admin's first page, added by the apps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True)
class Panel:
    """A panel: its template, and the data it shows as `panel`."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


panels: list[Callable[[HttpRequest, datetime], Panel | None]] = []
"""Functions that return the panels, in their order; None for users who may not see one."""

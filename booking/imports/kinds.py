"""Imports from files. Each kind of row is a `Sheet`; all obey the operations' rules."""

from accounts.clients.imports import CLIENTS
from booking.imports.ics import CALENDAR
from booking.imports.services import SERVICES
from booking.imports.sheet import APPOINTMENTS
from booking.imports.working_hours import HOURS

SHEETS = {sheet.name: sheet for sheet in (CLIENTS, SERVICES, HOURS, APPOINTMENTS)}
"""The sheets that can be imported as CSV, by name, in the order in which an empty system is filled."""


__all__ = ["APPOINTMENTS", "CALENDAR", "CLIENTS", "HOURS", "SERVICES", "SHEETS"]

"""Imports from files. Each kind of row is a `Sheet`; all obey the operations' rules."""

from accounts.operations.imports import CLIENTS
from booking.operations.imports.appointments import APPOINTMENTS
from booking.operations.imports.calendars import CALENDAR
from booking.operations.imports.hours import HOURS
from booking.operations.imports.services import SERVICES

SHEETS = {sheet.name: sheet for sheet in (CLIENTS, SERVICES, HOURS, APPOINTMENTS)}
"""The sheets that can be imported as CSV, by name, in the order in which an empty system is filled."""

__all__ = ["APPOINTMENTS", "CALENDAR", "CLIENTS", "HOURS", "SERVICES", "SHEETS"]

"""Signals that booking sends to the apps above it, synchronously and in the same transaction."""

from django.dispatch import Signal

appointment_changed = Signal()
"""An appointment has changed. Arguments: `appointment`, `event` (the AppointmentEvent written), `now`.

`event.details` has more: the reason of a cancellation, `from` and `to` of a move. With `alone=False` the change is one
of many of a series, which `series_changed` announces.
"""

client_is_notified = Signal()
"""Asks whether the client of an appointment is notified of an event of it. Arguments: `appointment`, `event`.

The answer is True, or False if there is no notice of it or no way to send one.
"""

series_changed = Signal()
"""Many appointments of a series have changed at once. Arguments:

`events` (their AppointmentEvents, in order), `now`.
"""

appointments_imported = Signal()
"""Appointments were imported from a file.

Arguments: `events` (that they were booked), `tell` (True to notify people and webhooks of those to come), `now`.
Reminders are sent in any case.
"""

time_freed = Signal()
"""Time that was claimed or closed can be booked. Arguments: `provider_id`, `spans` (UTC, in order, not adjacent),
`cause` (a FreedBy), `now`. Sent by the only two functions that free time: `release_slots` and `regenerate_slots`.

Receivers write a row at most, and look for free times after the commit: a move may take part of the time again, and a
preview is rolled back.
"""

time_held = Signal()
"""A hold was made. Arguments: `reservation`, `actor`, `now`."""

details_given = Signal()
"""A visitor gave their details, or asks for the link again. Arguments: `reservation`, `language`, `by_sms`, `now`."""

guest_added = Signal()
"""A guest is about to book at once. Arguments: `client`, `language`, `by_sms`, `now`."""

holds_expired = Signal()
"""Holds expired. Arguments: `reservations` (their ids), `now`."""

demo_opened = Signal()
"""The demo practice was created. Arguments: `now`."""

reminders_reset = Signal()
"""The offsets of a schedule or a service were changed. Arguments: `schedule` or `service` (the other None), `now`."""

slots_missing = Signal()
"""A schedule's slots end before its horizon: there are too many to create while a user waits. Arguments: `schedule`."""

"""Signals that booking sends to the apps above it, synchronously and in the same transaction."""

from django.dispatch import Signal

appointment_changed = Signal()
"""Something happened to an appointment. Arguments: `appointment`, `event` (the AppointmentEvent written), `now`.

`event.details` tells more: the reason of a cancellation, `from` and `to` of a move. With `alone=False` it happened to
many at once, as part of a series, of which `series_changed` tells.
"""

client_told = Signal()
"""Asks whether the client of an appointment is told of an event of it. Arguments: `appointment`, `event`. It is
answered True, or False where there is no notice of it or no way to send one.
"""

series_changed = Signal()
"""Many appointments were changed at once. Arguments: `events` (their AppointmentEvents, in order), `now`."""

appointments_imported = Signal()
"""Appointments were taken over from a file. Arguments: `events` (that they were booked), `tell` (whether people and
webhooks are to hear of those to come), `now`. They are reminded in any case.
"""

time_held = Signal()
"""A hold was made. Arguments: `reservation`, `actor`, `now`."""

details_given = Signal()
"""A visitor said who they are, or asks for the link again. Arguments: `reservation`, `language`, `by_sms`, `now`."""

holds_expired = Signal()
"""Holds ran out. Arguments: `reservations` (their ids), `now`."""

demo_opened = Signal()
"""The demo practice was made. Arguments: `now`."""

reminders_reset = Signal()
"""The offsets of a calendar or a service were changed. Arguments: `schedule` or `service` (the other None), `now`."""

slots_missing = Signal()
"""A calendar's slots end before its horizon, for there are more than anybody should wait for. Arguments: `schedule`."""

"""A plugin of pytest that adds the status `checked_in` to the source of the table, before anything imports it.

It shows the whole change that a status needs: see `test_statuses.py`.
"""

from tests.changed import change_source

TABLE = "booking.appointments.transitions"

CHANGES = {
    'DECLINED = "declined", _("declined")\n\n\nclass Action': (
        'DECLINED = "declined", _("declined")\n    CHECKED_IN = "checked_in", "checked in"\n\n\nclass Action'
    ),
    '    CANCEL = "cancel", _("cancel")\n': (
        '    CANCEL = "cancel", _("cancel")\n    CHECK_IN = "check_in", "check in"\n'
    ),
    'CANCELLED = "cancelled", _("cancelled")\n\n\nclass AttendanceOutcome': (
        'CANCELLED = "cancelled", _("cancelled")\n    CHECKED_IN = "checked_in", "checked in"\n\n\n'
        "class AttendanceOutcome"
    ),
    "}\n\n\n@dataclass(frozen=True)\nclass Transition": """
    AppointmentStatus.CHECKED_IN: StatusFacts(
        heading="You are expected",
        badge="good",
        ical="CONFIRMED",
        is_upcoming=True,
    ),
}


@dataclass(frozen=True)
class Transition""",
    "    Action.CANCEL: Transition(\n        sources=(": """
    Action.CHECK_IN: Transition(
        sources=(AppointmentStatus.SCHEDULED,),
        target=AppointmentStatus.CHECKED_IN,
        event=Event.CHECKED_IN,
        done="Checked in: %s.",
        done_many="Appointments checked in: %d.",
        many="Check in…",
        button="Check in",
        button_for="Check in: %(who)s",
        button_for_staff="Check in: %(who)s",
        only_once_begun=True,
    ),
    Action.CANCEL: Transition(
        sources=(AppointmentStatus.CHECKED_IN, """,
    "AppointmentStatus.MISSED),\n        target=AppointmentStatus.COMPLETED": (
        "AppointmentStatus.MISSED, AppointmentStatus.CHECKED_IN),\n        target=AppointmentStatus.COMPLETED"
    ),
    "AppointmentStatus.COMPLETED),\n        target=AppointmentStatus.MISSED": (
        "AppointmentStatus.COMPLETED, AppointmentStatus.CHECKED_IN),\n        target=AppointmentStatus.MISSED"
    ),
}
"""The places of the table, and what stands there with the new status."""


change_source(TABLE, CHANGES)

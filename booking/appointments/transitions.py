"""The one table of appointments: statuses, the actions that lead from one to another, and the facts of each.

All decisions by a status or an action read it. To add a status, add its name, its row, the actions that lead to it and
from it, and a migration for the choices.
"""

from dataclasses import dataclass
from enum import Enum

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class AppointmentStatus(models.TextChoices):
    PENDING = "pending", _("pending")
    SCHEDULED = "scheduled", _("scheduled")
    COMPLETED = "completed", _("completed")
    MISSED = "missed", _("missed")
    CANCELLED = "cancelled", _("cancelled")
    DECLINED = "declined", _("declined")


class Action(models.TextChoices):
    """An action that somebody can take on an appointment."""

    APPROVE = "approve", _("approve")
    DECLINE = "decline", _("decline")
    COMPLETE = "complete", _("mark as completed")
    MISS = "miss", _("mark as missed")
    REOPEN = "reopen", _("undo the outcome")
    RESCHEDULE = "reschedule", _("reschedule")
    REASSIGN = "reassign", _("change the client")
    CANCEL = "cancel", _("cancel")


class Event(models.TextChoices):
    """An event in the history of an appointment."""

    BOOKED = "booked", _("booked")
    EDITED = "edited", _("edited")
    APPROVED = "approved", _("approved")
    DECLINED = "declined", _("declined")
    RESCHEDULED = "rescheduled", _("rescheduled")
    REASSIGNED = "reassigned", _("given to another client")
    COMPLETED = "completed", _("completed")
    MISSED = "missed", _("missed")
    REOPENED = "reopened", _("outcome undone")
    CANCELLED = "cancelled", _("cancelled")


class AttendanceOutcome(Enum):
    """The way an appointment counts in the rate of missed ones."""

    NONE = "none"
    ATTENDED = "attended"
    MISSED = "missed"


@dataclass(frozen=True)
class StatusFacts:
    """The facts of a status. If it claims no time, its appointments count in no report and their time is free again."""

    heading: str | Promise
    """The heading of the client's page."""
    badge: str
    """The CSS class of badges and of blocks in calendars: `good`, `warn`, `bad` or one of its own.

    See `.badge` and `.block` in pages.css, `.state` and `.day-grid` in office.css.
    """
    ical: str
    """The STATUS in calendars (RFC 5545 §3.8.1.11)."""
    is_usual: bool = False
    """True for the status that lists and calendars do not mention."""
    is_upcoming: bool = False
    claims_time: bool = True
    is_reminded: bool = False
    outcome: AttendanceOutcome = AttendanceOutcome.NONE


STATUSES: dict[AppointmentStatus, StatusFacts] = {
    AppointmentStatus.PENDING: StatusFacts(
        heading=_("Request sent – waiting for approval"),
        badge="pending",
        ical="TENTATIVE",
        is_upcoming=True,
    ),
    AppointmentStatus.SCHEDULED: StatusFacts(
        heading=_("Your appointment is booked"),
        badge="scheduled",
        ical="CONFIRMED",
        is_usual=True,
        is_upcoming=True,
        is_reminded=True,
    ),
    AppointmentStatus.COMPLETED: StatusFacts(
        heading=_("This appointment is over"),
        badge="completed",
        ical="CONFIRMED",
        outcome=AttendanceOutcome.ATTENDED,
    ),
    AppointmentStatus.MISSED: StatusFacts(
        heading=_("This appointment is over"),
        badge="missed",
        ical="CONFIRMED",
        outcome=AttendanceOutcome.MISSED,
    ),
    AppointmentStatus.CANCELLED: StatusFacts(
        heading=_("This appointment was cancelled"),
        badge="cancelled",
        ical="CANCELLED",
        claims_time=False,
    ),
    AppointmentStatus.DECLINED: StatusFacts(
        heading=_("This appointment was declined"),
        badge="declined",
        ical="CANCELLED",
        claims_time=False,
    ),
}


@dataclass(frozen=True)
class Transition:
    """The facts of an action: the statuses it starts from, the status it leads to, its texts, and who may take it."""

    sources: tuple[AppointmentStatus, ...]
    target: AppointmentStatus | None
    """The new status. None keeps the present one."""
    event: Event
    done: str | Promise = ""
    """The message when it is done, with "%s" for the client's name if nobody is notified."""
    done_many: str | Promise = ""
    many: str | Promise = ""
    """The name of the action on many appointments, in the admin's lists."""
    button: str | Promise = ""
    """The button of an action without a form, on the pages of providers and staff."""
    button_for: str | Promise = ""
    """The name of that button for screen readers, on a provider's pages."""
    button_for_staff: str | Promise = ""
    """The name of that button for screen readers, in the admin."""
    is_quiet: bool = False
    """True for a button that is less prominent than another."""
    only_once_begun: bool = False
    by_client: bool = False
    """True if the client may take it too, until the appointment begins."""

    @property
    def frees_time(self) -> bool:
        return self.target is not None and not STATUSES[self.target].claims_time

    @property
    def asks_reason(self) -> bool:
        """True if a reason is asked for: the client reads why an appointment does not take place."""
        return self.frees_time

    @property
    def notifies(self) -> bool:
        """True if the client is notified, or must be by the user. Outcomes, and their corrections, notify nobody."""
        return not (self.only_once_begun or any(has_outcome(status) for status in self.sources))


TRANSITIONS: dict[Action, Transition] = {
    Action.APPROVE: Transition(
        sources=(AppointmentStatus.PENDING,),
        target=AppointmentStatus.SCHEDULED,
        event=Event.APPROVED,
        done=_("Approved."),
        done_many=_("Appointments approved: %d."),
        many=_("Approve…"),
        button=pgettext_lazy("button", "Approve"),
        button_for=_("Approve: %(who)s"),
        button_for_staff=_("Approve: %(who)s"),
    ),
    Action.DECLINE: Transition(
        sources=(AppointmentStatus.PENDING,),
        target=AppointmentStatus.DECLINED,
        event=Event.DECLINED,
        done=_("Declined: the time is free again."),
        done_many=_("Appointments declined: %d."),
        many=_("Decline…"),
    ),
    Action.COMPLETE: Transition(
        sources=(AppointmentStatus.SCHEDULED, AppointmentStatus.MISSED),
        target=AppointmentStatus.COMPLETED,
        event=Event.COMPLETED,
        done=_("Marked as completed: %s."),
        done_many=_("Appointments marked as completed: %d."),
        many=_("Mark as completed…"),
        button=_("Completed"),
        button_for=_("Mark as completed: %(who)s"),
        button_for_staff=_("Completed: %(who)s"),
        only_once_begun=True,
    ),
    Action.MISS: Transition(
        sources=(AppointmentStatus.SCHEDULED, AppointmentStatus.COMPLETED),
        target=AppointmentStatus.MISSED,
        event=Event.MISSED,
        done=_("Marked as missed: %s."),
        done_many=_("Appointments marked as missed: %d."),
        many=_("Mark as missed…"),
        button=_("Missed"),
        button_for=_("Mark as missed: %(who)s"),
        button_for_staff=_("Missed: %(who)s"),
        is_quiet=True,
        only_once_begun=True,
    ),
    Action.REOPEN: Transition(
        sources=(AppointmentStatus.COMPLETED, AppointmentStatus.MISSED),
        target=AppointmentStatus.SCHEDULED,
        event=Event.REOPENED,
        done=_("Outcome undone: %s."),
        done_many=_("Outcomes undone: %d."),
        many=_("Undo the outcome…"),
        button=_("Undo the outcome"),
        button_for=_("Undo the outcome: %(who)s"),
        button_for_staff=_("Undo the outcome: %(who)s"),
        is_quiet=True,
    ),
    Action.RESCHEDULE: Transition(
        sources=(AppointmentStatus.PENDING, AppointmentStatus.SCHEDULED),
        target=None,
        event=Event.RESCHEDULED,
        by_client=True,
    ),
    Action.REASSIGN: Transition(
        sources=(AppointmentStatus.PENDING, AppointmentStatus.SCHEDULED),
        target=None,
        event=Event.REASSIGNED,
    ),
    Action.CANCEL: Transition(
        sources=(AppointmentStatus.PENDING, AppointmentStatus.SCHEDULED),
        target=AppointmentStatus.CANCELLED,
        event=Event.CANCELLED,
        done=_("Cancelled: the time is free again."),
        done_many=_("Appointments cancelled: %d."),
        many=_("Cancel…"),
        by_client=True,
    ),
}
"""The table of actions. A change of status that is not in it does not exist."""


UPCOMING = tuple(status for status, facts in STATUSES.items() if facts.is_upcoming)
"""The statuses of an appointment yet to take place."""

(AWAITING_APPROVAL,) = TRANSITIONS[Action.APPROVE].sources
"""The status of an appointment that is yet to be approved."""

CLAIMING = tuple(status for status, facts in STATUSES.items() if facts.claims_time)
FREEING = tuple(status for status, facts in STATUSES.items() if not facts.claims_time)
REMINDED = tuple(status for status, facts in STATUSES.items() if facts.is_reminded)
ATTENDED = tuple(status for status, facts in STATUSES.items() if facts.outcome == AttendanceOutcome.ATTENDED)
MISSED = tuple(status for status, facts in STATUSES.items() if facts.outcome == AttendanceOutcome.MISSED)

(_USUAL,) = (facts for facts in STATUSES.values() if facts.is_usual)
FROM_ICAL = {facts.ical: status for status, facts in reversed(STATUSES.items()) if facts.ical != _USUAL.ical}
"""The status that a STATUS in a calendar stands for: the first of those written so.

The usual one is left out, because it says no more than the time of the event does.
"""

ENDS = {row.event: row.target for row in TRANSITIONS.values() if row.target}
"""The status after each event that changes it."""

CALLED_OFF = tuple(row.event for row in TRANSITIONS.values() if row.frees_time)
"""The events after which an appointment does not take place."""

LEAVING = tuple(row.event for row in TRANSITIONS.values() if row.target is None)
"""The events after which an appointment has another reservation. Their details name the `reservation` it had."""

ONLY_ONCE_BEGUN = tuple(row.target for row in TRANSITIONS.values() if row.target and row.only_once_begun)
"""The statuses that no appointment has before it begins."""


def has_outcome(status: str) -> bool:
    """Return True for the statuses that say how an appointment went."""
    return STATUSES[AppointmentStatus(status)].outcome != AttendanceOutcome.NONE


def targets_of(status: str) -> list[AppointmentStatus]:
    """Return the statuses that an appointment of this status can change to."""
    return [row.target for row in TRANSITIONS.values() if row.target and status in row.sources]


def action_to(status: str, before: str) -> Action | None:
    """Return the action that leads to a status: from the status `before` it, if there is one."""
    leading = [action for action, row in TRANSITIONS.items() if row.target == status]
    return next((action for action in leading if before in TRANSITIONS[action].sources), next(iter(leading), None))

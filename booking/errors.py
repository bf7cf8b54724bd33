"""Every way booking says no, beside those everybody has."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, Kind


class Missing(DomainError):
    code = "required"
    message = _("Something is missing.")


class SlotTaken(DomainError):
    code = "slot_taken"
    kind = Kind.CONFLICT
    message = _("This time is taken. The nearest free times are listed.")


class OutsideHours(DomainError):
    code = "outside_hours"
    kind = Kind.CONFLICT
    message = _("The provider is not available at this time. The nearest free times are listed.")


class TooSoon(DomainError):
    code = "too_soon"
    kind = Kind.CONFLICT
    message = _("This time is too close. The first time that can be booked is listed.")


class TooFar(DomainError):
    code = "too_far"
    kind = Kind.CONFLICT
    message = _("This time is too far ahead to be booked yet.")


class OffGrid(DomainError):
    code = "off_grid"
    message = _("This time does not lie on the provider's grid of slots. The nearest times that do are listed.")


class EndsBeforeStart(DomainError):
    code = "ends_before_start"
    message = _("The end must come after the start.")


class InThePast(DomainError):
    code = "in_the_past"
    message = _("This time has passed.")


class BadHours(DomainError):
    code = "bad_hours"
    message = _("These hours cannot be read.")


class NotOffered(DomainError):
    code = "service_not_offered"
    message = _("This provider does not offer this service.")


class NotBookable(DomainError):
    code = "provider_not_bookable"
    kind = Kind.CONFLICT
    message = _("This provider takes no bookings at present.")


class ProviderNotPublished(DomainError):
    code = "provider_not_published"
    kind = Kind.CONFLICT
    message = _(
        "This provider is not published yet, so nobody can be booked with them. "
        "Their email must be verified, and staff must approve them."
    )


class TooManyChanges(DomainError):
    code = "too_many_changes"
    kind = Kind.TOO_MANY
    message = _("The hours were changed very often just now. Wait a moment, then try again.")

    def __init__(self, *, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyHolds(DomainError):
    code = "too_many_holds"
    kind = Kind.CONFLICT
    message = _("You already hold as many times as one client may. Confirm or release one first.")


class TooManyHoldsInNetwork(TooManyHolds):
    code = "too_many_holds_in_network"
    message = _("Many times are held from your network at the moment. Please try again in a few minutes.")


class TooManyAppointments(DomainError):
    code = "too_many_appointments"
    kind = Kind.CONFLICT
    message = _("You have as many appointments to come as you may book. Cancel one first.")


class TooOften(DomainError):
    code = "too_often"
    kind = Kind.TOO_MANY
    message = _("You have booked, moved and cancelled very often of late. Wait a while and try again.")


class HoldExpired(DomainError):
    code = "hold_expired"
    kind = Kind.GONE
    message = _("This hold has expired and the time is free again. Please reserve once more.")


class HoldReleased(DomainError):
    code = "hold_released"
    kind = Kind.GONE
    message = _("This hold was released. Please reserve once more.")


class AskedEnough(DomainError):
    code = "asked_enough"
    kind = Kind.CONFLICT
    message = _("The link has been sent twice. Please look for it in your mail, also among the junk.")


class AlreadyConfirmed(DomainError):
    code = "already_confirmed"
    kind = Kind.CONFLICT
    message = _("This reservation is confirmed. To give it up, cancel its appointment.")


class BadTransition(DomainError):
    code = "bad_transition"
    kind = Kind.CONFLICT
    message = _("The appointment cannot move to this status from the one it has.")


class NotYet(DomainError):
    code = "not_yet"
    kind = Kind.CONFLICT
    message = _("The appointment has not begun, so nobody can say how it went.")


class BadRule(DomainError):
    code = "bad_rule"
    message = _("This recurrence rule cannot be read.")

    def __init__(self, message: str | None = None, *, field: str = "rrule") -> None:
        super().__init__(message, field=field)


class NotInRule(DomainError):
    code = "not_in_rule"
    message = _("The rule does not produce this date.")


class SeriesConflict(DomainError):
    code = "series_conflict"
    kind = Kind.CONFLICT
    message = _("Some of the times cannot be booked, so nothing was done. Each is listed with the nearest free time.")


class SeriesEnded(DomainError):
    code = "series_ended"
    kind = Kind.CONFLICT
    message = _("This series is over or cancelled.")

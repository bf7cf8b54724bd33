"""Refusals to hold or confirm a time."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class TimeUnavailable(DomainError):
    """A refusal of a time. Once the transaction is over, its details list the nearest free times as `alternatives`."""

    kind = ErrorKind.CONFLICT


class SlotTaken(TimeUnavailable):
    code = "slot_taken"
    message = _("This time is taken. The nearest free times are listed.")


class OutsideHours(TimeUnavailable):
    code = "outside_hours"
    message = _("The provider is not available at this time. The nearest free times are listed.")


class TooSoon(TimeUnavailable):
    code = "too_soon"
    message = _("This time is too close. The first time that can be booked is listed.")


class TooFar(TimeUnavailable):
    code = "too_far"
    message = _("This time is too far ahead to be booked yet.")


class NotBookable(DomainError):
    code = "provider_not_bookable"
    kind = ErrorKind.CONFLICT
    message = _("This provider takes no bookings at present.")


class ClientErased(DomainError):
    code = "client_erased"
    kind = ErrorKind.CONFLICT
    message = _("This client was erased at their own request. Add them again if they want to come.")


class NoNewClients(DomainError):
    code = "no_new_clients"
    kind = ErrorKind.CONFLICT
    message = _(
        "This provider accepts no new clients. If you had an appointment with them before, use the email address you "
        "booked it with."
    )


class ProviderNotPublished(DomainError):
    code = "provider_not_published"
    kind = ErrorKind.CONFLICT
    message = _(
        "This provider is not published yet, so nobody can be booked with them. "
        "Their email must be verified, and staff must approve them."
    )


class TooManyHolds(DomainError):
    code = "too_many_holds"
    kind = ErrorKind.CONFLICT
    message = _("You already hold as many times as one client may. Confirm or release one first.")


class TooManyHoldsInNetwork(TooManyHolds):
    code = "too_many_holds_in_network"
    message = _("Many times are held from your network at the moment. Please try again in a few minutes.")


class HoldExpired(DomainError):
    code = "hold_expired"
    kind = ErrorKind.GONE
    message = _("This hold has expired and the time is free again. Please reserve once more.")


class HoldReleased(DomainError):
    code = "hold_released"
    kind = ErrorKind.GONE
    message = _("This hold was released. Please reserve once more.")


class AskedEnough(DomainError):
    code = "asked_enough"
    kind = ErrorKind.CONFLICT
    message = _("The link has been sent twice. Please look for it in your mail, also among the junk.")


class ConfirmationRequired(DomainError):
    """A guest's booking that lacks the answer from their mailbox (R10)."""

    code = "confirmation_required"
    kind = ErrorKind.FORBIDDEN
    message = _(
        "Guests confirm by mail: hold a time, send name and email to its details, then confirm with the code from the "
        "mail, or open the link in it."
    )

    def __init__(self) -> None:
        super().__init__(
            details={
                "steps": [
                    "POST /api/v1/slots/{id}/reserve",
                    "POST /api/v1/reservations/{id}/details",
                    "POST /api/v1/reservations/{id}/confirm",
                ]
            }
        )


class DetailsRequired(DomainError):
    code = "details_required"
    kind = ErrorKind.CONFLICT
    message = _("Send name and email to the details of this hold first.")


class WrongHoldCode(DomainError):
    code = "wrong_code"
    message = _("This code is not valid, or no longer. After five wrong ones only the link in the mail confirms.")


class AlreadyConfirmed(DomainError):
    code = "already_confirmed"
    kind = ErrorKind.CONFLICT
    message = _("This reservation is confirmed. To give it up, cancel its appointment.")

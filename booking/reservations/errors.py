"""Refusals to hold or confirm a time."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class TimeUnavailable(DomainError):
    """A refusal of a time. Once the transaction is over, its details list the nearest free times as `alternatives`."""

    kind = ErrorKind.CONFLICT


class SlotTaken(TimeUnavailable):
    code = "slot_taken"
    message = _("This time is taken. Choose one of the nearest available times.")
    remedy = "Offer `details.alternatives`, and hold the one that is chosen."


class OutsideHours(TimeUnavailable):
    code = "outside_hours"
    message = _("The provider isn't available at this time. Choose one of the nearest available times.")
    remedy = "Offer `details.alternatives`, or read `GET /api/v1/slots`."


class TooSoon(TimeUnavailable):
    code = "too_soon"
    message = _("This time is too soon. Choose the first bookable time or a later one.")
    remedy = "Offer `details.alternatives`: they begin after the provider's minimum notice."


class TooFar(TimeUnavailable):
    code = "too_far"
    message = _("This time is too far ahead to book yet. Choose an earlier one.")
    remedy = "Choose an earlier time, or send it again when the horizon has come that far."


class NotBookable(DomainError):
    code = "provider_not_bookable"
    kind = ErrorKind.CONFLICT
    message = _("This provider isn't taking bookings at the moment.")
    remedy = "Choose another provider, or ask later."


class ClientErased(DomainError):
    code = "client_erased"
    kind = ErrorKind.CONFLICT
    message = _("This client asked us to erase their data. Add them again if they want to book.")
    remedy = "Add them as a new client: `POST /api/v1/clients`."


class NoNewClients(DomainError):
    code = "no_new_clients"
    kind = ErrorKind.CONFLICT
    message = _(
        "This provider isn't accepting new clients. If you've had an appointment with them before, use the email "
        "you booked it with."
    )
    remedy = "Choose another provider, or send the email of the earlier appointment."


class ProviderNotPublished(DomainError):
    code = "provider_not_published"
    kind = ErrorKind.CONFLICT
    message = _(
        "This provider isn't published yet, so nobody can book with them. They need to verify their email, and "
        "staff need to approve them."
    )
    remedy = "Have the email verified, then have staff call `POST /api/v1/providers/{id}/approve`."


class TooManyHolds(DomainError):
    code = "too_many_holds"
    kind = ErrorKind.CONFLICT
    message = _("You've reached the limit for held times. Confirm or release one first.")
    remedy = "Confirm or release one of `GET /api/v1/reservations?status=held`."


class TooManyHoldsInNetwork(TooManyHolds):
    code = "too_many_holds_in_network"
    message = _("Too many times are being held from your network. Try again in a few minutes.")
    remedy = "Wait some minutes: holds end by themselves. Release those you do not need."


class HoldExpired(DomainError):
    code = "hold_expired"
    kind = ErrorKind.GONE
    message = _("Your hold has expired. Pick a new time.")
    remedy = "Hold the time again: it may still be free."


class HoldReleased(DomainError):
    code = "hold_released"
    kind = ErrorKind.GONE
    message = _("This hold was released. Pick a new time.")
    remedy = "Hold the time again: it may still be free."


class AskedEnough(DomainError):
    code = "asked_enough"
    kind = ErrorKind.CONFLICT
    message = _("We've already sent the link twice. Check your inbox and your spam folder.")
    remedy = "Have the guest look for the mail. To correct the email, hold the time again."


class ConfirmationRequired(DomainError):
    """A guest's booking that lacks the answer from their mailbox (R10)."""

    code = "confirmation_required"
    kind = ErrorKind.FORBIDDEN
    message = _(
        "Guests confirm by email: hold a time, send a name and email to its details, then confirm with the code "
        "or the link in the email."
    )
    remedy = "Take the steps in `details.steps`. The second of them mails the code."

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
    message = _("Send a name and email to this hold's details first.")
    remedy = "Call `POST /api/v1/reservations/{id}/details` first."


class WrongHoldCode(DomainError):
    code = "wrong_code"
    message = _("This code is wrong or has expired. After five wrong codes, only the link in the email works.")
    remedy = "Ask for the code of the newest mail, or have the link in it opened."


class AlreadyConfirmed(DomainError):
    code = "already_confirmed"
    kind = ErrorKind.CONFLICT
    message = _("This reservation is already confirmed. Cancel the appointment instead.")
    remedy = "Cancel the appointment of the reservation: `POST /api/v1/appointments/{id}/cancel`."

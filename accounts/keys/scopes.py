"""The scopes of API keys: one table says which operation of the API each of them opens.

Operations go by the names of their routes. One that is not in the table is closed to all keys, except to read: a new
operation that changes something is given its place here.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Scope(TextChoices):
    """The scopes of a key: it may do what they open, of what its owner may."""

    READ = "read", _("Read")
    BOOK = "book", _("Book")
    MANAGE = "manage", _("Manage")
    WEBHOOKS = "webhooks", _("Webhooks")


MEANINGS = {
    Scope.READ: _("Read everything except webhooks: services, available times, appointments, clients, reports."),
    Scope.BOOK: _("Hold times, and book, reschedule, cancel and complete appointments."),
    Scope.MANAGE: _("Change hours, time off, services, clients, series, message templates and everything else."),
    Scope.WEBHOOKS: _("See and change webhook endpoints and their deliveries."),
}
"""The scopes in words."""


CLOSED = frozenset({"sign-ins", "api-key-list", "api-key-detail", "api-key-rotate"})
"""Routes whose reads are closed to all keys too: where a login is signed in, and its keys."""


WEBHOOKS = "webhook-"
"""The beginning of the routes that the scope `webhooks` opens, to read as well."""


CHANGES: dict[str, Scope] = {
    "slot-reserve": Scope.BOOK,
    "reservation-list": Scope.BOOK,
    "reservation-detail": Scope.BOOK,
    "reservation-confirm": Scope.BOOK,
    "reservation-details": Scope.BOOK,
    "appointment-list": Scope.BOOK,
    "appointment-detail": Scope.BOOK,
    "appointment-approve": Scope.BOOK,
    "appointment-cancel": Scope.BOOK,
    "appointment-decline": Scope.BOOK,
    "appointment-reschedule": Scope.BOOK,
    "appointment-set-status": Scope.BOOK,
    "alias-appointments-id-confirm": Scope.BOOK,
    "alias-appointments-id-reserve": Scope.BOOK,
    "alias-clients-client-confirm": Scope.BOOK,
    "alias-clients-client-reserve": Scope.BOOK,
    "admin-reminder-replay": Scope.MANAGE,
    "alias-appointments-availability": Scope.MANAGE,
    "calendar-availability": Scope.MANAGE,
    "calendar-date-override": Scope.MANAGE,
    "calendar-date-overrides": Scope.MANAGE,
    "calendar-schedule": Scope.MANAGE,
    "calendar-working-hours": Scope.MANAGE,
    "client-detail": Scope.MANAGE,
    "client-list": Scope.MANAGE,
    "client-preferences": Scope.MANAGE,
    "closure-detail": Scope.MANAGE,
    "closure-list": Scope.MANAGE,
    "expire-reservations": Scope.MANAGE,
    "feed-detail": Scope.MANAGE,
    "feed-list": Scope.MANAGE,
    "feed-renew": Scope.MANAGE,
    "message-template-detail": Scope.MANAGE,
    "message-template-list": Scope.MANAGE,
    "message-template-show": Scope.MANAGE,
    "opt-out-detail": Scope.MANAGE,
    "opt-out-list": Scope.MANAGE,
    "own-preferences": Scope.MANAGE,
    "provider-approve": Scope.MANAGE,
    "provider-decline": Scope.MANAGE,
    "provider-detail": Scope.MANAGE,
    "provider-list": Scope.MANAGE,
    "reminder-retry": Scope.MANAGE,
    "schedule-detail": Scope.MANAGE,
    "schedule-list": Scope.MANAGE,
    "series-cancel": Scope.MANAGE,
    "series-detail": Scope.MANAGE,
    "series-list": Scope.MANAGE,
    "series-preview-series": Scope.MANAGE,
    "service-detail": Scope.MANAGE,
    "service-list": Scope.MANAGE,
    "time-off-detail": Scope.MANAGE,
    "time-off-list": Scope.MANAGE,
}
"""The scope that opens the changes of a route. Closed to all keys are the others: what is about the login itself (its
name, email, phone, password, sign-ins and keys), and erasing people."""


def scope_for(route: str | None, method: str | None) -> Scope | None:
    """Return the scope that a key needs for a request, or None where no key may go."""
    if route is not None and route.startswith(WEBHOOKS):
        return Scope.WEBHOOKS
    if method in SAFE_METHODS:
        return None if route in CLOSED else Scope.READ
    return CHANGES.get(route or "")

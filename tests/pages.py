"""Every page: its URL, its users, and the data it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth.tokens import default_token_generator
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone
from django.utils.http import int_to_base36

from accounts.models import Client, Provider, User
from accounts.providers.operations import add_provider
from booking.availability.operations import open_window
from booking.availability.search import SlotQuery, free_times
from booking.calendars.operations import open_feed
from booking.demo.people import PASSWORD
from booking.links import appointment_token, details_token, hold_link
from booking.models import Appointment, AvailabilityWindow, Reservation, Service, TimeOff
from booking.reservations.guests import give_details, hold_as_visitor
from reminders.models import Message
from reminders.preferences.links import opt_out_link
from scheduler_project.common.db.references import new_reference
from tests.factories import (
    SYSTEM,
    DeliveryAttemptFactory,
    EventMessageFactory,
    UserFactory,
    WebhookEndpointFactory,
    actor_of,
)
from tests.groups import MANAGER, staff_of


class World:
    """The demo practice, now, with additional data so that every page has content."""

    def __init__(self) -> None:
        call_command("load_demo", known_password=True)
        self.now: datetime = timezone.now()
        self.maya = Provider.objects.get(user__email="maya@example.com")
        self.sam = Client.objects.get(user__email="sam@example.com")
        self.service = Service.objects.get(name="Physiotherapy")
        EmailAddress.objects.update(verified=True)
        self.free = iter(free_times(self._search())[::4])
        self.fresh, self.asked = self._hold(), self._hold()
        give_details(
            reservation_id=self.asked.pk,
            name="Ada Byron",
            email="ada@example.org",
            phone="",
            note="My left knee.",
            by_sms=False,
            language="en",
            now=self.now,
        )
        self.asked.refresh_from_db()
        self.over = self._hold()
        Reservation.objects.filter(pk=self.over.pk).update(expires_at=self.now - timedelta(minutes=1))
        self.endpoint = WebhookEndpointFactory(provider=self.maya, created_at=self.now)
        told = EventMessageFactory(appointment=self.of_maya, endpoint=self.endpoint, status="failed", due_at=self.now)
        DeliveryAttemptFactory(message=told, at=self.now, outcome="failed", error="503 Service Unavailable")
        open_feed(provider_id=self.maya.pk, actor=actor_of(self.maya), now=self.now)
        open_feed(client_id=self.sam.pk, actor=actor_of(self.sam), now=self.now)
        later = (self.now + timedelta(days=40)).replace(minute=0, second=0, microsecond=0)
        open_window(
            provider_id=self.maya.pk, starts_at=later, ends_at=later + timedelta(hours=2), actor=SYSTEM, now=self.now
        )

    def _search(self) -> SlotQuery:
        return SlotQuery(
            self.now + timedelta(days=3), self.now + timedelta(days=9), self.now, self.maya.pk, self.service
        )

    def _hold(self) -> Reservation:
        return hold_as_visitor(
            provider_id=self.maya.pk,
            service_id=self.service.pk,
            starts_at=next(self.free).starts_at,
            visitor=new_reference(),
            timezone="Europe/Berlin",
            now=self.now,
        )

    @cached_property
    def of_maya(self) -> Appointment:
        """An upcoming appointment that may be moved and cancelled, of a client with a phone."""
        rows = Appointment.objects.filter(reservation__provider=self.maya, status="scheduled")
        rows = rows.exclude(reservation__client__phone="")
        return rows.filter(reservation__starts_at__gt=self.now + timedelta(days=3)).earliest("reservation__starts_at")

    @cached_property
    def of_a_series(self) -> Appointment:
        rows = Appointment.objects.filter(reservation__provider=self.maya, series__isnull=False)
        return rows.earliest("reservation__starts_at")

    @cached_property
    def of_sam(self) -> Appointment:
        rows = Appointment.objects.filter(reservation__client=self.sam, status="scheduled")
        return rows.filter(reservation__starts_at__gt=self.now + timedelta(days=2)).latest("reservation__starts_at")

    @cached_property
    def cancelled(self) -> Appointment:
        return Appointment.objects.filter(status="cancelled").earliest("pk")

    @cached_property
    def guarded(self) -> User:
        """A user with an authenticator app and recovery codes."""
        user = UserFactory()
        user.set_password(PASSWORD)
        user.save()
        EmailAddress.objects.filter(user=user).update(verified=True)
        TOTP.activate(user, self.secret)
        RecoveryCodes.activate(user)
        return user

    @cached_property
    def secret(self) -> str:
        return generate_totp_secret()

    @cached_property
    def bare(self) -> User:
        """A login that is neither provider nor client, with nothing yet, and no password."""
        user = UserFactory()
        user.set_unusable_password()
        user.save()
        return user

    @cached_property
    def staff(self) -> User:
        user = staff_of(MANAGER, name="Staff")
        user.set_password(PASSWORD)
        user.save()
        return user

    @cached_property
    def newcomer(self) -> User:
        """A provider whose calendar is as it was made."""
        user = UserFactory(name="Newcomer")
        user.set_password(PASSWORD)
        user.save()
        add_provider(name="Newcomer", timezone="Europe/Paris", user=user, now=self.now)
        return user

    def browser(self, role: str) -> Browser:
        """A browser that somebody in this role has logged in with."""
        browser = Browser()
        if role == "visitor":
            return browser
        if role == "without a password":
            browser.force_login(self.bare)
            return browser
        email = self.emails()[role]
        self.log_in(browser, "account_login", {"login": email, "password": PASSWORD})
        if role == "guarded":
            code = hotp_value(self.secret, next(iter(yield_hotp_counters_from_time())))
            self.log_in(browser, "mfa_authenticate", {"code": f"{code:06}"})
        if role != "half logged in":
            browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        return browser

    def emails(self) -> dict[str, str]:
        guarded = self.guarded.email
        return {
            "client": "sam@example.com",
            "provider": "maya@example.com",
            "new provider": self.newcomer.email,
            "staff": self.staff.email,
            "guarded": guarded,
            "half logged in": guarded,
        }

    def log_in(self, browser: Browser, name: str, sent: dict[str, str]) -> None:
        answer = browser.post(reverse(name), sent)
        assert answer.status_code == 302, answer.content.decode()


@dataclass(frozen=True)
class Page:
    name: str
    """The name of its URL pattern."""
    args: Callable[[World], list[Any]] = lambda world: []
    query: str = ""
    status: int = 200
    leads_on: bool = False
    """The page is shown at another URL, because this one is a secret."""

    def path(self, world: World) -> str:
        return reverse(self.name, args=self.args(world)) + self.query

    def __str__(self) -> str:
        return self.name + self.query + (f" ({self.status})" if self.status != 200 else "")


def first(model: Any, owner: str) -> Callable[[World], list[Any]]:
    """The first row that is Maya's."""
    return lambda world: [model.objects.filter(**{owner: world.maya}).earliest("pk").pk]


def token_of_hold(world: World, held: Reservation) -> str:
    return hold_link(held).rstrip("/").rpartition("/")[2]


def slug(world: World) -> list[Any]:
    return [world.maya.slug]


def service(world: World) -> list[Any]:
    return [world.maya.slug, world.service.pk]


def of_maya(world: World) -> list[Any]:
    return [world.of_maya.pk]


def of_sam(world: World) -> list[Any]:
    return [world.of_sam.pk]


def guest(world: World) -> list[Any]:
    return [appointment_token(world.of_maya)]


def gone(world: World) -> list[Any]:
    return [appointment_token(world.cancelled)]


def reset(world: World) -> list[Any]:
    user = User.objects.get(pk=world.sam.user_id)
    return [int_to_base36(user.pk), default_token_generator.make_token(user)]


def verification(world: World) -> list[Any]:
    return [EmailConfirmationHMAC(EmailAddress.objects.get(user=world.sam.user_id)).key]


def opt_out(world: World) -> list[Any]:
    return [opt_out_link("email", world.sam.email).rstrip("/").rpartition("/")[2]]


def nothing(world: World) -> list[Any]:
    """Return an id that no row has."""
    return [987_654_321]


PAGES: dict[str, list[Page]] = {
    "visitor": [
        Page("home"),
        Page("home", query="?q=nobody-is-called-that"),
        Page("provider", slug),
        Page("provider", lambda world: ["nobody"], status=404),
        Page("choose", slug),
        Page("choose", service),
        Page("choose", service, "?embed=1", leads_on=True),
        Page("choose-anybody", lambda world: [world.service.pk]),
        Page("details", lambda world: [details_token(world.fresh)]),
        Page("details", lambda world: [details_token(world.asked)]),
        Page("details", lambda world: [details_token(world.over)], status=410),
        Page("hold", lambda world: [token_of_hold(world, world.asked)]),
        Page("hold", lambda world: [token_of_hold(world, world.over)], status=410),
        Page("guest", guest),
        Page("guest", gone),
        Page("guest", lambda world: ["forged"], status=404),
        Page("guest-phone", guest),
        Page("guest-move", guest),
        Page("guest-move", gone, status=409),
        Page("unsubscribe", opt_out),
        Page("timezone"),
        Page("account_login"),
        Page("account_signup"),
        Page("account_reset_password"),
        Page("account_reset_password_done"),
        Page("account_reset_password_from_key", reset, leads_on=True),
        Page("account_reset_password_from_key", lambda world: ["1", "none"]),
        Page("account_reset_password_from_key_done"),
        Page("reset-link", lambda world: ["x", "none"], status=400),
        Page("account_confirm_email", verification),
        Page("account_confirm_email", lambda world: ["none"]),
        Page("account_email_verification_sent"),
        Page("account_inactive"),
    ],
    "client": [
        Page("home"),
        Page("choose", service),
        Page("my-appointments"),
        Page("my-past"),
        Page("my-appointment", of_sam),
        Page("my-appointment", nothing, status=404),
        Page("my-appointment-move", of_sam),
        Page("my-appointment-cancel", of_sam),
        Page("my-calendar"),
        Page("my-reminders"),
        Page("account"),
        Page("my-sign-ins"),
        Page("my-keys"),
        Page("account-delete"),
        Page("account_email"),
        Page("account_change_password"),
        Page("account_logout"),
        Page("account_reauthenticate"),
        Page("mfa_index"),
        Page("mfa_activate_totp"),
    ],
    "provider": [
        Page("dashboard"),
        Page("dashboard-week"),
        Page("dashboard-day"),
        Page("dashboard-requests"),
        Page("dashboard-book"),
        Page("dashboard-appointment", of_maya),
        Page("dashboard-appointment", lambda world: [world.of_a_series.pk]),
        Page("dashboard-appointment", nothing, status=404),
        Page("dashboard-appointment-move", of_maya),
        Page("dashboard-appointment-client", of_maya),
        Page("dashboard-appointment-client", lambda world: [world.of_a_series.pk], "?search=nobody-is-called-that"),
        Page("dashboard-clients"),
        Page("dashboard-client-add"),
        Page("dashboard-client", first(Client, "owner")),
        Page("dashboard-client-edit", first(Client, "owner")),
        Page("dashboard-services"),
        Page("dashboard-service-add"),
        Page("dashboard-service", first(Service, "owner")),
        Page("dashboard-hours"),
        Page("dashboard-hour-date"),
        Page("dashboard-windows"),
        Page("dashboard-window", first(AvailabilityWindow, "schedule__provider")),
        Page("dashboard-time-off"),
        Page("dashboard-time-off-edit", first(TimeOff, "schedule__provider")),
        Page("dashboard-settings"),
        Page("dashboard-feed"),
        Page("dashboard-reminders"),
        Page("dashboard-message", first(Message, "reservation__provider")),
        Page("dashboard-templates"),
        Page("dashboard-template", lambda world: ["reminder", "email", "client", "en"]),
        Page("dashboard-webhooks"),
        Page("dashboard-webhook", lambda world: [world.endpoint.pk]),
        Page("dashboard-numbers"),
        Page("dashboard-numbers", query="?period=last_7_days"),
        Page("dashboard-numbers", query="?from=2026-01-02&to=2026-01-01", status=400),
    ],
    "new provider": [
        Page("dashboard"),
        Page("dashboard-week"),
        Page("dashboard-requests"),
        Page("dashboard-clients"),
        Page("dashboard-services"),
        Page("dashboard-windows"),
        Page("dashboard-time-off"),
        Page("dashboard-feed"),
        Page("dashboard-reminders"),
        Page("dashboard-webhooks"),
        Page("dashboard-numbers"),
    ],
    "staff": [
        Page("numbers"),
        Page("numbers", query="?period=month"),
        Page("numbers", query="?from=2026-01-01&to=2026-12-31"),
        Page("numbers", query="?from=2026-01-01&to=2027-06-30", status=400),
    ],
    "guarded": [
        Page("account"),
        Page("mfa_index"),
        Page("mfa_view_recovery_codes"),
        Page("mfa_generate_recovery_codes"),
        Page("mfa_deactivate_totp"),
        Page("mfa_reauthenticate"),
    ],
    "half logged in": [Page("mfa_authenticate")],
    "without a password": [Page("account_set_password")],
}
"""The pages by role of the user."""

NOT_PAGES = {
    "guest-ics": "a calendar file",
    "dashboard-numbers-csv": "a table",
    "numbers-csv": "a table",
    "feed": "a calendar file",
    "dashboard-appointment-ics": "a calendar file",
    "account-data": "a file to take along",
    "mfa_download_recovery_codes": "a file to take along",
    "dashboard-appointment-act": "takes POST only",
    "after-login": "leads on",
    "my-sign-in-end": "takes POST only",
    "mcp": "takes messages of programs",
    "picture": "a picture",
    "brand": "a stylesheet",
    "my-key": "takes POST only",
    "issuer": "leads on, where an issuer is set",
    "issuer-callback": "leads on, where an issuer is set",
    "issuer-remove": "takes POST only",
    "account_confirm_login_code": "logging in by a mailed code is off",
}
"""Names of URL patterns that show no page of their own, and why."""

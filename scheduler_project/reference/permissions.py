"""The permissions of staff: the tables, and the page generated from them.

The tests of permissions compare every operation of the API and every list and action of the admin with these tables.
"""

from collections.abc import Iterable
from importlib import import_module
from uuid import UUID

from django.apps import apps
from django.urls import resolve

from accounts.keys.scopes import MEANINGS, scope_for
from booking.appointments.transitions import TRANSITIONS
from scheduler_project.aliases import ALIASES
from scheduler_project.reference import markdown

# --- The API --------------------------------------------------------------------------------------------------------

OPERATIONS: dict[str, str] = {
    "get /api/v1/admin/appointments": "booking.view_appointment",
    "get /api/v1/admin/reminders": "reminders.view_message",
    "get /api/v1/admin/statistics": "accounts.view_user",
    "get /api/v1/admin/users": "accounts.view_user",
    "get /api/v1/admin/users/{id}": "accounts.view_user",
    "patch /api/v1/admin/users/{id}": "accounts.change_user",
    "post /api/v1/admin/users/{id}/end-sign-ins": "accounts.change_user",
    "get /api/v1/analytics": "booking.view_appointment",
    "get /api/v1/appointments": "booking.view_appointment",
    "post /api/v1/appointments": "booking.add_appointment",
    "get /api/v1/appointments/{id}": "booking.view_appointment",
    "patch /api/v1/appointments/{id}": "booking.change_appointment",
    "put /api/v1/appointments/{id}": "booking.change_appointment",
    "delete /api/v1/appointments/{id}": "booking.change_appointment",
    "get /api/v1/appointments/{id}.ics": "booking.view_appointment",
    "post /api/v1/appointments/{id}/approve": "booking.change_appointment",
    "post /api/v1/appointments/{id}/cancel": "booking.change_appointment",
    "post /api/v1/appointments/{id}/decline": "booking.change_appointment",
    "get /api/v1/appointments/{id}/history": "booking.view_appointment",
    "get /api/v1/appointments/{id}/reminders": "reminders.view_message",
    "get /api/v1/appointments/{id}/reminders/not-planned": "reminders.view_message",
    "post /api/v1/appointments/{id}/reschedule": "booking.change_appointment",
    "patch /api/v1/appointments/{id}/status": "booking.change_appointment",
    "get /api/v1/clients": "accounts.view_client",
    "post /api/v1/clients": "accounts.add_client",
    "get /api/v1/clients/{id}": "accounts.view_client",
    "put /api/v1/clients/{id}": "accounts.change_client",
    "patch /api/v1/clients/{id}": "accounts.change_client",
    "delete /api/v1/clients/{id}": "accounts.delete_client",
    "post /api/v1/clients/{id}/erase": "accounts.delete_client",
    "get /api/v1/clients/{id}/preferences": "reminders.view_preferences",
    "patch /api/v1/clients/{id}/preferences": "reminders.add_preferences",
    "get /api/v1/closures": "booking.view_closure",
    "post /api/v1/closures": "booking.add_closure",
    "get /api/v1/closures/{id}": "booking.view_closure",
    "delete /api/v1/closures/{id}": "booking.delete_closure",
    "get /api/v1/feeds": "booking.change_calendarfeed",
    "post /api/v1/feeds": "booking.change_calendarfeed",
    "get /api/v1/feeds/{id}": "booking.change_calendarfeed",
    "delete /api/v1/feeds/{id}": "booking.change_calendarfeed",
    "post /api/v1/feeds/{id}/renew": "booking.change_calendarfeed",
    "get /api/v1/message-templates": "reminders.view_messagetemplate",
    "post /api/v1/message-templates": "reminders.add_messagetemplate",
    "get /api/v1/message-templates/{id}": "reminders.view_messagetemplate",
    "patch /api/v1/message-templates/{id}": "reminders.change_messagetemplate",
    "delete /api/v1/message-templates/{id}": "reminders.delete_messagetemplate",
    "post /api/v1/message-templates/preview": "reminders.add_messagetemplate",
    "get /api/v1/opt-outs": "reminders.view_optout",
    "post /api/v1/opt-outs": "reminders.add_optout",
    "get /api/v1/opt-outs/{id}": "reminders.view_optout",
    "delete /api/v1/opt-outs/{id}": "reminders.change_optout",
    "post /api/v1/providers": "accounts.add_provider",
    "put /api/v1/providers/{id}": "accounts.change_provider",
    "patch /api/v1/providers/{id}": "accounts.change_provider",
    "delete /api/v1/providers/{id}": "accounts.delete_provider",
    "post /api/v1/providers/{id}/availability": "booking.add_availabilitywindow",
    "post /api/v1/providers/{id}/date-overrides": "booking.change_dateoverride",
    "delete /api/v1/providers/{id}/date-overrides/{date}": "booking.delete_dateoverride",
    "patch /api/v1/providers/{id}/schedule": "booking.change_schedule",
    "put /api/v1/providers/{id}/working-hours": "booking.change_schedule",
    "get /api/v1/reminders": "reminders.view_message",
    "get /api/v1/reminders/{id}": "reminders.view_message",
    "get /api/v1/reminders/{id}/attempts": "reminders.view_message",
    "post /api/v1/reminders/{id}/retry": "reminders.change_message",
    "post /api/v1/admin/reminders/replay": "reminders.change_message",
    "post /api/v1/admin/expire-reservations": "booking.change_reservation",
    "get /api/v1/reservations": "booking.view_reservation",
    "post /api/v1/reservations": "booking.add_appointment",
    "get /api/v1/reservations/{id}": "booking.view_reservation",
    "delete /api/v1/reservations/{id}": "booking.change_reservation",
    "post /api/v1/reservations/{id}/confirm": "booking.add_appointment",
    "post /api/v1/slots/{id}/reserve": "booking.add_appointment",
    "get /api/v1/schedules": "booking.view_availabilitywindow",
    "post /api/v1/schedules": "booking.add_availabilitywindow",
    "get /api/v1/schedules/{id}": "booking.view_availabilitywindow",
    "delete /api/v1/schedules/{id}": "booking.delete_availabilitywindow",
    "get /api/v1/series": "booking.view_appointmentseries",
    "post /api/v1/series": "booking.add_appointment",
    "post /api/v1/series/preview": "booking.add_appointment",
    "get /api/v1/series/{id}": "booking.view_appointmentseries",
    "patch /api/v1/series/{id}": "booking.change_appointmentseries",
    "delete /api/v1/series/{id}": "booking.change_appointmentseries",
    "post /api/v1/series/{id}/cancel": "booking.change_appointmentseries",
    "post /api/v1/services": "booking.add_service",
    "patch /api/v1/services/{id}": "booking.change_service",
    "delete /api/v1/services/{id}": "booking.delete_service",
    "get /api/v1/time-off": "booking.view_timeoff",
    "post /api/v1/time-off": "booking.add_timeoff",
    "get /api/v1/time-off/{id}": "booking.view_timeoff",
    "patch /api/v1/time-off/{id}": "booking.change_timeoff",
    "delete /api/v1/time-off/{id}": "booking.delete_timeoff",
    "post /api/v1/providers/{id}/approve": "accounts.change_provider",
    "post /api/v1/providers/{id}/decline": "accounts.change_provider",
    "get /api/v1/webhooks": "reminders.change_webhookendpoint",
    "post /api/v1/webhooks": "reminders.change_webhookendpoint",
    "get /api/v1/webhooks/{id}": "reminders.change_webhookendpoint",
    "patch /api/v1/webhooks/{id}": "reminders.change_webhookendpoint",
    "delete /api/v1/webhooks/{id}": "reminders.change_webhookendpoint",
    "get /api/v1/webhooks/{id}/deliveries": "reminders.change_webhookendpoint",
    "post /api/v1/webhooks/{id}/deliveries/{message}/replay": "reminders.change_webhookendpoint",
    "post /api/v1/webhooks/{id}/disable": "reminders.change_webhookendpoint",
    "post /api/v1/webhooks/{id}/enable": "reminders.change_webhookendpoint",
    "post /api/v1/webhooks/{id}/rotate": "reminders.change_webhookendpoint",
}
"""The permission that staff need for each operation of the API on rows of others."""

FOR_EVERYBODY = (
    "get /api/v1",
    "post /api/v1/login",
    "post /api/v1/login/oidc",
    "post /api/v1/password/reset",
    "post /api/v1/password/reset/confirm",
    "get /api/v1/providers",
    "get /api/v1/providers/{id}",
    "get /api/v1/providers/{id}/availability",
    "get /api/v1/providers/{id}/date-overrides",
    "get /api/v1/providers/{id}/schedule",
    "get /api/v1/providers/{id}/working-hours",
    "post /api/v1/register",
    "get /api/v1/services",
    "get /api/v1/services/{id}",
    "get /api/v1/slots",
    "get /api/v1/slots/next",
    "post /api/v1/sms/inbound",
    "post /api/v1/sms/status",
    "post /api/v1/token/refresh",
)
"""Operations that need no login."""

OF_ONESELF = (
    "get /api/v1/keys",
    "post /api/v1/keys",
    "get /api/v1/keys/{id}",
    "patch /api/v1/keys/{id}",
    "delete /api/v1/keys/{id}",
    "post /api/v1/keys/{id}/rotate",
    "post /api/v1/logout",
    "get /api/v1/me",
    "patch /api/v1/me",
    "post /api/v1/me/email/verify",
    "get /api/v1/me/phone",
    "post /api/v1/me/phone",
    "post /api/v1/me/phone/verify",
    "get /api/v1/me/preferences",
    "patch /api/v1/me/preferences",
    "delete /api/v1/me/sign-ins",
    "get /api/v1/me/sign-ins",
    "delete /api/v1/me/sign-ins/{sign_in_id}",
    "post /api/v1/password/change",
)
"""Operations on the caller's own login. Every user may use them."""

OF_VISITORS = ("post /api/v1/reservations/{id}/details",)
"""Operations for guests only."""

FOR_GUESTS = (
    "post /api/v1/appointments",
    "post /api/v1/reservations",
    "post /api/v1/slots/{id}/reserve",
    "get /api/v1/reservations/{id}",
    "delete /api/v1/reservations/{id}",
    *OF_VISITORS,
    "post /api/v1/reservations/{id}/confirm",
    "get /api/v1/appointments/{id}",
    "get /api/v1/appointments/{id}.ics",
    "post /api/v1/appointments/{id}/reschedule",
    "post /api/v1/appointments/{id}/cancel",
)
"""Operations that guests may use: those that hold a time without anything, the others by a guest's token."""

ALIASED = {alias.operation: alias.stands_for for alias in ALIASES}
"""The operation that each alias stands for, with its permission."""

# --- The admin ------------------------------------------------------------------------------------------------------

ADMIN_LISTS: dict[str, tuple[str, str]] = {
    "account_emailaddress": ("", ""),
    "accounts_apikey": ("", ""),
    "accounts_client": ("vac", "vacd"),
    "accounts_provider": ("v", "vacd"),
    "accounts_signin": ("", ""),
    "accounts_user": ("", "vac"),
    "auth_group": ("", ""),
    "booking_appointment": ("vac", "vac"),
    "booking_appointmentevent": ("v", "v"),
    "booking_appointmentseries": ("v", "v"),
    "booking_availabilitywindow": ("v", "vacd"),
    "booking_calendarfeed": ("", "v"),
    "booking_closure": ("v", "vacd"),
    "booking_dateoverride": ("v", "vacd"),
    "booking_importedentry": ("", ""),
    "booking_reservation": ("v", "v"),
    "booking_schedule": ("v", "vc"),
    "booking_service": ("v", "vacd"),
    "booking_slot": ("v", "v"),
    "booking_timeoff": ("v", "vacd"),
    "booking_workinghours": ("v", "v"),
    "common_change": ("", "v"),
    "common_inspection": ("", "v"),
    "common_sitesettings": ("", "vc"),
    "django_celery_beat_clockedschedule": ("", "vac"),
    "django_celery_beat_crontabschedule": ("", "vac"),
    "django_celery_beat_intervalschedule": ("", "vac"),
    "django_celery_beat_periodictask": ("", "vac"),
    "django_celery_beat_solarschedule": ("", "vac"),
    "mfa_authenticator": ("", ""),
    "reminders_message": ("v", "v"),
    "reminders_messagetemplate": ("", "vacd"),
    "reminders_optout": ("va", "va"),
    "reminders_preferences": ("vc", "vac"),
    "reminders_reminder": ("v", "v"),
    "reminders_webhookendpoint": ("", "vacd"),
    "socialaccount_socialaccount": ("", ""),
}
"""Permissions of the front desk and of managers to view, add, change and delete on the admin's own pages, by letter."""

BOTH, MANAGERS = ("front desk", "manager"), ("manager",)

ADMIN_IMPORTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "accounts_client": (BOTH, ("clients",)),
    "booking_appointment": (BOTH, ("appointments", "calendar")),
    "booking_service": (MANAGERS, ("services",)),
    "booking_workinghours": (MANAGERS, ("hours",)),
}
"""The imports: the groups that may import, and the kinds of rows."""

ADMIN_ACTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "accounts_client": {"delete_selected": MANAGERS, "erase": MANAGERS, "verify_phones": BOTH},
    "accounts_provider": {
        "activate": MANAGERS,
        "approve": MANAGERS,
        "deactivate": MANAGERS,
        "delete_selected": MANAGERS,
    },
    "accounts_signin": {"end": MANAGERS},
    "accounts_user": {"activate": MANAGERS, "deactivate": MANAGERS},
    "booking_appointment": dict.fromkeys((str(action) for action, row in TRANSITIONS.items() if row.many), BOTH),
    "booking_appointmentseries": {"cancel": BOTH, "extend": BOTH},
    "booking_availabilitywindow": {"delete_selected": MANAGERS},
    "booking_calendarfeed": {"revoke": MANAGERS},
    "booking_closure": {"delete_selected": MANAGERS},
    "booking_dateoverride": {"delete_selected": MANAGERS},
    "booking_reservation": {"confirm_holds": BOTH, "release_holds": BOTH},
    "booking_schedule": {"extend_slots": MANAGERS},
    "booking_service": {"activate": MANAGERS, "deactivate": MANAGERS, "delete_selected": MANAGERS},
    "booking_timeoff": {"delete_selected": MANAGERS},
    "django_celery_beat_periodictask": dict.fromkeys(
        ("disable_tasks", "enable_tasks", "run_tasks", "toggle_tasks"), MANAGERS
    ),
    "reminders_message": {"send_again": BOTH},
    "reminders_messagetemplate": {"delete_selected": MANAGERS, "send_tests": MANAGERS},
    "reminders_optout": {"take_back": MANAGERS},
    "reminders_reminder": {"send_again": BOTH},
    "reminders_webhookendpoint": {
        "delete_selected": MANAGERS,
        "disable": MANAGERS,
        "enable": MANAGERS,
        "rotate": MANAGERS,
    },
}
"""The actions of each list, beside its export, by group. Other lists have none."""

# --- The page -------------------------------------------------------------------------------------------------------

INTRODUCTION = """
Clients and providers need no permission for what is their own: their appointments, address book, hours, services,
texts and webhooks. Whoever acts on what is not their own is staff and needs a permission of Django's, in the API as in
the admin. Without it, others' things do not exist (404) or are refused (403).

Two groups come with the site, **Front desk** and **Manager**; their permissions below are those they start with.
Superusers have all permissions, and only they make staff, change groups and give permissions.
"""

SCOPES = """
## Scopes of API keys

A key acts as its owner: it may do what its owner may, of that what its scopes open, and nothing else. A scope opens its
own only: a key that books and looks at appointments needs `book` and `read`.
"""

VERBS = {"v": "view", "a": "add", "c": "change", "d": "delete"}


def page() -> str:
    return markdown.generated_page(
        "Permissions",
        INTRODUCTION,
        "## Operations of the API\n\nThe permission staff need on what is not their own, the groups that have it, and "
        "the scope that an API key needs.",
        markdown.table(
            ("operation", "permission", "groups", "scope"), map(_operation, sorted(OPERATIONS, key=_by_path))
        ),
        "Nobody needs to log in for these:",
        _list(FOR_EVERYBODY),
        "Everybody who is logged in may use these, which are about their own login:",
        _list(OF_ONESELF),
        "Guests may use these on their own hold or appointment, by its token. To hold a time they need none:",
        _list(FOR_GUESTS),
        "## Aliases\n\nEach asks for what the operation it stands for asks for.",
        markdown.table(("alias", "stands for"), ((_request(a), _request(b)) for a, b in ALIASED.items())),
        "`POST /api/v1/clients` and `POST /api/v1/providers` register without a login as `POST /api/v1/register` does.",
        SCOPES,
        markdown.table(("scope", "opens"), [(f"`{scope}`", str(text)) for scope, text in MEANINGS.items()]),
        "Closed to all keys, whatever their scopes:",
        _list(name for name in (*OPERATIONS, *OF_ONESELF, *FOR_EVERYBODY) if _scope(name) is None),
        "## Lists of the admin\n\nWhat the groups may do with the rows of each list.",
        markdown.table(
            ("list", "Front desk", "Manager"),
            sorted((_name_of(model), *map(_verbs, rights)) for model, rights in ADMIN_LISTS.items()),
        ),
        "## Actions of the admin\n\nWhat can be chosen above a list, beside exporting it, and what can be imported.",
        markdown.table(("list", "action", "groups"), sorted(_actions())),
    )


def groups_with(permission: str) -> list[str]:
    """Return the groups that get a permission from the migration that creates them."""
    label, _, codename = permission.partition(".")
    verb, _, model = codename.partition("_")
    made = import_module("reminders.migrations.0006_office_groups").GROUPS
    return [
        name
        for name, tables in made.items()
        if any(verb in rights.get(label, {}).get(model, "").split() for rights in tables)
    ]


def _operation(name: str) -> tuple[str, str, str, str]:
    permission = OPERATIONS[name]
    groups = ", ".join(groups_with(permission)) or "superusers only"
    scope = _scope(name)
    return (_request(name), f"`{permission}`", groups, f"`{scope}`" if scope else "none")


def _scope(name: str) -> str | None:
    """Return the scope that a key needs for an operation, or None if it is closed to all keys."""
    method, _, path = name.partition(" ")
    match = resolve(path.format(id=1, message=1, sign_in_id=UUID(int=0), date="2030-01-01"))
    scope = scope_for(match.url_name, method.upper())
    return scope.value if scope else None


def _by_path(name: str) -> list[str]:
    return name.split()[::-1]


def _request(name: str) -> str:
    method, _, path = name.partition(" ")
    return f"`{method.upper()} {path}`"


def _list(names: Iterable[str]) -> str:
    return "\n".join(f"- {_request(name)}" for name in names)


def _name_of(model: str) -> str:
    label, _, name = model.rpartition("_")
    return str(apps.get_model(label, name)._meta.verbose_name_plural).capitalize()  # noqa: SLF001


def _verbs(letters: str) -> str:
    return ", ".join(VERBS[letter] for letter in letters)


def _actions() -> list[tuple[str, str, str]]:
    found = [
        (_name_of(model), f"`{action}`", _groups(groups))
        for model, actions in ADMIN_ACTIONS.items()
        for action, groups in actions.items()
    ]
    return found + [
        (_name_of(model), f"import {kind}", _groups(groups))
        for model, (groups, kinds) in ADMIN_IMPORTS.items()
        for kind in kinds
    ]


def _groups(names: Iterable[str]) -> str:
    return ", ".join(name.capitalize() for name in names)

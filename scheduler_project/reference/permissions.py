"""The permissions of staff: the tables, and the page generated from them.

The tests of permissions compare every operation of the API and every list and action of the admin with these tables.
"""

from collections.abc import Iterable
from importlib import import_module

from django.apps import apps

from booking.appointments.transitions import TRANSITIONS
from scheduler_project.reference import markdown

# --- The API --------------------------------------------------------------------------------------------------------

OPERATIONS: dict[str, str] = {
    "get /api/admin/appointments": "booking.view_appointment",
    "get /api/admin/reminders": "reminders.view_message",
    "get /api/admin/statistics": "accounts.view_user",
    "get /api/analytics": "booking.view_appointment",
    "get /api/appointments": "booking.view_appointment",
    "post /api/appointments": "booking.add_appointment",
    "get /api/appointments/{id}": "booking.view_appointment",
    "patch /api/appointments/{id}": "booking.change_appointment",
    "put /api/appointments/{id}": "booking.change_appointment",
    "delete /api/appointments/{id}": "booking.change_appointment",
    "get /api/appointments/{id}.ics": "booking.view_appointment",
    "post /api/appointments/{id}/approve": "booking.change_appointment",
    "post /api/appointments/{id}/cancel": "booking.change_appointment",
    "post /api/appointments/{id}/decline": "booking.change_appointment",
    "get /api/appointments/{id}/history": "booking.view_appointment",
    "get /api/appointments/{id}/reminders": "reminders.view_message",
    "get /api/appointments/{id}/reminders/not-planned": "reminders.view_message",
    "post /api/appointments/{id}/reschedule": "booking.change_appointment",
    "patch /api/appointments/{id}/status": "booking.change_appointment",
    "get /api/clients": "accounts.view_client",
    "post /api/clients": "accounts.add_client",
    "get /api/clients/{id}": "accounts.view_client",
    "put /api/clients/{id}": "accounts.change_client",
    "patch /api/clients/{id}": "accounts.change_client",
    "delete /api/clients/{id}": "accounts.delete_client",
    "post /api/clients/{id}/erase": "accounts.delete_client",
    "get /api/clients/{id}/preferences": "reminders.view_preferences",
    "patch /api/clients/{id}/preferences": "reminders.add_preferences",
    "get /api/closures": "booking.view_closure",
    "post /api/closures": "booking.add_closure",
    "get /api/closures/{id}": "booking.view_closure",
    "delete /api/closures/{id}": "booking.delete_closure",
    "get /api/feeds": "booking.change_calendarfeed",
    "post /api/feeds": "booking.change_calendarfeed",
    "get /api/feeds/{id}": "booking.change_calendarfeed",
    "delete /api/feeds/{id}": "booking.change_calendarfeed",
    "post /api/feeds/{id}/renew": "booking.change_calendarfeed",
    "get /api/message-templates": "reminders.view_messagetemplate",
    "post /api/message-templates": "reminders.add_messagetemplate",
    "get /api/message-templates/{id}": "reminders.view_messagetemplate",
    "patch /api/message-templates/{id}": "reminders.change_messagetemplate",
    "delete /api/message-templates/{id}": "reminders.delete_messagetemplate",
    "post /api/message-templates/preview": "reminders.add_messagetemplate",
    "get /api/opt-outs": "reminders.view_optout",
    "post /api/opt-outs": "reminders.add_optout",
    "get /api/opt-outs/{id}": "reminders.view_optout",
    "delete /api/opt-outs/{id}": "reminders.change_optout",
    "post /api/providers": "accounts.add_provider",
    "put /api/providers/{id}": "accounts.change_provider",
    "patch /api/providers/{id}": "accounts.change_provider",
    "delete /api/providers/{id}": "accounts.delete_provider",
    "post /api/providers/{id}/availability": "booking.add_availabilitywindow",
    "post /api/providers/{id}/date-overrides": "booking.change_dateoverride",
    "delete /api/providers/{id}/date-overrides/{date}": "booking.delete_dateoverride",
    "patch /api/providers/{id}/schedule": "booking.change_schedule",
    "put /api/providers/{id}/working-hours": "booking.change_schedule",
    "get /api/reminders": "reminders.view_message",
    "get /api/reminders/{id}": "reminders.view_message",
    "get /api/reminders/{id}/attempts": "reminders.view_message",
    "post /api/reminders/{id}/retry": "reminders.change_message",
    "post /api/admin/reminders/replay": "reminders.change_message",
    "post /api/admin/expire-reservations": "booking.change_reservation",
    "get /api/reservations": "booking.view_reservation",
    "post /api/reservations": "booking.add_appointment",
    "get /api/reservations/{id}": "booking.view_reservation",
    "delete /api/reservations/{id}": "booking.change_reservation",
    "post /api/reservations/{id}/confirm": "booking.add_appointment",
    "post /api/slots/{id}/reserve": "booking.add_appointment",
    "get /api/schedules": "booking.view_availabilitywindow",
    "post /api/schedules": "booking.add_availabilitywindow",
    "get /api/schedules/{id}": "booking.view_availabilitywindow",
    "delete /api/schedules/{id}": "booking.delete_availabilitywindow",
    "get /api/series": "booking.view_appointmentseries",
    "post /api/series": "booking.add_appointment",
    "post /api/series/preview": "booking.add_appointment",
    "get /api/series/{id}": "booking.view_appointmentseries",
    "patch /api/series/{id}": "booking.change_appointmentseries",
    "delete /api/series/{id}": "booking.change_appointmentseries",
    "post /api/series/{id}/cancel": "booking.change_appointmentseries",
    "post /api/services": "booking.add_service",
    "patch /api/services/{id}": "booking.change_service",
    "delete /api/services/{id}": "booking.delete_service",
    "get /api/time-off": "booking.view_timeoff",
    "post /api/time-off": "booking.add_timeoff",
    "get /api/time-off/{id}": "booking.view_timeoff",
    "patch /api/time-off/{id}": "booking.change_timeoff",
    "delete /api/time-off/{id}": "booking.delete_timeoff",
    "post /api/providers/{id}/approve": "accounts.change_provider",
    "post /api/providers/{id}/decline": "accounts.change_provider",
    "get /api/webhooks": "reminders.change_webhookendpoint",
    "post /api/webhooks": "reminders.change_webhookendpoint",
    "get /api/webhooks/{id}": "reminders.change_webhookendpoint",
    "patch /api/webhooks/{id}": "reminders.change_webhookendpoint",
    "delete /api/webhooks/{id}": "reminders.change_webhookendpoint",
    "get /api/webhooks/{id}/deliveries": "reminders.change_webhookendpoint",
    "post /api/webhooks/{id}/deliveries/{message}/replay": "reminders.change_webhookendpoint",
    "post /api/webhooks/{id}/disable": "reminders.change_webhookendpoint",
    "post /api/webhooks/{id}/enable": "reminders.change_webhookendpoint",
    "post /api/webhooks/{id}/rotate": "reminders.change_webhookendpoint",
}
"""The permission that staff need for each operation of the API on rows of others."""

FOR_EVERYBODY = (
    "post /api/login",
    "post /api/password/reset",
    "post /api/password/reset/confirm",
    "get /api/providers",
    "get /api/providers/{id}",
    "get /api/providers/{id}/availability",
    "get /api/providers/{id}/date-overrides",
    "get /api/providers/{id}/schedule",
    "get /api/providers/{id}/working-hours",
    "post /api/register",
    "get /api/services",
    "get /api/services/{id}",
    "get /api/slots",
    "get /api/slots/next",
    "post /api/sms/inbound",
    "post /api/sms/status",
    "post /api/token/refresh",
)
"""Operations that need no login."""

OF_ONESELF = (
    "post /api/logout",
    "get /api/me",
    "patch /api/me",
    "post /api/me/email/verify",
    "get /api/me/phone",
    "post /api/me/phone",
    "post /api/me/phone/verify",
    "get /api/me/preferences",
    "patch /api/me/preferences",
    "delete /api/me/sign-ins",
    "get /api/me/sign-ins",
    "delete /api/me/sign-ins/{sign_in_id}",
    "post /api/password/change",
)
"""Operations on the caller's own login. Every user may use them."""

# --- The admin ------------------------------------------------------------------------------------------------------

ADMIN_LISTS: dict[str, tuple[str, str]] = {
    "account_emailaddress": ("", ""),
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
    "reminders_webhookendpoint": ("", "vacd"),
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

VERBS = {"v": "view", "a": "add", "c": "change", "d": "delete"}


def page() -> str:
    return markdown.generated_page(
        "Permissions",
        INTRODUCTION,
        "## Operations of the API\n\nThe permission staff need on what is not their own, and the groups that have it.",
        markdown.table(("operation", "permission", "groups"), map(_operation, sorted(OPERATIONS, key=_by_path))),
        "Nobody needs to log in for these:",
        _list(FOR_EVERYBODY),
        "Everybody who is logged in may use these, which are about their own login:",
        _list(OF_ONESELF),
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


def _operation(name: str) -> tuple[str, str, str]:
    permission = OPERATIONS[name]
    return (_request(name), f"`{permission}`", ", ".join(groups_with(permission)) or "superusers only")


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

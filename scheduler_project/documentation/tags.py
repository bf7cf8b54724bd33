"""The chapters of the API, in the order in which a newcomer meets them, and which operations are in each."""

import re
from typing import Any, NamedTuple

from scheduler_project.common.api.versions import ROOT


class Tag(NamedTuple):
    """A chapter: its name, a sentence or two, and patterns of its operations."""

    name: str
    description: str
    operations: tuple[str, ...]
    """Regular expressions, each for all of an operation without the root: `get providers/{id}`."""


TAGS = [
    Tag("Start", "The table of contents: addresses that need no id.", ("get ",)),
    Tag(
        "Sign in",
        "Register, sign in and out, refresh tokens, set passwords, and see where you're signed in.",
        (
            r"post (register|login|login/oidc|logout|token/refresh|password/.+)",
            r"\w+ me/sign-ins.*",
        ),
    ),
    Tag(
        "API keys",
        "Keys that let your programs use the API, limited by scopes. Only people can create and replace them.",
        (r"\w+ keys.*",),
    ),
    Tag(
        "Your account",
        "Your name, time zone and language, and whether your email and phone are verified.",
        (r"\w+ me", r"\w+ me/(email|phone).*"),
    ),
    Tag(
        "Find",
        "Providers and their available times. No sign-in needed.",
        (r"get providers(/{id}(/availability)?)?", r"get slots.*"),
    ),
    Tag(
        "Book",
        "Hold a time and confirm it before the hold expires, or book in one step.",
        (r"\w+ reservations.*", r"post slots/{id}/reserve", r"post appointments"),
    ),
    Tag(
        "Appointments",
        (
            "Reschedule, change, cancel and approve appointments, and read their history. `allowed_actions` lists "
            "what you can do with each one now."
        ),
        (r"get appointments", r"\w+ appointments/{id}((?!/reminders)[./].+)?"),
    ),
    Tag(
        "Series",
        "Appointments that repeat by a recurrence rule (RFC 5545). Each occurrence is an ordinary appointment.",
        (r"\w+ series.*",),
    ),
    Tag("Calendars", "Secret links that calendar apps can subscribe to.", (r"\w+ feeds.*",)),
    Tag(
        "Clients",
        "A provider's address book. Clients only see themselves.",
        (r"\w+ clients(/{id}(/erase)?)?",),
    ),
    Tag(
        "Providers",
        "Edit provider profiles. Staff add, approve and decline providers.",
        (r"post providers", r"(put|patch|delete) providers/{id}", r"post providers/{id}/(approve|decline)"),
    ),
    Tag(
        "Availability",
        (
            "When clients can book a provider: weekly hours, date overrides, windows, time off, closures and the "
            "schedule's settings. Changes never cancel appointments; `preview=true` lists those that would be "
            "outside the hours."
        ),
        (
            r"\w+ providers/{id}/(schedule|working-hours|date-overrides.*)",
            r"post providers/{id}/availability",
            r"\w+ (schedules|time-off|closures).*",
        ),
    ),
    Tag("Services", "What clients can book: length, providers and rules.", (r"\w+ services.*",)),
    Tag(
        "Reminders",
        "Reminders and other messages: what we send and when, message templates, delivery results and opt-outs.",
        (
            r"\w+ (reminders|message-templates|opt-outs).*",
            r"get appointments/{id}/reminders.*",
            r"\w+ (me|clients/{id})/preferences",
            r"post sms/(inbound|status)",
        ),
    ),
    Tag(
        "Webhooks",
        "Endpoints that receive events, and their deliveries. The events are listed below.",
        (r"\w+ webhooks.*",),
    ),
    Tag("Analytics", "Statistics: appointments, outcomes, hours, holds and reminders.", (r"get analytics",)),
    Tag(
        "Staff",
        "For staff: everyone's appointments and reminders, user accounts, and overdue holds.",
        (r"\w+ admin/.*",),
    ),
    Tag(
        "Aliases",
        "Short addresses that do the same as others. Names in bodies may be in camelCase.",
        (),
    ),
]

ALIASES = TAGS[-1].name


GROUPS = {
    "Begin": ("Start", "Sign in", "API keys", "Your account"),
    "Book": ("Find", "Book", "Appointments", "Series", "Calendars"),
    "Offer": ("Clients", "Providers", "Availability", "Services"),
    "Tell": ("Reminders", "Webhooks"),
    "Run": ("Analytics", "Staff"),
    "More": (ALIASES,),
}
"""The chapters under the headings of the menu. Redoc shows none that is in no group."""


def tags_of(method: str, path: str) -> list[str]:
    """Return the names of the tags whose patterns fit an operation. There should be one."""
    operation = f"{method} {path.removeprefix(ROOT).removeprefix(ROOT.rstrip('/'))}"
    return [tag.name for tag in TAGS if any(re.fullmatch(pattern, operation) for pattern in tag.operations)]


def sort_into_tags(result: dict[str, Any]) -> None:
    """Give each operation its tag; aliases have theirs. What fits none keeps what the generator made up."""
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            operation["tags"] = [ALIASES] if "x-alias-of" in operation else tags_of(method, path) or operation["tags"]
    result["x-tagGroups"] = [{"name": name, "tags": list(tags)} for name, tags in GROUPS.items()]
    result["tags"] = [{"name": tag.name, "description": tag.description} for tag in TAGS]

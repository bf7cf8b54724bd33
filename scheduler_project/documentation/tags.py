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
    Tag("Start", "The table of contents: the addresses that need no id.", ("get ",)),
    Tag(
        "Sign in",
        "Register, log in and out, swap tokens, set passwords, and see where you are signed in.",
        (
            r"post (register|login|login/oidc|logout|token/refresh|password/.+)",
            r"\w+ me/sign-ins.*",
        ),
    ),
    Tag(
        "API keys",
        "Keys with which programs of yours use the API, within scopes. Only people create and replace them.",
        (r"\w+ keys.*",),
    ),
    Tag(
        "Your account",
        "Who you are: your name, timezone and language, and whether your email and phone are verified.",
        (r"\w+ me", r"\w+ me/(email|phone).*"),
    ),
    Tag(
        "Find",
        "Providers who can be booked, and their free times. Nobody needs to log in for these.",
        (r"get providers(/{id}(/availability)?)?", r"get slots.*"),
    ),
    Tag(
        "Book",
        "Hold a time, and confirm the hold before it ends; or book in one step.",
        (r"\w+ reservations.*", r"post slots/{id}/reserve", r"post appointments"),
    ),
    Tag(
        "Appointments",
        "What was booked: move it, change it, cancel it, approve it, and read its history. `allowed_actions` of each "
        "says what you may do now.",
        (r"get appointments", r"\w+ appointments/{id}((?!/reminders)[./].+)?"),
    ),
    Tag(
        "Series",
        "Appointments that recur by a rule of RFC 5545. Each occurrence is an ordinary appointment.",
        (r"\w+ series.*",),
    ),
    Tag("Calendars", "Secret addresses for calendar programs to subscribe to.", (r"\w+ feeds.*",)),
    Tag(
        "Clients",
        "A provider's address book. A client with a login finds themself here.",
        (r"\w+ clients(/{id}(/erase)?)?",),
    ),
    Tag(
        "Providers",
        "Change how a provider is shown. Staff add, approve and decline providers.",
        (r"post providers", r"(put|patch|delete) providers/{id}", r"post providers/{id}/(approve|decline)"),
    ),
    Tag(
        "Availability",
        "When a provider can be booked: weekly hours, dates with hours of their own, windows, time off, closures, and "
        "the policy of the schedule. Changes cancel no appointment; `preview=true` lists those left outside.",
        (
            r"\w+ providers/{id}/(schedule|working-hours|date-overrides.*)",
            r"post providers/{id}/availability",
            r"\w+ (schedules|time-off|closures).*",
        ),
    ),
    Tag("Services", "What can be booked: how long it takes, with whom, and by which rules.", (r"\w+ services.*",)),
    Tag(
        "Reminders",
        "What is sent to clients, when and in which words, what became of it, and who wants no more of it.",
        (
            r"\w+ (reminders|message-templates|opt-outs).*",
            r"get appointments/{id}/reminders.*",
            r"\w+ (me|clients/{id})/preferences",
            r"post sms/(inbound|status)",
        ),
    ),
    Tag(
        "Webhooks",
        "Addresses of your own programs that are told what happens, and what was sent to them. The events are below.",
        (r"\w+ webhooks.*",),
    ),
    Tag("Analytics", "Figures of a period: appointments, outcomes, hours, holds and reminders.", (r"get analytics",)),
    Tag(
        "Staff",
        "For staff: everybody's appointments and reminders, logins, and the upkeep of holds.",
        (r"\w+ admin/.*",),
    ),
    Tag(
        "Aliases",
        "Short addresses, each of which means what another one does. Names in bodies may be in camelCase.",
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

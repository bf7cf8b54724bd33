"""The tools: one table says which operation of the API each of them is, and what it is called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class Tool:
    """A tool. Its arguments are the parameters and fields of its operation, so that no list of them can differ."""

    name: str
    title: str
    description: str
    method: str
    path: str
    """The address below `/api/v1/`, as in the OpenAPI document."""
    left_out: frozenset[str] = frozenset()
    """Arguments that the tool does not show."""
    instead: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """Arguments with another schema than the operation's."""
    made: frozenset[str] = frozenset()
    """Fields of an answer that name a new row. A dry run has none."""
    is_destructive: bool = False

    @property
    def changes(self) -> bool:
        return self.method != "get"


EXPLAIN = "explain_refusal"

TOOLS = [
    Tool(
        "find_providers",
        "Find providers",
        "List providers who can be booked, with their ids. `search` looks for words in names and specializations.",
        "get",
        "providers",
    ),
    Tool(
        "find_services",
        "Find services",
        "List services, with their ids, lengths and providers. `provider` asks for those of one provider.",
        "get",
        "services",
    ),
    Tool(
        "find_free_times",
        "Find free times",
        "List times that can be booked now. Send `provider`, `service` or both. Each `start_time` is what to send to "
        "`hold_time` or `book_appointment`.",
        "get",
        "slots",
    ),
    Tool(
        "find_clients",
        "Find clients",
        "List the clients you may book for, with their ids. Only providers and staff need it; clients book for "
        "themselves.",
        "get",
        "clients",
    ),
    Tool(
        "hold_time",
        "Hold a time",
        "Hold a free time until `expires_at`. Nothing is booked before `confirm_hold`. The time is refused if it is "
        "not free; the refusal lists the nearest free times.",
        "post",
        "reservations",
        made=frozenset({"id"}),
    ),
    Tool(
        "confirm_hold",
        "Confirm a hold or give it back",
        "With `confirmed` true, make the appointment that a hold is for; with false, give the time back. `id` is that "
        "of the hold. The answer to true is the appointment, which has an id of its own.",
        "post",
        "reservations/{id}/confirm",
        left_out=frozenset({"code"}),  # for guests, who have no login and so no key
        made=frozenset({"id", "uid"}),
    ),
    Tool(
        "book_appointment",
        "Book an appointment",
        "Hold and confirm in one step, if the person has already agreed to the time.",
        "post",
        "appointments",
        left_out=frozenset({"patient_name", "email", "phone"}),  # for guests too
        instead={"client": {"type": "integer", "minimum": 1, "description": "For whom. Yourself, if left out."}},
        made=frozenset({"id", "uid", "reservation"}),
    ),
    Tool(
        "move_appointment",
        "Move an appointment",
        "Move an appointment to another free time, if its `allowed_actions` have `reschedule`. If the new time is "
        "refused, the appointment stays where it is.",
        "post",
        "appointments/{id}/reschedule",
        made=frozenset({"reservation"}),
        is_destructive=True,
    ),
    Tool(
        "cancel_appointment",
        "Cancel an appointment",
        "Cancel an appointment, if its `allowed_actions` have `cancel`. Both sides are told. It cannot be undone.",
        "post",
        "appointments/{id}/cancel",
        is_destructive=True,
    ),
    Tool(
        "list_appointments",
        "List appointments",
        "List appointments you may see. `status` is `upcoming`, `past` or one of the statuses. Each has "
        "`allowed_actions`.",
        "get",
        "appointments",
    ),
    Tool(
        "list_reminders",
        "List an appointment's reminders",
        "List what was, is and will be sent about an appointment, with the error of what could not be sent. `id` is "
        "that of the appointment.",
        "get",
        "appointments/{id}/reminders",
        left_out=frozenset({"appointment", "client", "provider"}),
    ),
    Tool(
        "remind_again",
        "Send a failed reminder again",
        "Send a reminder again that failed. `id` is that of the reminder, from `list_reminders`. For the provider and "
        "staff.",
        "post",
        "reminders/{id}/retry",
    ),
]

BY_NAME = {tool.name: tool for tool in TOOLS}

INSTRUCTIONS = """\
Find a provider and a service, find free times, then hold one and confirm the hold once the person agrees.
Every tool that changes something takes `dry_run`: it answers what would happen, and changes nothing.
Times have an offset: 2027-03-04T13:30:00+01:00. Send `timezone` (an IANA name) to read answers in local time.
`allowed_actions` of an answer are what you may do next: `confirm` and `release` by `confirm_hold`, `reschedule` by \
`move_appointment`, `cancel` by `cancel_appointment`.
The same call twice is carried out once, as long as its result still holds; the answer then has `replayed`.
A refusal has a `code`, the field at fault in `attr`, why in `detail`, and what to `do`. `explain_refusal` says more."""

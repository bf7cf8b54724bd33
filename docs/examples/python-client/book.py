"""Book your next free time for a client of yours, with the generated client: `book.py NAME EMAIL`.

The environment has SITE, such as https://appointments.example.org, and SCHEDULER_KEY, an API key of a provider with the
scopes `read`, `book` and `manage`.
"""

import os
import sys

from scheduler_client import AuthenticatedClient
from scheduler_client.api.book import reservations_confirm_create, reservations_create
from scheduler_client.api.clients import clients_create, clients_list
from scheduler_client.api.find import slots_next_retrieve
from scheduler_client.api.your_account import me_retrieve
from scheduler_client.models import ClientRequest, ConfirmRequest, Refusal, ReserveRequest


class RefusedError(Exception):
    """A refusal of the API. Branch on `code`, and show `detail` to people."""

    def __init__(self, refusal: Refusal) -> None:
        self.code, self.detail = refusal.errors[0].code, refusal.errors[0].detail
        super().__init__(f"{self.code}: {self.detail}")


def good(answer):
    """Return what a call answers. Raises RefusedError for a refusal."""
    if isinstance(answer, Refusal):
        raise RefusedError(answer)
    return answer


def client_called(api, name, email):
    """Return the id of the client with this email, who is added if there is none."""
    try:
        return good(clients_create.sync(client=api, body=ClientRequest(name=name, email=email))).id
    except RefusedError as refused:
        if refused.code != "client_exists":
            raise
        [known] = good(clients_list.sync(client=api, search=email)).results
        return known.id


def main(name, email):
    with AuthenticatedClient(base_url=os.environ["SITE"], token=os.environ["SCHEDULER_KEY"]) as api:
        provider = good(me_retrieve.sync(client=api)).provider
        client = client_called(api, name, email)
        time = good(slots_next_retrieve.sync(client=api, provider=provider.id))
        if time is None:
            sys.exit("No time is free.")
        wanted = ReserveRequest(provider=provider.id, client=client, start_time=time.start_time)
        held = good(reservations_create.sync(client=api, body=wanted))
        booked = good(reservations_confirm_create.sync(held.id, client=api, body=ConfirmRequest(confirmed=True)))
        print(f"{name} is booked for {booked.start_time}: appointment {booked.id}, {booked.status}")


if __name__ == "__main__":
    main(*sys.argv[1:])

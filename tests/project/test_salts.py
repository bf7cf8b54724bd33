"""Signed links that people were mailed keep working: their salts do not follow modules that move."""

import pytest
from django.core import signing

from booking import links as booking
from reminders.preferences import links as reminders

MAILED = {
    "booking.links.hold": booking.HOLD,
    "booking.links.details": booking.DETAILS,
    "booking.links.appointment": booking.APPOINTMENT,
    "booking.links.visitor": booking.VISITOR,
    "booking.links.guest": booking.GUEST,
    "reminders.links.opt_out": reminders.OPT_OUT,
}


@pytest.mark.parametrize(("salt", "used"), MAILED.items())
def test_salt_is_what_it_was_when_links_were_mailed(salt, used):
    assert used == salt


def test_link_to_opt_out_that_was_mailed_by_the_last_release_is_read():
    token = signing.dumps(["email", "ada@example.org"], salt="reminders.links.opt_out")

    assert reminders.opting_out(token) == ("email", "ada@example.org")

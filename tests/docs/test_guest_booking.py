"""The guide for guests by API works as described, block by block."""

from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from booking.models import Appointment, Reservation
from booking.reservations.codes import code_of
from tests.docs.shell import blocks, in_shell
from tests.factories import open_provider
from tests.programs import needs

GUIDE = Path(settings.BASE_DIR) / "docs" / "howto" / "guest-booking.md"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@needs("curl")
def test_guide_works_block_by_block(live_server, tmp_path):
    open_provider(now=timezone.now(), horizon_days=14)
    script = blocks(GUIDE).replace("http://127.0.0.1:8000", live_server.url)
    until_the_mail, _, rest = script.partition("read -r CODE\n")
    settings_of_shell = until_the_mail.split("SLOT=")[0]

    said = in_shell(until_the_mail + "declare -p HOLD GUEST > kept.sh", tmp_path)
    code = code_of(Reservation.objects.get(status="held"))
    said += in_shell(f"{settings_of_shell}. ./kept.sh\nCODE={code}\n{rest}", tmp_path)

    assert "BEGIN:VCALENDAR" in said
    made = Appointment.objects.get()
    assert (made.client.name, made.description) == ("Grace", "My first visit")
    assert [(event.event, event.face) for event in made.events.all()] == [
        ("booked", "api"),
        ("rescheduled", "api"),
        ("cancelled", "api"),
    ]

"""The tutorial works as described when pasted from top to bottom."""

import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import timezone

from booking.models import Appointment, Reservation
from tests.docs.shell import blocks
from tests.programs import needs

TUTORIAL = Path(settings.BASE_DIR) / "docs" / "tutorial.md"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@needs("curl")
def test_tutorial_works_word_by_word(live_server, settings):
    settings.PROVIDERS_NEED_VERIFIED_EMAIL = settings.PROVIDERS_NEED_APPROVAL = False  # as in the demo
    settings.SITE_URL = live_server.url  # where the calendar feed is fetched
    script = blocks(TUTORIAL).replace("http://127.0.0.1:8000", live_server.url)
    until_the_wait, _, rest = script.partition("sleep 66\n")

    with tempfile.TemporaryDirectory() as folder:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        shell = subprocess.Popen(["bash", "-eu"], cwd=folder, text=True, **pipes)
        shell.stdin.write(f"{until_the_wait}\necho the minute passes\n")
        shell.stdin.flush()
        said = ""
        while "the minute passes" not in said:
            line = shell.stdout.readline()
            assert line, said
            said += line
        Reservation.objects.filter(status="held").update(expires_at=timezone.now() - timedelta(seconds=1))
        after, _ = shell.communicate(rest, timeout=60)

    assert shell.returncode == 0, said + after
    assert '"code":"slot_taken"' in said
    assert '"preview":true' in said
    assert [event.event for event in Appointment.objects.get(series=None).events.all()] == [
        "booked",
        "rescheduled",
        "cancelled",
    ]
    assert '"free":6,"busy":0' in said
    assert "Bonjour" in said
    assert '"quiet_from":"22:00"' in said
    assert said.count("BEGIN:VCALENDAR") == 2
    clocks = [
        f"{made.starts_at.astimezone(ZoneInfo(made.timezone)):%a %H}"
        for made in Appointment.objects.exclude(series=None).order_by("occurrence")
    ]
    assert clocks == ["Wed 14", *["Wed 10"] * 5]
    assert '"status":"expired"' in after
    reservation = Reservation.objects.get(status="held")
    assert reservation.starts_at.isoformat().replace("+00:00", "Z") in after.rpartition("}{")[2]

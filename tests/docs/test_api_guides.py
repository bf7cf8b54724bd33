"""The guides in front of the API's documentation work as described, block by block, and stand in the document."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from booking.models import Appointment, Reservation
from reminders.webhooks.events import EVENTS
from reminders.webhooks.examples import SECRET, example_body
from scheduler_project.documentation.guides import pages
from scheduler_project.reference.errors import check_codes, domain_errors
from tests.docs.shell import CODE, blocks, in_shell
from tests.factories import open_provider
from tests.programs import needs
from tests.project.schema import schema


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@needs("curl")
def test_guides_work_block_by_block(live_server, settings, tmp_path):
    settings.PROVIDERS_NEED_VERIFIED_EMAIL = settings.PROVIDERS_NEED_APPROVAL = False  # as in the demo
    settings.SITE_URL = live_server.url
    open_provider(now=timezone.now(), horizon_days=14)
    script = "\n".join(f"echo '=== {page.stem}'\n{blocks(page)}" for page in pages())

    said = in_shell(script.replace("http://127.0.0.1:8000", live_server.url), tmp_path)

    printed = dict(part.split("\n", 1) for part in said.split("=== ")[1:])
    assert '"openapi":"/api/v1/schema"' in printed["1-start"]
    assert '"name":"Grace"' in printed["2-sign-in"]
    assert printed["4-errors"].startswith("slot_taken\n2")
    assert "dempotency-" in printed["5-idempotency"]
    assert printed["6-paging"] == "1\ninvalid_choice\ndict_keys(['id', 'status', 'start_time'])\nGrace Hopper\n"
    assert '"results":[]' in printed["8-webhooks"]
    assert printed["9-versions"] == "v1\n"
    assert Appointment.objects.get().events.count() == 2
    assert set(Reservation.objects.values_list("status", flat=True)) == {"confirmed", "released"}


@pytest.fixture
def receiver():
    """The program in the guide to webhooks."""
    [page] = [page for page in pages() if page.stem.endswith("webhooks")]
    names: dict = {}
    exec(compile(blocks(page, "python"), page.name, "exec"), names)
    return names


def test_receiver_of_the_guide_checks_and_keeps_what_is_newest(receiver):
    for number, name in enumerate(EVENTS):
        body, now = example_body(name).decode(), datetime.now(UTC)
        signed = {"webhook-id": f"msg_{number}", "webhook-timestamp": str(int(now.timestamp()))}
        signed["webhook-signature"] = Webhook(SECRET).sign(signed["webhook-id"], now, body)
        receiver["receive"](SECRET, signed, body)
        receiver["receive"](SECRET, signed, body)

    assert len(receiver["known"]) == len(EVENTS)
    assert set(receiver["appointments"]) == {27}
    with pytest.raises(WebhookVerificationError):
        receiver["receive"](SECRET, signed, body.replace("Grace", "Eve"))


def test_every_example_of_the_guides_is_run():
    assert {name for page in pages() for name, _ in CODE.findall(page.read_text(encoding="utf-8"))} <= {"sh", "python"}


def test_guides_stand_in_the_document_without_links_that_lead_nowhere():
    text = schema()["info"]["description"]
    headings = [page.read_text(encoding="utf-8").partition("\n")[0] for page in pages()]

    assert [heading for heading in headings if heading in text.splitlines()] == headings
    assert set(re.findall(r"\]\(([^)]*)\)", text)) <= {
        "https://www.standardwebhooks.com",
        "/api/v1/docs/swagger",
        "/api/v1/schema",
    }


def test_every_error_code_stands_in_the_document():
    text = schema()["info"]["description"].partition("# Error codes\n")[2]

    assert {error.code for error in domain_errors()} | set(check_codes()) <= set(re.findall(r"`(\w+)`", text))
    assert "<!--" not in text
    assert (
        "#section/Error-codes" in schema()["components"]["schemas"]["RefusalError"]["properties"]["code"]["description"]
    )


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_paths_in_a_guide_are_those_there_are(page):
    addresses = {path.removeprefix("/api/v1") or "/" for path in schema()["paths"]}
    named = re.findall(r"`(?:GET|POST|PUT|PATCH|DELETE)\s+(/[^\s`?]*)`", page.read_text(encoding="utf-8"))

    assert set(named) <= addresses


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("READ", "600 a minute"),
        ("SEARCH", "60 a minute"),
        ("WRITE", "120 a minute"),
        ("LOGIN", "10 a minute"),
        ("KEY", "600 a minute"),
        ("HOLD", "60 an hour"),
        ("CHANGE", "40 an hour"),
        ("REGISTER", "30 an hour"),
    ],
)
def test_limits_of_the_guide_are_the_defaults(name, limit):
    reference = (Path(settings.BASE_DIR) / "docs/reference/settings.md").read_text(encoding="utf-8")
    number, _, per = limit.partition(" ")
    guide = next(page for page in pages() if page.stem.endswith("limits")).read_text(encoding="utf-8")

    assert f"| `THROTTLE_{name}` | text | `{number}/{'min' if 'minute' in per else 'hour'}` |" in reference
    assert f"| {limit} |" in guide

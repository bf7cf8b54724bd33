"""The commands, and the examples of the documentation."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.models import Client
from booking.models import Appointment
from tests.booking.imports.helpers import exported
from tests.factories import open_provider
from tests.looking import broken_promises, dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

DOCS = Path(settings.BASE_DIR, "docs/reference/import-columns.md").read_text(encoding="utf-8")
EXAMPLES = {name: text for _kind, name, text in re.findall(r"```(csv|ics) (\w+)\n(.*?)```", DOCS, re.DOTALL)}


def run(*arguments):
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def people(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("name,email\nKim,kim@example.org\nLee,nope\n", encoding="utf-8")
    return path


def test_examples_of_the_documentation_import_as_they_stand(tmp_path):
    open_provider(provider__slug="maya", provider__user__email="maya@example.org", timezone="Europe/Berlin")
    assert list(EXAMPLES) == ["clients", "services", "hours", "appointments", "calendar"]

    for name, text in EXAMPLES.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        command = ("import_ics", path, "--provider", "maya") if name == "calendar" else ("import_csv", name, path)
        more = () if name in ("clients", "services", "hours") else ("--outside-hours",)
        assert run(*command, "--all-or-nothing", *more).endswith("Done.\n")
        before = dump()
        assert run(*command, "--all-or-nothing", *more).endswith(" unchanged. Done.\n")
        assert dump() == before

    assert Appointment.objects.count() == 4
    assert broken_promises() == {}


def test_documents_every_column_once_for_each_kind_of_row():
    from booking.imports.kinds import SHEETS

    for name, sheet in SHEETS.items():
        table = re.search(rf"<!-- columns of {name}:.*?<!-- end -->", DOCS, re.DOTALL)[0]
        assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(sheet.header)


def test_dry_run_tells_row_by_row_and_changes_nothing(people, tmp_path, capsys):
    before = dump()
    rejected = tmp_path / "refused.csv"

    with pytest.raises(CommandError, match=r"Refused rows: 1\."):
        call_command("import_csv", "clients", people, "--dry-run", "--rejects", rejected)

    assert capsys.readouterr().out == (
        "+     2 Kim · kim@example.org\n"
        "!     3 Lee · nope email: Enter a valid email address. [invalid]\n"
        "1 new, 1 refused. Nothing was changed.\n"
    )
    assert dump() == before
    assert rejected.read_text(encoding="utf-8-sig").splitlines()[0] == "name,email,error"


@pytest.mark.parametrize(("how", "count"), [("--all-or-nothing", 0), ("--row-by-row", 1)])
def test_imports_all_or_nothing_or_row_by_row(people, how, count):
    with pytest.raises(CommandError):
        run("import_csv", "clients", people, how)

    assert Client.objects.count() == count


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("clients", "people.csv"), "one of the arguments --dry-run --all-or-nothing --row-by-row is required"),
        (("clients", "/nowhere/at/all.csv", "--dry-run"), "No such file"),
        (("clients", "/", "--dry-run"), "Is a directory"),
        (("clients", __file__, "--dry-run"), "not_csv"),
    ],
)
def test_says_what_is_wrong_with_the_call(arguments, says):
    with pytest.raises(CommandError, match=says):
        run("import_csv", *arguments)


def test_exports_what_it_imports(people):
    with pytest.raises(CommandError):
        run("import_csv", "clients", people, "--row-by-row")
    from booking.imports.kinds import SHEETS

    assert run("export_csv", "clients") == exported(SHEETS["clients"])

"""Import files that name a person: found in any spelling, and no others."""

import pytest

from scheduler_project.common.audit.pii_scan import erase_import_files
from scheduler_project.common.models import ImportedFile
from tests.factories import NOON, UserFactory

pytestmark = pytest.mark.django_db

WORDS, SIGNS = {"Zoë Kim", "K-17", ""}, {"zoe@example.org", "30901820", ""}


def keep(**fields):
    file = {"content": b"", "name": "x.csv", "sheet": "clients", "user": UserFactory(), "created_at": NOON}
    return ImportedFile.objects.create(**file | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"content": b"email\nZOE@Example.org\n"},
        {"content": "name\nZo\u00eb Kim\n".encode()},
        {"content": "name\nZo\u00eb Kim\n".encode("cp1252")},
        {"content": "last;name\n;ZO\u00cb  KIM\n".encode()},
        {"content": "SUMMARY:With Zo\u00eb K\r\n im\r\n".encode()},
        {"content": b"ATTENDEE:mailto:zoe@exam\r\n ple.org\r\n"},
        {"content": b"phone\n+49 30 90 18 20\n"},
        {"content": b"phone\n(030) 901820\n"},
        {"content": b"reference\nK-17\n"},
        {"refused": b"email,error\nzoe@example.org,no\n"},
        {"shown": {"new": [{"about": "Zo\u00eb Kim"}]}},
        {"options": {"client_email": "zoe@example.org"}},
        {"name": "zo\u00eb-kim.csv"},
    ],
)
def test_drops_a_file_however_it_names_somebody(fields):
    keep(**fields)

    erase_import_files(words=WORDS, signs=SIGNS)

    assert ImportedFile.objects.count() == 0


@pytest.mark.parametrize(
    "content",
    [
        "name,email\nZo\u00eb Kimball,zoe@example.com\n",
        "name\nZo\u00eb\n",
        "reference\nK-170\n",
        "phone\n+49 30 901821\n",
    ],
)
def test_leaves_files_that_name_others(content):
    keep(content=content.encode())

    erase_import_files(words=WORDS, signs=SIGNS)

    assert ImportedFile.objects.count() == 1


def test_leaves_every_file_if_nothing_is_known_of_somebody():
    keep(content=b"name\n\n")

    erase_import_files(words={""}, signs={"", "--"})

    assert ImportedFile.objects.count() == 1

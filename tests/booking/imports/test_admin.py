"""Files in the admin: uploaded, previewed, imported, refused rows downloaded; and the export of every list."""

import csv
from datetime import timedelta
from io import StringIO

import orjson
import pytest
import time_machine
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Client, Provider
from booking.models import Appointment
from scheduler_project.common.admin.base import StaffModelAdmin
from scheduler_project.common.db.secrets import secret_fields
from scheduler_project.common.models import ImportedFile
from scheduler_project.common.tasks import tidy
from tests.booking.imports.test_ics import calendar, event
from tests.factories import NOON, ClientFactory, UserFactory, open_provider
from tests.groups import browser_of
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

GOOD = "name,email\nKim,kim@example.org\nSam,sam@example.org\n"
BAD = GOOD + "Lee,nope\n"


def clerk(*permissions):
    user = UserFactory(staff=True)
    names = [permission.partition(".")[2] for permission in permissions]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return browser_of(user)


def upload(office, text, *, kind="accounts_client", sheet="clients", **chosen):
    content = text if isinstance(text, bytes) else text.encode()
    data = {"file": SimpleUploadedFile("people.csv", content), **chosen}
    return office.post(reverse(f"admin:{kind}_import", args=[sheet]), data)


def body(response):
    if response.streaming:
        return b"".join(response.streaming_content).decode()
    return response.content.decode()


# --- Import -----------------------------------------------------------------------------------------------------------


def test_shows_what_a_file_would_do_and_then_does_it(office):
    before = dump()
    preview = upload(office, GOOD).headers["Location"]

    page = body(office.get(preview))

    assert "New: 2" in page
    assert "Kim · kim@example.org" in page
    assert dump() == before

    assert office.post(preview, {"all_or_nothing": "1"}).headers["Location"] == preview
    assert "New: 2" in body(office.get(preview))
    assert sorted(Client.objects.values_list("name", flat=True)) == ["Kim", "Sam"]
    assert bytes(ImportedFile.objects.get().content) == b""


def test_offers_only_the_good_rows_if_some_are_refused_and_gives_the_others_back(office):
    preview = upload(office, BAD).headers["Location"]
    page = body(office.get(preview))
    assert "Rejected: 1" in page
    assert "<code>email</code>: Enter a valid email address." in page
    assert 'name="row_by_row"' in page
    assert 'name="all_or_nothing"' not in page
    refused = "\ufeffname,email,error\r\nLee,nope,email: Enter a valid email address. [invalid]\r\n"
    assert body(office.get(preview + "refused/")) == refused

    office.post(preview, {"row_by_row": "1"})

    assert sorted(Client.objects.values_list("name", flat=True)) == ["Kim", "Sam"]
    assert "Rejected: 1" in body(office.get(preview))
    assert body(office.get(preview + "refused/")) == refused


def test_imports_nothing_of_all_or_nothing_if_a_row_is_refused(office):
    preview = upload(office, BAD).headers["Location"]

    page = office.post(preview, {"all_or_nothing": "1"}, follow=True)

    assert "Nothing was imported" in body(page)
    assert Client.objects.count() == 0


def test_keeps_what_a_preview_found_until_it_is_asked_for_again(office):
    preview = upload(office, BAD).headers["Location"]
    first, refused = body(office.get(preview)), body(office.get(preview + "refused/"))
    assert "Mon 2026-03-02 12:00, UTC" in first
    ClientFactory(user=None, name="Kim", email="kim@example.org")

    with CaptureQueriesContext(connection) as queries:
        again = body(office.get(preview)), body(office.get(preview + "refused/"))

    assert [page.split("csrfmiddlewaretoken")[0] for page in again] == [
        page.split("csrfmiddlewaretoken")[0] for page in (first, refused)
    ]
    assert [query["sql"] for query in queries if 'FROM "accounts_client"' in query["sql"]] == []

    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        assert office.post(preview, {"again": "1"}).headers["Location"] == preview
    page = body(office.get(preview))
    assert "Mon 2026-03-02 13:00, UTC" in page
    assert ("New: 1" in page, "Unchanged: 1" in page, "Rejected: 1" in page) == (True, True, True)
    assert Client.objects.count() == 1


def test_tells_what_was_really_done_though_the_preview_said_otherwise(office):
    preview = upload(office, GOOD).headers["Location"]
    assert "New: 2" in body(office.get(preview))
    ClientFactory(user=None, name="Kim", email="kim@example.org")

    office.post(preview, {"all_or_nothing": "1"})

    page = body(office.get(preview))
    assert ("New: 1" in page, "Unchanged: 1" in page) == (True, True)


def test_shows_why_nothing_was_imported_though_the_preview_saw_no_reason(office):
    preview = upload(office, GOOD).headers["Location"]
    assert 'name="all_or_nothing"' in body(office.get(preview))
    ClientFactory.create_batch(2, user=None, name="Kim", email="kim@example.org")

    page = body(office.post(preview, {"all_or_nothing": "1"}, follow=True))

    assert "Nothing was imported" in page
    assert ("New: 1" in page, "Rejected: 1" in page, "Several clients match." in page) == (True, True, True)
    assert "ambiguous_client" in body(office.get(preview + "refused/"))


def test_pressing_twice_changes_nothing_the_second_time(office):
    preview = upload(office, GOOD).headers["Location"]
    office.post(preview, {"all_or_nothing": "1"})
    before = dump()

    office.post(preview, {"all_or_nothing": "1"})

    assert dump() == before
    assert "New: 2" in body(office.get(preview))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The submitted file is empty."),
        (b"\0", "a text file. In Excel"),
        (b"name,nickname\nKim,K\n", "Unknown column: “nickname”."),
        (b"email\nk@example.org\n", "This column is missing: name."),
    ],
)
def test_refuses_a_file_at_the_field(office, content, says):
    answer = upload(office, content)

    assert answer.status_code == 200
    assert says in body(answer)
    assert ImportedFile.objects.count() == 0


def test_refuses_a_file_that_is_too_large_before_it_is_read(office, settings):
    settings.IMPORT_MAX_BYTES = 3_000_000

    answer = upload(office, b"name\n" + b"x" * 3_000_000)

    assert "The limit is 3.0 MB" in body(answer)


@pytest.mark.parametrize("part", ["", "refused/"])
def test_a_calendar_whose_provider_has_another_slug_by_now_is_asked_for_again(office, part):
    provider = open_provider()
    ics = calendar(event(start="DTSTART:20260306T100000Z"))
    preview = upload(office, ics, kind="booking_appointment", sheet="calendar", provider=provider.pk)
    Provider.objects.update(slug="elsewhere")

    answer = office.get(f"{preview.headers['Location']}{part}")

    assert (answer.status_code, answer.url) == (302, "/admin/booking/appointment/import/calendar/")


@pytest.mark.parametrize("odd", [b"\0", b"\xff", b"\xed\xa0\x80"])
def test_shows_events_whatever_stands_in_them(office, odd):
    provider = open_provider()
    ics = calendar(event("SUMMARY:All day?", start="DTSTART;VALUE=DATE:20260306")).encode().replace(b"?", odd)

    preview = upload(office, ics, kind="booking_appointment", sheet="calendar", provider=provider.pk)
    page = body(office.get(preview.headers["Location"]))

    assert "All day" in page
    assert "This is an all-day event" in page


def test_imports_appointments_and_calendars_with_what_was_chosen(office):
    open_provider(provider__slug="ada")
    rows = "provider,client_email,start\nada,kim@example.org,2026-03-05 20:00\n"
    chosen = {"outside_hours": "on", "add_clients": "on"}
    first = upload(office, rows, kind="booking_appointment", sheet="appointments", **chosen).headers["Location"]
    office.post(first, {"all_or_nothing": "1"})
    provider = Provider.objects.get(slug="ada").pk
    ics = calendar(event(uid="1", start="DTSTART:20260306T100000Z"))

    second = upload(office, ics, kind="booking_appointment", sheet="calendar", provider=provider).headers["Location"]
    office.post(second, {"row_by_row": "1"})

    assert sorted(Appointment.objects.values_list("events__face", "imported__reference"), key=str) == [
        ("admin", "1"),
        ("admin", None),
    ]


def test_offers_to_import_row_by_row_where_all_at_once_would_keep_others_waiting(office):
    open_provider(provider__slug="ada")
    rows = "provider,client_email,start\nada,kim@example.org,2026-03-05 10:00\n"
    chosen = {"kind": "booking_appointment", "sheet": "appointments", "add_clients": "on"}

    page = body(office.get(upload(office, rows, **chosen).headers["Location"]))
    other = body(office.get(upload(office, GOOD).headers["Location"]))

    assert ('name="all_or_nothing"' in page, 'name="row_by_row"' in page) == (True, True)
    assert ('name="all_or_nothing"' in other, 'name="row_by_row"' in other) == (True, False)


def test_needs_the_permission_to_add_and_to_change():
    for lacking in (clerk("accounts.view_client"), clerk("accounts.add_client"), clerk("accounts.change_client")):
        assert upload(lacking, GOOD).status_code == 403
    able = clerk("accounts.add_client", "accounts.change_client")
    assert upload(able, GOOD).status_code == 302
    assert upload(able, GOOD, kind="booking_service", sheet="services").status_code == 403


def test_adding_clients_on_the_way_needs_its_own_permission():
    open_provider(provider__slug="ada")
    rows = "provider,client_email,start\nada,kim@example.org,2026-03-05 10:00\n"
    able = clerk("booking.add_appointment", "booking.change_appointment")

    preview = upload(able, rows, kind="booking_appointment", sheet="appointments", add_clients="on")

    assert "There is no such client" in body(able.get(preview.headers["Location"]))


def test_a_file_is_its_owner_s_alone_and_for_a_day(office):
    preview = upload(office, GOOD).headers["Location"]
    assert browser_of(UserFactory(superuser=True)).get(preview).status_code == 404
    assert Browser().get(preview).status_code == 302

    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        assert office.get(preview).status_code == 404
        upload(browser_of(UserFactory(superuser=True)), GOOD)
        assert ImportedFile.objects.count() == 1


def test_forgets_files_after_a_day(office):
    upload(office, GOOD)
    tidy()
    assert ImportedFile.objects.count() == 1

    with time_machine.travel(NOON + timedelta(days=1, seconds=1), tick=False):
        tidy()

    assert ImportedFile.objects.count() == 0


@pytest.mark.parametrize("where", ["nothing/", "clients/00000000-0000-4000-8000-000000000000/", "appointments/"])
def test_what_is_not_there_is_not_found(office, where):
    assert office.get(reverse("admin:accounts_client_changelist") + f"import/{where}").status_code == 404


def test_a_preview_of_many_rows_is_a_small_page(office):
    rows = "name,email\n" + "".join(f"Client {n},c{n}@example.org\n" for n in range(2000))

    page = body(office.get(upload(office, rows).headers["Location"]))

    assert "and 1900 more" in page
    assert len(page) < 60_000


# --- Export -----------------------------------------------------------------------------------------------------------

OFFICES = [model for model, office in admin.site._registry.items() if isinstance(office, StaffModelAdmin)]


@pytest.mark.parametrize("model", OFFICES, ids=lambda model: model.__name__)
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_exports_every_list_without_secrets(office, model, kind):
    answer = office.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_export", args=[kind]))

    assert answer.status_code == 200
    header = body(answer).removeprefix("\ufeff").partition("\r\n")[0].split(",") if kind == "csv" else []
    assert not set(secret_fields(model)) & set(header)


def test_exports_what_is_filtered_and_what_is_ticked(office):
    kim, _sam = ClientFactory(name="Kim", phone="+4930901820"), ClientFactory(name="Sam")
    lists = reverse("admin:accounts_client_changelist")
    assert f"{lists}export/csv/?q=Kim" in body(office.get(f"{lists}?q=Kim"))

    filtered = body(office.get(f"{lists}export/csv/?q=Kim"))
    ticked = body(office.post(lists, {"action": "export_csv", "_selected_action": [kim.pk]}))

    rows = list(csv.DictReader(StringIO(filtered.removeprefix("\ufeff"))))
    assert [(row["name"], row["phone"], row["reference"]) for row in rows] == [("Kim", "'+4930901820", kim.reference)]
    assert ticked == filtered


def test_exports_all_columns_as_json(office):
    kim = ClientFactory(name="Kim")

    [row] = orjson.loads(body(office.get(reverse("admin:accounts_client_export", args=["json"]))))

    assert row.keys() == {field.attname for field in Client._meta.concrete_fields}
    assert (row["id"], row["name"], row["created_at"]) == (kim.pk, "Kim", "2026-03-02T12:00:00+00:00")


def test_exports_no_password(office):
    answer = body(office.get(reverse("admin:accounts_user_export", args=["json"])))

    assert "password" not in answer


def test_exports_many_rows_with_as_many_statements_as_few(office):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            body(office.get(reverse("admin:accounts_client_export", args=["csv"])))
        return len(queries)

    ClientFactory()
    few = statements()
    ClientFactory.create_batch(30)

    assert statements() == few


def test_exports_only_to_those_who_may_look():
    able = clerk("accounts.view_client")
    assert able.get(reverse("admin:accounts_client_export", args=["csv"])).status_code == 200
    assert able.get(reverse("admin:accounts_user_export", args=["csv"])).status_code == 403
    assert able.get(reverse("admin:accounts_client_export", args=["xml"])).status_code == 404
    assert Browser().get(reverse("admin:accounts_client_export", args=["csv"])).status_code == 302


def test_a_filter_nobody_knows_leads_back_to_the_list(office):
    answer = office.get(reverse("admin:accounts_client_export", args=["csv"]) + "?owner__nothing=1")

    assert answer.status_code == 302

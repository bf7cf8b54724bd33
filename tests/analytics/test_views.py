"""The pages of figures, and their files."""

import csv
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.test import Client as Browser
from django.urls import reverse

from accounts.models import Provider
from analytics.tables import NAMES
from tests.factories import NOON, AppointmentFactory, ProviderFactory, ReservationFactory
from tests.groups import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=4)]


@pytest.fixture
def office(staff):
    return browser_of(staff)


def missed(provider, day):
    began = NOON - timedelta(days=day)
    reservation = ReservationFactory(provider=provider, starts_at=began)
    return AppointmentFactory(reservation=reservation, status="missed", created_at=began - timedelta(days=1))


def rows(answer):
    return list(csv.reader(StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))


def test_numbers_tell_how_many_were_missed_last_month_by_provider(office, provider):
    other = ProviderFactory(name="Other")
    for day in (3, 4, 40):
        missed(other, day)

    table = rows(office.get("/numbers/providers.csv?period=last_month"))

    column = table[0].index("Missed")
    assert [(row[0], row[column]) for row in table[1:]] == [("Other", "2")]


def test_numbers_of_a_desk_are_the_providers_own(provider):
    missed(ProviderFactory(name="Somebody else"), 3)
    missed(provider, 4)

    page = browser_of(provider.user).get(reverse("dashboard-numbers"), {"period": "last_7_days"}).content.decode()

    assert "Somebody else" not in page
    assert "<dd>1</dd>" in page


def test_numbers_of_a_desk_cannot_be_asked_for_another_provider(provider):
    other = missed(ProviderFactory(name="Somebody else"), 3).provider

    table = rows(browser_of(provider.user).get(f"/dashboard/numbers/providers.csv?provider={other.pk}"))

    assert [row[0] for row in table[1:]] == [provider.name]


@pytest.mark.parametrize("name", ["numbers", "numbers-csv"])
def test_numbers_of_all_are_not_found_by_others(provider, booker, name):
    path = reverse(name, args=["days"] if name == "numbers-csv" else [])

    answers = [browser_of(user).get(path).status_code for user in (provider.user, booker.user)]

    assert answers == [404, 404]


@pytest.mark.parametrize(
    "path", ["/numbers/", "/numbers/days.csv", "/dashboard/numbers/", "/dashboard/numbers/days.csv"]
)
def test_numbers_ask_a_visitor_to_log_in(path):
    answer = Browser().get(path)

    assert (answer.status_code, answer.url.partition("?")[0]) == (302, reverse("account_login"))


@pytest.mark.parametrize("path", ["/dashboard/numbers/", "/dashboard/numbers/days.csv"])
def test_numbers_of_a_desk_are_not_found_by_a_client(booker, path):
    assert browser_of(booker.user).get(path).status_code == 404


@pytest.mark.parametrize("table", NAMES)
def test_every_table_is_a_file(office, provider, table):
    missed(provider, 3)

    answer = office.get(reverse("numbers-csv", args=[table]))

    found = rows(answer)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert {len(row) for row in found} == {len(found[0])}


def test_file_of_another_name_is_not_found(office):
    assert office.get("/numbers/people.csv").status_code == 404


def test_file_neutralises_the_names_of_providers(office, provider):
    Provider.objects.update(name='=HYPERLINK("https://evil.example/")')
    missed(provider, 3)

    assert rows(office.get("/numbers/providers.csv"))[1][0] == '\'=HYPERLINK("https://evil.example/")'


@pytest.mark.parametrize(
    "query",
    [
        "period=nonsense",
        "period=%00",
        "provider=x",
        "provider=99999999999999999999999",
        "service=-1",
        "from=x&to=y",
        "from=2026-03-01",
        "from=2026-01-01&to=2028-01-01",
        "from=0001-01-01&to=0001-01-02",
        "from=9999-12-30&to=9999-12-31",
    ],
)
def test_numbers_answer_whatever_is_asked(office, query):
    answers = {office.get(path + query).status_code for path in ("/numbers/?", "/numbers/days.csv?")}

    assert answers <= {200, 400, 404}


def test_numbers_say_what_is_wrong_with_the_days(office):
    answer = office.get("/numbers/?from=2026-01-01&to=2028-01-01")

    assert answer.status_code == 400
    assert "Choose a period of at most 366 days." in answer.content.decode()


def test_names_on_the_page_are_text(office, provider):
    Provider.objects.update(name="<script>alert(1)</script>")
    missed(provider, 3)

    assert "<script>alert" not in office.get("/numbers/").content.decode()


def test_last_day_of_a_report_has_a_word_for_time_in_each_language(office):
    page = office.get("/numbers/", headers={"accept-language": "de"}).content.decode()

    assert re.search(r"<label[^>]*>\s*Bis\b", page)

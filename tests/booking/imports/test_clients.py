"""Clients from files: added, changed and distinguished; importing the same file again changes nothing."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.clients.imports import CLIENTS
from accounts.clients.operations import add_client
from accounts.models import Client, User
from scheduler_project.common.errors import NotAllowed
from scheduler_project.common.files.imports import rejects
from tests.booking.imports.helpers import ALL_OR_NOTHING, ROW_BY_ROW, exported, outcomes, refusals, run
from tests.factories import NOON, SYSTEM, ClientFactory, ProviderFactory, actor_of, verified
from tests.looking import dump

pytestmark = pytest.mark.django_db

COLUMNS = ("owner__slug", "reference", "name", "email", "phone", "timezone", "notes")


def there():
    return sorted(Client.objects.values_list(*COLUMNS[1:]))


def file(number, first=0):
    return "reference,name,email\n" + "".join(
        f"old-{n},Client {n},c{n}@example.org\n" for n in range(first, first + number)
    )


def test_adds_clients_with_all_that_is_known_of_them():
    ProviderFactory(slug="ada")
    text = (
        "reference;owner;name;email;phone;timezone;notes\n"
        'k-1;ada;Zoë Kim;Zoe@Example.org;+49 30 901820;Europe/Berlin;"Brings\na dog"\n'
        ";;Sam;;;;\n"
    )

    report = run(CLIENTS, text)

    assert outcomes(report) == ["new", "new"]
    zoe, sam = Client.objects.order_by("pk")
    assert (zoe.owner.slug, zoe.reference, zoe.name, zoe.email) == ("ada", "k-1", "Zoë Kim", "zoe@example.org")
    assert (str(zoe.phone), zoe.timezone, zoe.notes, zoe.created_at) == (
        "+4930901820",
        "Europe/Berlin",
        "Brings\na dog",
        NOON,
    )
    assert (sam.owner, sam.name, sam.email, sam.timezone) == (None, "Sam", "", "UTC")
    assert len(sam.reference) == 36


@pytest.mark.parametrize("policy", [ROW_BY_ROW, ALL_OR_NOTHING])
def test_changes_nothing_the_second_time(policy):
    text = file(3) + ",No reference,n@example.org\n,Only a name,\n"
    assert outcomes(run(CLIENTS, text, policy)) == ["new"] * 5
    before = dump()

    assert outcomes(run(CLIENTS, text, policy)) == ["unchanged"] * 5
    assert dump() == before


def test_changes_what_differs_and_leaves_columns_that_are_not_there():
    run(CLIENTS, "reference,name,email,notes\nk,Kim,kim@example.org,Careful\n")

    report = run(CLIENTS, "reference,name,phone\nk,Kim Lee,+4930901820\n")

    assert [(result.outcome, result.says) for result in report.results] == [("changed", "name, phone")]
    assert [row[1:] for row in there()] == [("Kim Lee", "kim@example.org", "+4930901820", "UTC", "Careful")]


def test_empties_what_is_empty_in_the_file():
    run(CLIENTS, "reference,name,notes\nk,Kim,Careful\n")

    run(CLIENTS, "reference,name,notes\nk,Kim,\n")

    assert Client.objects.get().notes == ""


def test_knows_a_client_by_email_and_takes_the_reference_over():
    owner = ProviderFactory(slug="ada")
    kim = add_client(name="Kim", email="kim@example.org", owner=owner, actor=SYSTEM, now=NOON)

    report = run(CLIENTS, "reference,owner,name,email\nk-1,ada,Kim,kim@example.org\n")

    assert [(result.outcome, result.says) for result in report.results] == [("changed", "reference")]
    kim.refresh_from_db()
    assert kim.reference == "k-1"


def test_keeps_two_people_apart_who_share_an_email_by_their_references():
    text = "reference,name,email\n1,Kim,family@example.org\n2,Sam,family@example.org\n"
    run(CLIENTS, text)

    assert outcomes(run(CLIENTS, text)) == ["unchanged", "unchanged"]
    assert outcomes(run(CLIENTS, "reference,name,email\n3,Lee,family@example.org\n")) == ["new"]


def test_keeps_address_books_apart():
    for slug in ("ada", "bob"):
        ProviderFactory(slug=slug)
    text = "reference,owner,name,email\n1,ada,Kim,kim@example.org\n1,bob,Kim,kim@example.org\n1,,Kim,kim@example.org\n"

    assert outcomes(run(CLIENTS, text)) == ["new"] * 3
    assert outcomes(run(CLIENTS, text)) == ["unchanged"] * 3


def test_keeps_the_login_of_a_registered_client_in_step():
    client = ClientFactory(name="Kim", email="kim@example.org", user__email="kim@example.org")
    verified(client.user)

    run(CLIENTS, "name,email,timezone\nKim Lee,kim@example.org,Europe/Berlin\n")

    user = User.objects.get(pk=client.user_id)
    assert (user.name, user.timezone) == ("Kim Lee", "Europe/Berlin")


def test_refuses_rows_and_takes_the_others():
    ProviderFactory(slug="ada")
    text = (
        "reference,owner,name,email,phone,timezone,notes\n"
        "1,,Good,,,,\n"
        "2,,,,,,\n"
        "3,nobody,Kim,,,,\n"
        "4,,Kim,no-email,12,Mars/Olympus,\n"
        "5,,Kim\x07,,,,\n"
        f"6,,{'x' * 151},,,,\n"
        "1,,Again,,,,\n"
        "8,ada,Kim,k@example.org,,,\n"
        "9,ada,Sam,k@example.org,,,\n"
    )

    report = run(CLIENTS, text)

    assert refusals(report) == [
        (3, "required", "name"),
        (4, "unknown_provider", "owner"),
        (5, "invalid", "email"),
        (5, "invalid", "phone"),
        (5, "unknown_timezone", "timezone"),
        (6, "control_characters", "name"),
        (7, "max_length", "name"),
        (8, "repeated", None),
        (10, "repeated", None),
    ]
    assert [row[1] for row in there()] == ["Good", "Kim"]
    assert report.done


def test_leaves_nothing_behind_if_one_row_of_all_is_refused():
    before = dump()

    report = run(CLIENTS, file(5) + "x,,\n", ALL_OR_NOTHING)

    assert outcomes(report) == ["new"] * 5 + ["refused"]
    assert not report.done
    assert dump() == before


def test_previews_what_it_would_do_and_does_nothing():
    run(CLIENTS, file(2))
    text = file(3, first=1) + "x,,\n"
    before = dump()

    preview = run(CLIENTS, text, None)

    assert not preview.done
    assert dump() == before
    assert outcomes(run(CLIENTS, text)) == outcomes(preview) == ["unchanged", "new", "new", "refused"]


def test_refuses_a_client_who_cannot_be_told_from_others():
    for _ in range(2):
        ClientFactory(user=None, name="Guest", email="guest@example.org")

    assert refusals(run(CLIENTS, "name,email\nGuest,guest@example.org\n")) == [(2, "ambiguous_client", "email")]


def test_refuses_the_email_of_another_client_of_the_same_book():
    ProviderFactory(slug="ada")
    run(CLIENTS, "reference,owner,name,email\n1,ada,Kim,kim@example.org\n2,ada,Sam,sam@example.org\n")

    report = run(CLIENTS, "reference,owner,name,email\n2,ada,Sam,kim@example.org\n3,ada,Lee,sam@example.org\n")

    assert refusals(report) == [(2, "client_exists", "email"), (3, "client_exists", "email")]


def test_gives_the_refused_rows_back_with_the_reason():
    report = run(CLIENTS, 'name,email\nKim,kim@example.org\n"=Sam",nope\n')

    assert rejects(CLIENTS, report) == (
        "\ufeffname,email,error\r\n'=Sam,nope,email: Enter a valid email address. [invalid]\r\n"
    )


def test_gives_back_what_can_be_mended_and_imported():
    first = rejects(CLIENTS, run(CLIENTS, "name,email\nKim,nope\n"))

    assert outcomes(run(CLIENTS, first.replace("nope", "kim@example.org"))) == ["new"]


def test_is_for_staff():
    with pytest.raises(NotAllowed):
        run(CLIENTS, file(1), actor=actor_of(ClientFactory()))


@pytest.mark.parametrize("text", [file(1), "name,email\nKim,kim@example.org\n"])
def test_costs_as_many_statements_for_500_as_for_10(text):
    def statements(number, first):
        with CaptureQueriesContext(connection) as queries:
            run(CLIENTS, file(number, first))
        return len(queries)

    assert statements(500, 1000) == statements(10, 0)


def test_exports_and_imports_into_an_empty_system():
    ada = ProviderFactory(slug="ada")
    ClientFactory(name="=Registered", email="reg@example.org", phone="+4930901820", timezone="Europe/Berlin")
    ClientFactory(user=None, owner=ada, name="Kept", email="kept@example.org", notes="'+ \n,;\"")
    for _ in range(2):
        ClientFactory(user=None, name="Guest", email="guest@example.org")
    ClientFactory(user=None, name="", email="")
    text, before = exported(CLIENTS), sorted(Client.objects.exclude(name="").values_list(*COLUMNS), key=str)
    Client.objects.all().delete()

    assert outcomes(run(CLIENTS, text)) == ["new"] * 4
    assert sorted(Client.objects.values_list(*COLUMNS), key=str) == before


def test_exports_and_imports_into_the_same_system():
    ClientFactory.create_batch(3)
    ClientFactory(user=None, name="Guest", email="", notes="-tab")
    before = dump()

    assert outcomes(run(CLIENTS, exported(CLIENTS))) == ["unchanged"] * 4
    assert dump() == before


def test_takes_nobody_who_registered_for_the_owner_of_an_email_they_have_not_verified():
    booker = ClientFactory(user__email="kim@example.org", email="kim@example.org", name="Whoever")

    assert outcomes(run(CLIENTS, "reference,name,email\nK-1,Kim,kim@example.org\n")) == ["new"]

    booker.refresh_from_db()
    assert (booker.name, Client.objects.get(reference="K-1").user) == ("Whoever", None)

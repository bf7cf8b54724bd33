"""The admin of preferences and opt-outs."""

from datetime import time

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse

from reminders.models import OptOut, Preferences
from reminders.preferences.operations import opt_out, set_preferences
from tests.factories import NOON, SYSTEM, ClientFactory, UserFactory, appoint, at, minutes, open_provider
from tests.reminders.helpers import reminders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]
GIVEN = {"channels": ["email"], "language": "de", "quiet_from": "22:00", "quiet_until": "07:00"}


def url(name, *args):
    return reverse(f"admin:reminders_{name}", args=args)


def row(client):
    return Preferences.objects.values_list("channels", "language", "quiet_from", "quiet_until").get(client=client)


def text_of(answer):
    return answer.content.decode()


# --- Preferences ------------------------------------------------------------------------------------------------------


def test_offers_the_channels_that_reach_people(office):
    page = office.get(url("preferences_add"))
    offered = page.context["adminform"].form.fields["channels"].choices

    assert [name for name, _label in offered] == ["email", "sms"]


def test_adds_and_changes_preferences(office):
    client = ClientFactory()

    added = office.post(url("preferences_add"), {**GIVEN, "client": client.pk})
    made = Preferences.objects.get(client=client)
    first = row(client)
    office.post(url("preferences_change", made.pk), {"sites_channels": "on", "language": ""})

    assert added.status_code == 302
    assert first == (["email"], "de", time(22), time(7))
    assert row(client) == (None, "", None, None)


def test_adds_preferences_that_say_nothing(office):
    client = ClientFactory()

    answer = office.post(url("preferences_add"), {"client": client.pk, "sites_channels": "on"})

    assert answer.status_code == 302
    assert row(client) == (None, "", None, None)


def test_refuses_half_of_the_quiet_hours_at_the_other_half(office):
    client = ClientFactory()

    page = office.post(url("preferences_add"), {**GIVEN, "client": client.pk, "quiet_until": ""})

    assert list(page.context["adminform"].form.errors) == ["quiet_until"]
    assert not Preferences.objects.exists()


def test_refuses_second_preferences_of_one_client(office):
    client = ClientFactory()
    set_preferences(client_id=client.pk, changes={"language": "fr"}, actor=SYSTEM, now=NOON)

    page = office.post(url("preferences_add"), {**GIVEN, "client": client.pk})

    assert list(page.context["adminform"].form.errors) == ["client"]
    assert row(client)[1] == "fr"


def test_changed_quiet_hours_move_what_is_due(office):
    client = ClientFactory(timezone="Europe/Berlin")
    made = appoint(open_provider(horizon_days=7), at("2026-03-05 09:00"), client=client)

    office.post(
        url("preferences_add"),
        {"client": client.pk, "sites_channels": "on", "quiet_from": "20:00", "quiet_until": "09:30"},
    )

    assert reminders(made) == [("email", "1 day", "04 09:00"), ("email", "1 hour", "04 18:59")]


def test_preferences_are_not_deleted_by_hand(office):
    made = set_preferences(client_id=ClientFactory().pk, changes={"language": "fr"}, actor=SYSTEM, now=NOON)

    assert office.post(url("preferences_delete", made.pk), {"post": "yes"}).status_code == 403


def test_opens_lists_and_rows_at_a_constant_number_of_queries(office, django_assert_max_num_queries):
    for number in range(5):
        client = ClientFactory(name=f"Ada {number}")
        made = set_preferences(client_id=client.pk, changes={"channels": ["sms"]}, actor=SYSTEM, now=NOON)
        stopped = out(f"{number}@example.org")

    for name, key in [("preferences", "Ada"), ("optout", "example")]:
        with django_assert_max_num_queries(9):
            assert office.get(url(f"{name}_changelist"), {"q": key}).status_code == 200
    assert office.get(url("preferences_change", made.pk)).status_code == 200
    assert office.get(url("optout_change", stopped.pk)).status_code == 200
    assert office.get(url("optout_add")).status_code == 200


# --- Opt-outs ---------------------------------------------------------------------------------------------------------


def out(address="ada@example.org", channel="email", source="link"):
    return opt_out(channel=channel, address=address, source=source, now=NOON - minutes(5))


def rows():
    return list(OptOut.objects.order_by("pk").values_list("channel", "address", "at", "source", "ended_at"))


@pytest.mark.parametrize(
    ("channel", "written", "kept"),
    [("email", "Ada@Example.org", "ada@example.org"), ("sms", "+49 30 / 901820", "+4930901820")],
)
def test_adds_an_opt_out_in_the_one_spelling(office, channel, written, kept):
    answer = office.post(url("optout_add"), {"channel": channel, "address": written})

    assert answer.status_code == 302
    assert rows() == [(channel, kept, NOON, "staff", None)]


def test_adding_one_that_stands_changes_nothing(office):
    stands = out()

    answer = office.post(url("optout_add"), {"channel": "email", "address": "ada@example.org"})

    assert answer.status_code == 302
    assert rows() == [("email", "ada@example.org", stands.at, "link", None)]


@pytest.mark.parametrize(("channel", "address"), [("email", "+4930901820"), ("sms", "ada@example.org")])
def test_refuses_what_is_no_address(office, channel, address):
    page = office.post(url("optout_add"), {"channel": channel, "address": address})

    assert list(page.context["adminform"].form.errors) == ["address"]


def test_opt_outs_are_neither_changed_nor_deleted_by_hand(office):
    stands = out()

    assert office.post(url("optout_change", stands.pk), {"address": "x@example.org"}).status_code == 403
    assert office.post(url("optout_delete", stands.pk), {"post": "yes"}).status_code == 403


def test_takes_back_all_but_a_stop(office):
    mailed, texted = out(), out("+4930901820", "sms", "sms")
    data = {"action": "take_back", "_selected_action": [mailed.pk, texted.pk]}

    page = office.post(url("optout_changelist"), data, follow=True)

    assert [ended for *_, ended in rows()] == [NOON, None]
    assert "Opt-outs ended: 1." in text_of(page)
    assert "Reply START" in text_of(page)


def test_takes_nothing_back_without_the_permission():
    stands = out()
    browser, clerk = Browser(), UserFactory(staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_optout"))
    browser.force_login(clerk)

    browser.post(url("optout_changelist"), {"action": "take_back", "_selected_action": [stands.pk]})

    assert rows()[0][-1] is None
    assert browser.get(url("optout_add")).status_code == 403


@pytest.mark.parametrize(("stands", "found"), [("yes", 1), ("no", 0), ("perhaps", 1)])
def test_narrows_to_those_that_stand(office, stands, found):
    out()

    page = office.get(url("optout_changelist"), {"stands": stands})

    assert len(page.context["cl"].result_list) == found

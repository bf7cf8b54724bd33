"""Reminders that were never planned say why."""

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.urls import reverse
from django.utils.html import escape

from accounts.models import Client
from booking.appointments.operations import edit
from reminders.enums import OptOutSource
from reminders.models import Message, OptOut, Preferences
from reminders.plan.queries import not_planned
from reminders.preferences.operations import opt_out
from reminders.skip_reasons import NOT_CHOSEN, PLANNING
from tests.conftest import logged_in
from tests.factories import NOON, SYSTEM, ClientFactory, UserFactory, appoint, at, open_provider
from tests.groups import browser_of, staff_of
from tests.reminders.helpers import reminders, send

pytestmark = [pytest.mark.django_db, pytest.mark.provider(horizon_days=7), pytest.mark.usefixtures("at_noon")]

NOT_REMINDED_BY_IT = str(PLANNING[NOT_CHOSEN])
"""The reason that a client who opted out shares with one who did not choose the channel."""

NINE = at("2026-03-05 09:00")
BOTH = ["1 day", "1 hour"]
OPTED_OUT = "The client opted out on 2 March 2026."


@pytest.fixture
def boss():
    return UserFactory(superuser=True)


@pytest.fixture(autouse=True)
def _by_mail_only(settings):
    settings.SMS_GATEWAY = "none"


@pytest.fixture
def opted_out(provider):
    """An appointment of a client who had opted out before."""
    client = ClientFactory(email="ada@example.org")
    opt_out(channel="email", address="ada@example.org", source=OptOutSource.LINK, now=NOON)
    return appoint(provider, NINE, client=client)


def why(appointment, reader, now=NOON):
    return [(row.channel, row.offsets, row.reason) for row in not_planned(appointment, reader=reader, now=now)]


def notable(appointment, reader, now=NOON):
    """Return the channels of the reasons that stand on the page without being asked for."""
    return [row.channel for row in not_planned(appointment, reader=reader, now=now) if row.is_notable]


def test_reminders_that_are_planned_need_no_reason(provider, boss):
    assert why(appoint(provider, NINE), boss) == []


def test_no_address(provider, boss):
    made = appoint(provider, NINE, client=ClientFactory())
    Message.objects.all().delete()
    Client.objects.update(email="")

    assert why(made, boss) == [("email", BOTH, "No address to send it to.")]


def test_opted_out_with_the_day(opted_out, boss):
    assert reminders(opted_out) == []
    assert why(opted_out, boss) == [("email", BOTH, OPTED_OUT)]


def test_opted_out_after_planning(provider, boss):
    made = appoint(provider, NINE, client=ClientFactory(email="ada@example.org"))
    opt_out(channel="email", address="ada@example.org", source=OptOutSource.LINK, now=NOON)

    assert why(made, boss) == [("email", BOTH, OPTED_OUT)]


def test_opt_out_that_ended_is_none(opted_out, boss):
    OptOut.objects.update(ended_at=NOON)

    assert OPTED_OUT not in str(why(opted_out, boss))


def test_offset_already_past(provider, boss):
    made = appoint(provider, NINE)
    edit(appointment_id=made.pk, changes={"reminder_offsets": ["4 days", "1 hour"]}, actor=SYSTEM, now=NOON)

    assert why(made, boss) == [("email", ["4 days"], "It was already due before we could schedule it.")]


def test_a_reminder_that_was_sent_needs_no_reason(provider, boss):
    made = appoint(provider, NINE)
    send(at("2026-03-04 09:00"))

    assert why(made, boss, now=at("2026-03-04 09:01")) == []


def test_a_reminder_that_waits_past_its_time_needs_no_reason(provider, boss):
    made = appoint(provider, NINE)

    assert why(made, boss, now=at("2026-03-04 12:00")) == []


def test_a_reminder_cancelled_at_sending_says_why_itself(provider, boss):
    made = appoint(provider, NINE)
    Message.objects.filter(appointment=made, offset="1 day").update(status="cancelled", error="cause:opted_out")

    assert why(made, boss, now=at("2026-03-04 12:00")) == []


def test_provider_who_is_not_vetted(provider, boss):
    made = appoint(provider, NINE)
    Message.objects.all().delete()
    provider.is_approved = False
    provider.save()

    assert why(made, boss) == [("email", BOTH, "The provider is not approved, or their email is not verified.")]


def test_channel_that_was_not_chosen_is_told_where_it_is_offered(provider, boss, settings):
    made = appoint(provider, NINE)
    Preferences.objects.create(client=made.client, channels=["sms"], updated_at=NOON)
    Message.objects.filter(appointment=made, kind="reminder").delete()

    assert why(made, boss) == [
        ("email", BOTH, "The client doesn't get reminders on this channel."),
        ("sms", BOTH, "No address to send it to."),
    ]


def test_status_without_reminders(provider, boss):
    made = appoint(provider, NINE)
    Message.objects.all().delete()
    type(made).objects.filter(pk=made.pk).update(status="no_show")

    assert why(made, boss) == [("email", BOTH, "Appointments with this status don't get reminders.")]


def test_two_that_fall_on_one_instant(provider, boss):
    made = appoint(provider, NINE)
    edit(appointment_id=made.pk, changes={"reminder_offsets": ["1 day", "24 hours"]}, actor=SYSTEM, now=NOON)

    [(channel, [_offset], reason)] = why(made, boss)

    assert (channel, reason) == ("email", "Another reminder is due at the same time.")
    assert len(reminders(made)) == 1


def test_no_offsets(provider, boss):
    made = appoint(provider, NINE)
    edit(appointment_id=made.pk, changes={"reminder_offsets": []}, actor=SYSTEM, now=NOON)

    assert why(made, boss) == [("", [], "No reminders are set for this appointment.")]


# --- What stands on the page unasked ----------------------------------------------------------------------------------


@pytest.fixture
def by_text_too(settings):
    settings.SMS_GATEWAY = "file"


@pytest.mark.usefixtures("by_text_too")
def test_channel_that_nobody_chose_is_not_notable_without_an_address(provider, boss):
    made = appoint(provider, NINE, client=ClientFactory(email="ada@example.org"))

    assert why(made, boss) == [("sms", BOTH, NOT_REMINDED_BY_IT)]
    assert notable(made, boss) == []


@pytest.mark.usefixtures("by_text_too")
def test_channel_that_nobody_chose_is_notable_with_an_address(provider, boss):
    made = appoint(provider, NINE, client=ClientFactory(phone="+4930901820", verified_phone="+4930901820"))

    assert notable(made, boss) == ["sms"]


@pytest.mark.usefixtures("by_text_too")
def test_chosen_channel_is_notable_without_an_address(provider, boss):
    client = ClientFactory(email="ada@example.org")
    Preferences.objects.create(client=client, channels=["email", "sms"], updated_at=NOON)

    assert notable(appoint(provider, NINE, client=client), boss) == ["sms"]


def test_opt_out_is_as_notable_as_a_channel_not_chosen(opted_out, provider, boss):
    assert notable(opted_out, boss) == notable(opted_out, provider.user) == ["email"]


@pytest.mark.parametrize(("status", "channels"), [("pending", ["email"]), ("cancelled", []), ("missed", [])])
def test_reasons_are_notable_while_the_appointment_is_ahead(opted_out, boss, status, channels):
    type(opted_out).objects.filter(pk=opted_out.pk).update(status=status)

    assert notable(opted_out, boss) == channels
    assert [channel for channel, *_rest in why(opted_out, boss)] == ["email"]


def test_reasons_are_not_notable_once_it_has_begun(opted_out, boss):
    assert notable(opted_out, boss, now=NINE) == []
    assert why(opted_out, boss, now=NINE) == [("email", BOTH, OPTED_OUT)]


def test_missing_offsets_are_notable_while_it_is_ahead(provider, boss):
    made = appoint(provider, NINE)
    edit(appointment_id=made.pk, changes={"reminder_offsets": []}, actor=SYSTEM, now=NOON)

    assert notable(made, boss) == [""]
    assert notable(made, boss, now=NINE) == []


def test_page_lists_the_rest_where_it_is_asked_for(opted_out, dashboard):
    type(opted_out).objects.filter(pk=opted_out.pk).update(status="cancelled")

    page = dashboard.get(reverse("dashboard-appointment", args=[opted_out.pk])).content.decode()

    assert "Reminders not scheduled" not in page
    assert "<summary>All reminders not scheduled</summary>" in page
    assert escape(NOT_REMINDED_BY_IT) in page


# --- Who reads of an opt-out ------------------------------------------------------------------------------------------


def test_provider_reads_no_opt_out(opted_out, provider):
    for reader in (provider.user, staff_of(), AnonymousUser()):
        assert why(opted_out, reader) == [("email", BOTH, NOT_REMINDED_BY_IT)]


def test_page_of_the_provider_says_it_without_the_opt_out(opted_out, dashboard):
    page = dashboard.get(reverse("dashboard-appointment", args=[opted_out.pk])).content.decode()

    assert "Reminders not scheduled" in page
    assert escape(NOT_REMINDED_BY_IT) in page
    assert "opted out" not in page


def test_page_of_the_provider_is_silent_where_all_is_planned(provider, dashboard):
    made = appoint(provider, NINE)

    page = dashboard.get(reverse("dashboard-appointment", args=[made.pk])).content.decode()

    assert "Reminders not scheduled" not in page


@pytest.mark.parametrize(("more", "says"), [(["view_optout"], OPTED_OUT), ([], NOT_REMINDED_BY_IT)])
def test_admin_says_it_with_the_messages(opted_out, more, says):
    reader = staff_of()
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_appointment", "view_message", *more]))
    browser = browser_of(reader)

    page = browser.get(reverse("admin:booking_appointment_change", args=[opted_out.pk])).content.decode()

    assert escape(says) in page


def test_api_says_it(opted_out, provider_api, boss):
    path = f"/api/appointments/{opted_out.pk}/reminders/not-planned"

    assert provider_api.get(path).json() == [{"channel": "email", "offsets": BOTH, "reason": NOT_REMINDED_BY_IT}]
    assert logged_in(boss).get(path).json()[0]["reason"] == OPTED_OUT


def test_api_says_it_neither_to_the_client_nor_to_other_providers(booker, booker_api, provider):
    made = appoint(provider, NINE, client=booker)
    path = f"/api/appointments/{made.pk}/reminders/not-planned"

    assert booker_api.get(path).status_code == 403
    assert logged_in(open_provider(horizon_days=7).user).get(path).status_code == 404

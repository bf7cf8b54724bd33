"""Setting preferences, opting out and back in."""

from contextlib import contextmanager, nullcontext
from datetime import time

import pytest
from django.db import connection

from accounts.actors import Actor, Source
from booking.appointments.operations import edit
from reminders.enums import OptOutSource
from reminders.models import OptOut, Preferences
from reminders.preferences import operations
from reminders.preferences.errors import (
    ChannelNotOffered,
    NeverQuiet,
    NotVerified,
    NotYourAddress,
    OneEnd,
    StoppedBySms,
    UnknownChoice,
)
from reminders.preferences.operations import opt_in, opt_out, opt_out_as, set_preferences, withdraw_opt_out
from scheduler_project.common.errors import NotFound
from tests.factories import (
    NOON,
    SYSTEM,
    ClientFactory,
    ProviderFactory,
    UserFactory,
    actor_of,
    appoint,
    at,
    minutes,
    verified,
)
from tests.groups import MANAGER, staff_of
from tests.reminders.helpers import notices, reminders
from tests.slow.races.running import together

pytestmark = pytest.mark.django_db
LATER = NOON + minutes(1)


@pytest.fixture
def planned(monkeypatch):
    """Record the clients whose upcoming appointments are replanned."""
    calls = []

    def replan(appointments, *, now):
        calls.append((sorted(appointments.values_list("pk", flat=True)), now))
        return 0

    monkeypatch.setattr(operations, "replan", replan)
    return calls


def set_for(client, actor=SYSTEM, now=NOON, **changes):
    return set_preferences(client_id=client.pk, changes=changes, actor=actor, now=now)


def row(preferences):
    return Preferences.objects.values_list("channels", "language", "quiet_from", "quiet_until", "updated_at").get(
        pk=preferences.pk
    )


# --- Preferences ------------------------------------------------------------------------------------------------------


def test_set_preferences_keeps_what_is_not_mentioned():
    client = ClientFactory()
    set_for(client, channels=["sms", "email", "sms"], language="de")

    made = set_for(client, quiet_from=time(22, 0, 30), quiet_until=time(7), now=LATER)

    assert row(made) == (["email", "sms"], "de", time(22), time(7), LATER)


def test_set_preferences_back_to_the_sites():
    client = ClientFactory()
    set_for(client, channels=[], language="fr", quiet_from=time(22), quiet_until=time(7))

    made = set_for(client, channels=None, language="", quiet_from=None, quiet_until=None, now=LATER)

    assert row(made) == (None, "", None, None, LATER)


def test_set_preferences_to_what_they_are_changes_nothing(planned):
    client = ClientFactory()
    made = set_for(client, channels=["email"])
    planned.clear()

    set_for(client, channels=["email"], now=LATER)

    assert row(made)[-1] == NOON
    assert planned == []


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"channels": ["email", "pigeon"]}, UnknownChoice, "channels"),
        ({"channels": ["email", "webhook"]}, UnknownChoice, "channels"),
        ({"language": "tlh"}, UnknownChoice, "language"),
        ({"quiet_from": time(22)}, OneEnd, "quiet_until"),
        ({"quiet_until": time(7)}, OneEnd, "quiet_from"),
        ({"quiet_from": time(7), "quiet_until": time(7)}, NeverQuiet, "quiet_until"),
    ],
)
def test_set_preferences_refuses(changes, error, field):
    with pytest.raises(error) as refusal:
        set_for(ClientFactory(), **changes)

    assert refusal.value.field == field
    assert not Preferences.objects.exists()


def test_set_preferences_is_for_client_owner_and_staff():
    owner = ProviderFactory()
    client = ClientFactory(owner=owner)

    for number, actor in enumerate([actor_of(client), actor_of(owner), actor_of(staff_of(MANAGER))]):
        set_for(client, actor, language=["de", "fr", "en"][number])
    for stranger in (ProviderFactory(), ClientFactory()):
        with pytest.raises(NotFound):
            set_for(client, actor_of(stranger), language="de")

    assert Preferences.objects.get().language == "en"


def test_set_preferences_plans_the_clients_coming_appointments_anew(provider, planned):
    client = ClientFactory()
    coming = appoint(provider, at("2026-03-04 09:00"), client=client)
    appoint(provider, at("2026-03-04 10:00"))
    planned.clear()

    set_for(client, language="de", now=LATER)
    set_for(client, language="fr", now=at("2026-03-05 09:00"))

    assert planned == [([coming.pk], LATER), ([], at("2026-03-05 09:00"))]


# --- Opting out -------------------------------------------------------------------------------------------------------


def standing():
    return list(OptOut.objects.standing().values_list("channel", "address", "at", "source"))


def out(channel="email", address="ada@example.org", source=OptOutSource.LINK, now=NOON):
    return opt_out(channel=channel, address=address, source=source, now=now)


def test_opt_out_remembers_when_and_from_where():
    out(address=" Ada@Example.ORG ")

    assert standing() == [("email", "ada@example.org", NOON, "link")]


def test_opt_out_twice_keeps_the_first():
    first = out()
    again = out(source=OptOutSource.ONE_CLICK, now=LATER)

    assert again == first
    assert standing() == [("email", "ada@example.org", NOON, "link")]


def test_opt_out_of_one_channel_leaves_the_other():
    out("sms", "+4930901820", OptOutSource.SMS)

    assert standing() == [("sms", "+4930901820", NOON, "sms")]


def test_opt_in_keeps_the_row_and_says_when():
    out()

    assert opt_in(channel="email", address="ADA@example.org", now=LATER) is True
    assert standing() == []
    assert OptOut.objects.get().ended_at == LATER


def test_opt_in_without_an_opt_out_changes_nothing():
    assert opt_in(channel="email", address="ada@example.org", now=LATER) is False


def test_opt_out_after_an_opt_in_is_a_row_of_its_own():
    out()
    opt_in(channel="email", address="ada@example.org", now=LATER)
    out(source=OptOutSource.ONE_CLICK, now=NOON + minutes(2))

    assert standing() == [("email", "ada@example.org", NOON + minutes(2), "one_click")]
    assert OptOut.objects.count() == 2


def test_opt_out_and_in_plan_everybody_at_the_address_anew(provider, planned):
    mine = appoint(provider, at("2026-03-04 09:00"), client=ClientFactory(email="ada@example.org"))
    too = appoint(provider, at("2026-03-04 10:00"), client=ClientFactory(email="ada@example.org"))
    texted = appoint(provider, at("2026-03-04 11:00"), client=ClientFactory(phone="+4930901820"))
    planned.clear()

    out()
    out()
    opt_in(channel="email", address="ada@example.org", now=LATER)
    opt_in(channel="email", address="ada@example.org", now=LATER)
    out("sms", "+4930901820", OptOutSource.SMS)

    assert planned == [([mine.pk, too.pk], NOON), ([mine.pk, too.pk], LATER), ([texted.pk], NOON)]


# --- What becomes of reminders ----------------------------------------------------------------------------------------


@pytest.fixture
def tomorrow(provider):
    """Ten o'clock in Berlin the day after tomorrow."""
    client = ClientFactory(email="ada@example.org", phone="+4930901820", timezone="Europe/Berlin")
    return appoint(provider, at("2026-03-04 09:00"), client=client)


def test_quiet_hours_bring_reminders_forward_and_back(tomorrow):
    client = tomorrow.client
    usual = [("email", "1 day", "03 09:00"), ("email", "1 hour", "04 08:00")]
    assert reminders(tomorrow) == usual

    set_for(client, quiet_from=time(21), quiet_until=time(9, 30))
    assert reminders(tomorrow) == [("email", "1 day", "03 09:00"), ("email", "1 hour", "03 19:59")]

    set_for(client, quiet_from=None, quiet_until=None)
    assert reminders(tomorrow) == usual


def test_quiet_hours_that_began_before_now_leave_nothing_to_send(tomorrow):
    """That of a day before would have come at 10:59 today, an hour ago; that of an hour before comes tomorrow."""
    set_for(tomorrow.client, quiet_from=time(12), quiet_until=time(11))

    assert reminders(tomorrow) == [("email", "1 hour", "03 10:59")]


def test_quiet_hours_that_bring_two_reminders_together_leave_one(tomorrow):
    edit(appointment_id=tomorrow.pk, changes={"reminder_offsets": ["2 hours", "1 hour"]}, actor=SYSTEM, now=NOON)

    set_for(tomorrow.client, quiet_from=time(22), quiet_until=time(9, 30))

    assert reminders(tomorrow) == [("email", "1 hour", "03 20:59")]


def test_opting_out_of_mail_ends_reminders_but_no_notices(tomorrow):
    told = notices(tomorrow)

    out()

    assert reminders(tomorrow) == []
    assert notices(tomorrow) == told
    assert ("booked", "client", "email") in told


def test_opting_in_again_brings_reminders_back(tomorrow):
    before = reminders(tomorrow)
    out()

    opt_in(channel="email", address="ada@example.org", now=LATER)

    assert reminders(tomorrow) == before


def test_opting_out_of_one_channel_leaves_the_other(tomorrow):
    set_for(tomorrow.client, channels=["email", "sms"])

    out("sms", "+4930901820", OptOutSource.SMS)

    assert {channel for channel, *_ in reminders(tomorrow)} == {"email"}


# --- At once ----------------------------------------------------------------------------------------------------------


@contextmanager
def unconstrained():
    """The database lets an address opt out twice. Afterwards the rows are gone and it no longer does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'optout_stands_once'")
        (definition,) = cursor.fetchone()
        cursor.execute("DROP INDEX optout_stands_once")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE reminders_optout")
            cursor.execute(definition)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False])
def test_opt_out_by_many_at_once_stands_once(guarded):
    with nullcontext() if guarded else unconstrained():
        answers = together(*[out] * 6)

        assert answers.kinds() == {"OptOut": 6}
        assert (len(standing()) == 1) is guarded


@pytest.mark.django_db(transaction=True)
def test_opt_out_and_in_at_once_disturb_nobody():
    def back():
        return opt_in(channel="email", address="ada@example.org", now=LATER)

    for _ in range(5):
        answers = together(out, back, out, back, out)

        assert not [answer for answer in answers if isinstance(answer, Exception)]
        assert len(standing()) <= 1


# --- By somebody logged in --------------------------------------------------------------------------------------------


def out_as(actor, channel="email", address="ada@example.org"):
    return opt_out_as(channel=channel, address=address, actor=actor, now=NOON)


@pytest.mark.parametrize(("face", "source"), [(Source.API, "api"), (Source.PAGE, "page")])
def test_opt_out_as_oneself_is_about_the_email_one_logs_in_with(face, source):
    user = verified(UserFactory(email="ada@example.org"))

    out_as(Actor(user, face), address="Ada@example.org")

    assert standing() == [("email", "ada@example.org", NOON, source)]


def test_opt_out_as_oneself_about_another_address_is_refused():
    client = ClientFactory(phone="+4930901820", email="written@example.org")

    for channel, address in [("email", "written@example.org"), ("sms", "+4930901820")]:
        with pytest.raises(NotYourAddress):
            out_as(actor_of(client), channel, address)

    assert standing() == []


def test_opt_out_and_back_as_somebody_whose_email_is_not_verified_is_refused():
    somebody = actor_of(UserFactory(email="ada@example.org"))

    with pytest.raises(NotVerified):
        out_as(somebody)
    assert standing() == []

    with pytest.raises(NotVerified):
        withdraw_opt_out(opt_out_id=out().pk, actor=somebody, now=LATER)
    assert len(standing()) == 1


def test_opt_out_as_staff_is_about_anybody(staff):
    out_as(actor_of(staff), "sms", "+4930901820")

    assert standing() == [("sms", "+4930901820", NOON, "staff")]


def test_take_back_is_for_oneself_and_staff(staff):
    user = verified(UserFactory(email="ada@example.org"))
    for who in (user, staff):
        withdraw_opt_out(opt_out_id=out().pk, actor=actor_of(who), now=LATER)
        assert standing() == []

    with pytest.raises(NotYourAddress):
        withdraw_opt_out(opt_out_id=out().pk, actor=actor_of(ClientFactory()), now=LATER)


def test_take_back_of_what_was_taken_back_changes_nothing(staff):
    ended = out()
    opt_in(channel="email", address="ada@example.org", now=LATER)

    out(now=NOON + minutes(2))
    withdraw_opt_out(opt_out_id=ended.pk, actor=actor_of(staff), now=NOON + minutes(3))

    assert len(standing()) == 1


def test_take_back_of_a_stop_is_refused_even_to_staff(staff):
    stopped = out("sms", "+4930901820", OptOutSource.SMS)

    with pytest.raises(StoppedBySms):
        withdraw_opt_out(opt_out_id=stopped.pk, actor=actor_of(staff), now=LATER)

    assert len(standing()) == 1


def test_take_back_of_what_is_not_there_is_not_found(staff):
    with pytest.raises(NotFound):
        withdraw_opt_out(opt_out_id=1, actor=actor_of(staff), now=LATER)


def test_sms_cannot_be_chosen_where_nothing_sends_them_but_kept_and_given_up(settings):
    client = ClientFactory()
    which = {"client_id": client.pk, "actor": actor_of(client), "now": NOON}
    settings.SMS_GATEWAY = "none"
    with pytest.raises(ChannelNotOffered):
        set_preferences(**which, changes={"channels": ["email", "sms"]})

    settings.SMS_GATEWAY = "file"
    set_preferences(**which, changes={"channels": ["email", "sms"]})
    settings.SMS_GATEWAY = "none"
    set_preferences(**which, changes={"channels": ["sms"]})
    assert set_preferences(**which, changes={"channels": ["email"]}).channels == ["email"]

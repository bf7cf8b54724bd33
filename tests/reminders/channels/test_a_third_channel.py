"""A third channel, registered from its own file: everything that email and SMS can do, it can do too."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from accounts.privacy.operations import erase_client, export_person
from analytics.periods import Span
from analytics.queries import build_report
from analytics.report import ReportScope
from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from reminders.channels.base import RefusedForGood, Unreachable
from reminders.checks import settings_make_sense
from reminders.enums import MessageKind, MessageStatus
from reminders.invariants import unplanned
from reminders.models import DeliveryAttempt, Message, MessageTemplate, OptOut, Preferences
from reminders.preferences.links import opt_out_link
from reminders.preferences.operations import opt_in, opt_out
from tests.booking.answers import refusal
from tests.conftest import logged_in
from tests.factories import NOON, SYSTEM, ClientFactory, MessageFactory, appoint, at
from tests.groups import MANAGER, staff_of
from tests.reminders.channels.telegram import BLOCKED
from tests.reminders.helpers import notices, reminders, send

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("at_noon", "telegram"),
    pytest.mark.provider(horizon_days=10),
]

CHAT = "tg-700123"
NINE = at("2026-03-05 09:00")
DAY_BEFORE = at("2026-03-04 09:00")


@pytest.fixture
def booker(db):
    booker = ClientFactory(name="Ada", reference=CHAT)
    Preferences.objects.create(client=booker, channels=["telegram"], updated_at=NOON)
    return booker


@pytest.fixture
def mine(client, booker):
    client.force_login(booker.user)
    return client


@pytest.fixture
def appointment(provider, booker):
    return appoint(provider, NINE, client=booker, title="Check-up")


def telling(appointment, status="pending"):
    """The client's messages by Telegram, in one status."""
    return Message.objects.filter(appointment=appointment, channel="telegram", status=status)


# --- Choosing ---------------------------------------------------------------------------------------------------------


def test_a_client_chooses_it_in_the_api(booker_api):
    changed = booker_api.patch("/api/me/preferences", {"channels": ["telegram", "email"]})

    assert changed.json()["channels"] == ["email", "telegram"]
    assert {"channel": "telegram", "address": CHAT} in [
        {name: row[name] for name in ("channel", "address")} for row in changed.json()["addresses"]
    ]


def test_a_client_chooses_it_on_the_page(mine, booker):
    mine.post("/me/reminders/", {"channels": ["email", "telegram"], "phone": "", "language": ""})

    assert Preferences.objects.get(client=booker).channels == ["email", "telegram"]
    assert ("telegram", "Telegram") in mine.get("/me/reminders/").context["form"].fields["channels"].choices


def test_nobody_is_offered_it_where_it_is_not_set_up(telegram, booker_api):
    telegram.has_bot = False
    booker_api.patch("/api/me/preferences", {"channels": []})

    answer = booker_api.patch("/api/me/preferences", {"channels": ["telegram"]})

    assert refusal(answer)[1:] == ("not_offered", "channels")


def test_staff_choose_it_in_the_admin(office, booker):
    preferences = Preferences.objects.get()

    page = office.get(reverse("admin:reminders_preferences_change", args=[preferences.pk])).content.decode()

    assert 'value="telegram"' in page
    assert "Telegram" in office.get(reverse("admin:reminders_preferences_changelist")).content.decode()


def test_a_site_may_make_it_the_usual_one(settings, provider):
    settings.REMINDER_CHANNELS = ["telegram"]

    made = appoint(provider, NINE, client=ClientFactory(reference=CHAT))

    assert settings_make_sense() == []
    assert {channel for channel, *_rest in reminders(made)} == {"telegram"}


# --- Reminding --------------------------------------------------------------------------------------------------------


def test_an_appointment_is_told_and_reminded_of(telegram, appointment):
    assert reminders(appointment) == [("telegram", "1 day", "04 09:00"), ("telegram", "1 hour", "05 08:00")]
    assert ("booked", "client", "telegram") in notices(appointment)

    send(NOON)
    send(DAY_BEFORE)

    assert [address for address, _text in telegram.sent] == [CHAT, CHAT]
    assert telegram.sent[1][1] == "reminder: Check-up, Thu 5 Mar 2026, 09:00 (UTC)"
    assert reminders(appointment, status="sent") == [("telegram", "1 day", "04 09:00")]
    attempt = DeliveryAttempt.objects.filter(message__kind=MessageKind.REMINDER).get()
    assert (attempt.address, attempt.outcome, attempt.reference) == (CHAT, "sent", "message 2")


@pytest.mark.parametrize(("action", "kind"), [(Action.CANCEL, "cancelled")])
def test_a_change_is_told_and_reminders_are_withdrawn(telegram, appointment, action, kind):
    take_action(action=action, appointment_id=appointment.pk, actor=SYSTEM, now=NOON)

    assert ("telegram", kind) in [(channel, told) for told, to, channel in notices(appointment) if to == "client"]
    assert reminders(appointment) == []


def test_planning_again_changes_nothing(appointment):
    assert list(unplanned(NOON)) == []


def test_nothing_is_planned_for_a_client_without_an_address(provider, booker):
    booker.reference = "somebody"
    booker.save()

    assert reminders(appoint(provider, NINE, client=booker)) == []


def test_a_client_who_left_meanwhile_is_not_written_to_and_the_message_says_why(telegram, appointment, booker):
    send(NOON)
    booker.reference = "somebody"
    booker.save()
    send(DAY_BEFORE)

    assert len(telegram.sent) == 1
    assert telling(appointment, "cancelled").get().reason == "No address to send it to."


def test_what_the_channel_refuses_is_not_sent_and_only_readers_of_opt_outs_learn_why(telegram, appointment, provider):
    telegram.blocked.add(CHAT)
    send(DAY_BEFORE)

    message = telling(appointment, "cancelled").filter(kind=MessageKind.REMINDER)
    assert telegram.sent == []
    assert message.get().error == BLOCKED
    assert message.with_causes(staff_of(MANAGER)).get().reason == "The client blocked the bot."
    assert "blocked" not in message.with_causes(provider.user).get().reason


def test_an_answer_that_tells_of_an_address_is_told_to_few(telegram, appointment):
    telegram.error = RefusedForGood("403 bot was blocked by the user")
    send(DAY_BEFORE)

    message = telling(appointment, "failed").filter(kind=MessageKind.REMINDER).get()
    assert message.error == "403 bot was blocked by the user"
    assert "bot" not in message.reason


def test_it_waits_while_nobody_answers_and_staff_see_it(telegram, appointment, office):
    telegram.error = Unreachable("Telegram is down.")
    send(DAY_BEFORE)

    assert telling(appointment).filter(kind=MessageKind.REMINDER, due_at=DAY_BEFORE).exists()
    page = office.get("/admin/").content.decode()
    assert "Telegram&#x27;s servers" in page
    assert "Telegram is down." in page


def test_it_counts_towards_its_own_limits(settings, telegram, provider, booker):
    settings.THROTTLE, settings.SEND_RESERVE_PERCENT = True, 0
    telegram.limits = {"site": (99, 99), "sender": (1, 9), "recipient": (99, 99)}
    made = [appoint(provider, NINE + timedelta(hours=number), client=booker) for number in range(2)]

    send(NOON)

    assert len(telegram.sent) == 1
    waiting = [message for one in made for message in telling(one).filter(kind=MessageKind.BOOKED)]
    assert [message.error for message in waiting] == ["This sender can send up to 1 messages an hour."]


# --- Texts ------------------------------------------------------------------------------------------------------------


def test_its_texts_are_listed_and_previewed(dashboard, provider_api):
    groups = dashboard.get("/dashboard/messages/", {"language": "en"})
    preview = provider_api.post(
        "/api/message-templates/preview", {"kind": "booked", "channel": "telegram", "language": "en"}
    )

    assert "By Telegram, to the client" in groups.content.decode()
    assert preview.json()["letter"]["text"].startswith("booked: First visit, ")


def test_a_provider_has_texts_of_their_own(dashboard, telegram, provider, booker):
    page = "/dashboard/messages/reminder/telegram/client/en/"
    dashboard.post(page, {"body": "See you, {{ client_name }}!", "do": "save"})
    appoint(provider, NINE, client=booker)
    send(DAY_BEFORE)

    assert MessageTemplate.objects.get().channel == "telegram"
    assert (CHAT, "See you, Ada!") in telegram.sent


def test_its_texts_have_no_subject(provider_api):
    answer = provider_api.post(
        "/api/message-templates",
        {"kind": "booked", "channel": "telegram", "language": "en", "subject": "Hello", "body": "Hello"},
    )

    assert refusal(answer)[2] == "subject"


def test_a_message_that_is_never_sent_has_no_text(provider_api):
    answer = provider_api.post(
        "/api/message-templates/preview", {"kind": "hold", "channel": "telegram", "language": "en"}
    )

    assert refusal(answer)[2] == "kind"
    assert "by Telegram" in str(answer.json())


def test_staff_preview_and_filter_its_texts_in_the_admin(office):
    which = {"kind": "booked", "channel": "telegram", "recipient": "client", "language": "en"}
    preview = office.post(reverse("admin:reminders_messagetemplate_preview"), which | {"body": "See you"})
    listed = office.get(reverse("admin:reminders_messagetemplate_changelist"), {"channel__exact": "telegram"})

    assert preview.context["preview"].letter.text == "See you"
    assert listed.status_code == 200


# --- Opting out -------------------------------------------------------------------------------------------------------


def test_an_opt_out_stops_reminders_and_no_notices(telegram, appointment):
    opt_out(channel="telegram", address=CHAT.upper(), source="link", now=NOON)

    assert reminders(appointment) == []
    send(NOON)
    assert len(telegram.sent) == 1

    opt_in(channel="telegram", address=CHAT, now=NOON)
    assert len(reminders(appointment)) == 2


def test_an_opt_out_while_a_reminder_goes_out_is_heeded(telegram, appointment):
    OptOut.objects.create(channel="telegram", address=CHAT, source="link", at=NOON)  # past the operation
    send(DAY_BEFORE)

    reminder = telling(appointment, "cancelled").filter(kind=MessageKind.REMINDER)
    assert reminder.with_causes(staff_of(MANAGER)).get().reason == "The client opted out."


def test_a_client_opts_out_and_back_in_the_api(appointment, booker_api):
    made = booker_api.post("/api/opt-outs", {"channel": "telegram", "address": CHAT})

    assert (made.status_code, reminders(appointment)) == (201, [])
    assert booker_api.get("/api/opt-outs?channel=telegram").json()["results"] == [made.json()]
    assert booker_api.delete(f"/api/opt-outs/{made.json()['id']}").status_code == 204
    assert len(reminders(appointment)) == 2


def test_a_client_opts_out_and_back_on_the_page(mine, appointment):
    mine.post("/me/reminders/", {"do": "stop", "channel": "telegram"})
    page = mine.get("/me/reminders/").content.decode()

    assert reminders(appointment) == []
    assert "No reminders since 2 March 2026" in page

    mine.post("/me/reminders/", {"do": "back", "channel": "telegram"})
    assert len(reminders(appointment)) == 2


def test_nobody_opts_another_out(booker):
    stranger = ClientFactory()

    answer = logged_in(stranger.user).post("/api/opt-outs", {"channel": "telegram", "address": CHAT})

    assert refusal(answer)[1] == "not_your_address"
    assert not OptOut.objects.exists()


def test_a_signed_link_opts_out(client, appointment, settings):
    path = opt_out_link("telegram", CHAT).removeprefix(settings.SITE_URL)

    page = client.get(path).content.decode()
    client.post(path, {"do": "stop"})

    assert "Stop reminders" in page
    assert reminders(appointment) == []


@pytest.mark.parametrize(("address", "status"), [(CHAT.upper(), 201), ("ada@example.org", 400)])
def test_staff_opt_out_what_is_an_address_of_it(staff_api, address, status):
    assert staff_api.post("/api/opt-outs", {"channel": "telegram", "address": address}).status_code == status


@pytest.mark.parametrize(("address", "opted_out"), [(CHAT, True), ("ada@example.org", False)])
def test_staff_opt_out_in_the_admin(office, address, opted_out):
    office.post(reverse("admin:reminders_optout_add"), {"channel": "telegram", "address": address})

    assert OptOut.objects.filter(channel="telegram").exists() is opted_out


# --- Lists and reports ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["message", "optout"])
def test_admin_lists_are_narrowed_to_it(office, appointment, name):
    opt_out(channel="telegram", address=CHAT, source="link", now=NOON)
    MessageFactory()

    answer = office.get(reverse(f"admin:reminders_{name}_changelist"), {"channel__exact": "telegram"})

    assert {row.channel for row in answer.context["cl"].result_list} == {"telegram"}
    assert "Telegram" in answer.content.decode()


def test_the_api_and_the_page_are_narrowed_to_it(appointment, provider_api, dashboard):
    listed = provider_api.get("/api/reminders?channel=telegram").json()["results"]
    page = dashboard.get("/dashboard/reminders/", {"channel": "telegram"})

    assert {row["channel"] for row in listed} == {"telegram"}
    assert {line["message"].channel for line in page.context["lines"]} == {"telegram"}


def test_reports_count_it(appointment, provider):
    send(DAY_BEFORE)

    span = Span(date(2026, 3, 2), date(2026, 3, 6), ZoneInfo("UTC"))
    found = build_report(span=span, scope=ReportScope(provider=provider), now=DAY_BEFORE)

    assert (found.sent_reminders, found.upcoming_reminders) == (1, 1)


# --- Personal data ----------------------------------------------------------------------------------------------------


def test_the_archive_has_its_messages_and_opt_outs(appointment, booker):
    opt_out(channel="telegram", address=CHAT, source="link", now=NOON)

    archive = export_person(client_id=booker.pk, own=True)

    assert [row["address"] for row in archive["opt_outs"]] == [CHAT]
    assert "telegram" in {row["channel"] for row in archive["messages"]}


def test_erasing_forgets_the_address(telegram, appointment, booker):
    send(DAY_BEFORE)
    take_action(action=Action.CANCEL, appointment_id=appointment.pk, actor=SYSTEM, now=DAY_BEFORE)
    erase_client(client_id=booker.pk, actor=SYSTEM, now=DAY_BEFORE)
    send(DAY_BEFORE)

    assert not DeliveryAttempt.objects.filter(address=CHAT).exists()
    assert not telling(appointment, MessageStatus.PENDING).exists()
    assert not any("cancelled" in text for _address, text in telegram.sent)

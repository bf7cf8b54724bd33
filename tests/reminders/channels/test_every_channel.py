"""Every channel over every face: lists, forms, texts and plans know exactly those that are registered."""

import pytest
from django.urls import reverse
from django.utils.html import escape

from accounts.privacy.operations import export_person
from reminders.channels.registry import CHANNELS, personal, personal_channels
from reminders.dispatch.leases import due
from reminders.enums import MessageKind, Recipient
from reminders.models import Message, MessageTemplate, OptOut, Preferences
from reminders.outbox.forms import MessagesForm
from reminders.plan.facts import facts_of
from reminders.preferences.admin import OptOutForm, PreferencesForm
from reminders.preferences.api import OptOutSerializer, PreferencesSerializer
from reminders.preferences.links import opt_out_link, opting_out
from reminders.templates.operations import preview_template
from scheduler_project.common import sending_capacity
from scheduler_project.common.limits.sending import limits_of
from tests.factories import NOON, ClientFactory, MessageFactory, WebhookEndpointFactory, actor_of, appoint, at

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("at_noon", "telegram"),
    pytest.mark.provider(horizon_days=10),
]

PERSONAL = ["email", "sms", "telegram"]
ALL = ["email", "sms", "webhook", "telegram"]
ADDRESSES = {"email": "ada@example.org", "sms": "+442079460123", "telegram": "tg-700123"}


@pytest.fixture
def ada(db):
    return ClientFactory(email=ADDRESSES["email"], phone=ADDRESSES["sms"], reference=ADDRESSES["telegram"])


def names(choices):
    """The channels among choices, without the blank one."""
    return {str(value) for value, _label in choices} - {""}


def filtered_by(api, path, name):
    return api.get(path, {"channel": name}).status_code


def test_the_walk_is_over_all_channels():
    assert set(CHANNELS) == set(ALL)
    assert set(personal_channels()) == set(PERSONAL) == set(ADDRESSES)


# --- All channels -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_a_channel_has_a_name_that_fits_its_column_words_lines_and_limits(name):
    channel = CHANNELS[name]

    assert channel.name == name
    assert len(name) <= Message._meta.get_field("channel").max_length
    assert str(channel.label)
    assert str(channel.server)
    assert channel.threads >= 1
    assert all(limits_of(name, scope, trusted=True) for scope in ("site", "sender", "recipient"))


def test_the_floor_counts_the_lines_of_all():
    assert sending_capacity.lines() == sum(each.threads + each.urgent_threads for each in CHANNELS.values())


def test_the_dispatcher_looks_for_messages_of_all(provider):
    made = appoint(provider, at("2026-03-05 09:00"))
    Message.objects.all().delete()
    for name in ALL:
        MessageFactory(appointment=made, channel=name, status="pending")

    assert due(now=NOON) == dict.fromkeys(ALL, 1)


@pytest.mark.parametrize("name", ALL)
def test_messages_are_named_and_narrowed_by_it(name, provider, provider_api, staff_api, office, dashboard):
    made = appoint(provider, at("2026-03-05 09:00"))
    endpoint = None if name in personal_channels() else WebhookEndpointFactory(provider=provider)
    message = MessageFactory(channel=name, appointment=made, endpoint=endpoint)

    assert message.get_channel_display() == str(CHANNELS[name].label)
    assert filtered_by(provider_api, "/api/reminders", name) == 200
    assert filtered_by(staff_api, "/api/admin/reminders", name) == 200
    assert f'value="{name}"' in dashboard.get("/dashboard/reminders/").content.decode()
    assert f"channel__exact={name}" in office.get(reverse("admin:reminders_message_changelist")).content.decode()


def test_forms_of_messages_offer_all():
    assert names(MessagesForm().fields["channel"].choices) == set(ALL)


# --- Channels that reach people ---------------------------------------------------------------------------------------


def test_choices_of_people_are_those_that_reach_them():
    offered = [
        PreferencesForm(instance=Preferences()).fields["channels"].choices,
        OptOutForm().fields["channel"].choices,
        PreferencesSerializer().fields["channels"].child.choices.items(),
        OptOutSerializer().fields["channel"].choices.items(),
        MessageTemplate._meta.get_field("channel").flatchoices,
    ]

    assert [names(choices) for choices in offered] == [set(PERSONAL)] * len(offered)


@pytest.mark.parametrize("name", PERSONAL)
def test_an_address_is_the_same_to_python_and_to_postgresql(name, provider, ada):
    made = appoint(provider, at("2026-03-05 09:00"), client=ada)

    [facts] = facts_of([made.pk])

    assert dict(zip(personal_channels(), facts.addresses, strict=True)) == ADDRESSES
    assert personal(name).address_of(ada) == ADDRESSES[name]
    assert type(ada).objects.filter(personal(name).clients_at(ADDRESSES[name])).get() == ada


@pytest.mark.parametrize("name", PERSONAL)
def test_who_has_no_address_has_the_same_to_both(name, provider):
    nobody = ClientFactory(email="", phone="")
    made = appoint(provider, at("2026-03-05 09:00"), client=nobody)

    [facts] = facts_of([made.pk])

    assert dict(zip(personal_channels(), facts.addresses, strict=True))[name] == personal(name).address_of(nobody) == ""


@pytest.mark.parametrize("name", PERSONAL)
def test_a_spelling_stays_as_it_is(name):
    channel, address = personal(name), ADDRESSES[name]

    assert channel.spelled(address) == channel.checked(address) == address
    assert channel.checked(f" {address.upper()} ") == address


@pytest.mark.parametrize("name", PERSONAL)
def test_facts_know_its_opt_outs(name, provider, ada):
    made = appoint(provider, at("2026-03-05 09:00"), client=ada)
    OptOut.objects.create(channel=name, address=ADDRESSES[name], source="link", at=NOON)

    [facts] = facts_of([made.pk])

    assert list(facts.opted_out) == [name]


@pytest.mark.parametrize("name", PERSONAL)
def test_a_link_to_opt_out_names_it(name):
    token = opt_out_link(name, ADDRESSES[name]).rstrip("/").rpartition("/")[2]

    assert opting_out(token) == (name, ADDRESSES[name])


@pytest.mark.parametrize("name", PERSONAL)
def test_its_page_to_opt_out_opens_and_says_when(client, settings, name):
    path = opt_out_link(name, ADDRESSES[name]).removeprefix(settings.SITE_URL)
    client.post(path, {"do": "stop"})

    page = client.get(path).content.decode()

    words = personal(name).opt_out_words
    assert escape(str(words.stopped)) in page
    assert escape(str(words.resume)) in page


@pytest.mark.parametrize("name", PERSONAL)
def test_a_client_is_told_of_every_event_and_all_texts_can_be_previewed(name, provider):
    texts = personal(name).texts
    events = {
        MessageKind.REMINDER,
        MessageKind.BOOKED,
        MessageKind.PENDING,
        MessageKind.APPROVED,
        MessageKind.DECLINED,
        MessageKind.MOVED,
        MessageKind.CANCELLED,
    }
    assert events <= set(texts[Recipient.CLIENT])

    for recipient, kinds in texts.items():
        for kind in kinds:
            template = MessageTemplate(kind=kind, channel=name, recipient=recipient, language="en", provider=provider)
            letter = preview_template(template=template, actor=actor_of(provider), now=NOON).letter
            assert letter.text
            assert bool(letter.subject) is not personal(name).is_short


@pytest.mark.parametrize("name", PERSONAL)
def test_texts_are_listed_and_narrowed_by_it(name, dashboard, provider_api, office):
    groups = dashboard.get("/dashboard/messages/").context["groups"]

    assert name in {group["channel"] for group in groups}
    assert filtered_by(provider_api, "/api/message-templates", name) == 200
    listed = office.get(reverse("admin:reminders_messagetemplate_changelist"), {"channel__exact": name})
    assert listed.status_code == 200
    assert f'value="{name}"' in office.get(reverse("admin:reminders_messagetemplate_add")).content.decode()


@pytest.mark.parametrize("name", PERSONAL)
def test_the_archive_that_staff_give_out_has_its_opt_outs(name, ada):
    OptOut.objects.create(channel=name, address=ADDRESSES[name], source="link", at=NOON)

    [row] = export_person(client_id=ada.pk)["opt_outs"]

    assert (row["channel"], row["address"]) == (name, ADDRESSES[name])

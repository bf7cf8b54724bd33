"""`/dashboard/messages/`: a provider's message templates."""

import pytest
from django.core import mail

from reminders.models import MessageTemplate
from tests.factories import MessageTemplateFactory, verified
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=14)]


WORDS = "/dashboard/messages/"
BOOKED = f"{WORDS}booked/email/client/en/"
BY_SMS = f"{WORDS}booked/sms/client/en/"

SEE_YOU = {"subject": "See you on {{ start }}", "body": "Dear {{ client_name }}, see you!"}


def test_words_are_listed_with_which_are_ones_own(dashboard, provider):
    MessageTemplateFactory(provider=provider)
    MessageTemplateFactory(kind="moved")

    groups = dashboard.get(WORDS, {"language": "en"}).context["groups"]

    own = [(row["kind"], group["channel"]) for group in groups for row in group["kinds"] if row["own"]]
    assert own == [("booked", "email")]


def test_words_in_use_are_shown_with_what_they_look_like(dashboard):
    answer = dashboard.get(BOOKED)

    assert "{{ client_name }}" in answer.content.decode()
    assert "Hi Alex Sample" in answer.context["preview"].letter.text


def test_a_preview_shows_what_was_typed_and_keeps_nothing(dashboard):
    before = dump()

    answer = dashboard.post(BOOKED, SEE_YOU | {"do": "preview"})

    assert "Dear Alex Sample, see you!" in answer.context["preview"].letter.text
    assert dump() == before


def test_words_are_saved_and_changed(dashboard, provider):
    dashboard.post(BOOKED, SEE_YOU | {"do": "save"})
    answer = dashboard.post(BOOKED, SEE_YOU | {"body": "Bye.", "do": "save"})

    template = MessageTemplate.objects.get()
    assert answer.headers["Location"] == BOOKED
    assert (template.provider, template.kind, template.body) == (provider, "booked", "Bye.")


def test_words_of_text_messages_have_no_subject(dashboard):
    dashboard.post(BY_SMS, {"body": "See you {{ start }}", "do": "save"})

    assert MessageTemplate.objects.get().subject == ""
    assert "subject" not in dashboard.get(BY_SMS).context["form"].fields


@pytest.mark.parametrize("deed", ["preview", "save", "test"])
def test_words_with_an_unknown_variable_are_refused_with_what_was_typed(dashboard, deed):
    answer = dashboard.post(BOOKED, SEE_YOU | {"body": "Dear {{ nobody }}", "do": deed})

    assert "Unknown variable “nobody”" in answer.context["form"].errors["body"][0]
    assert "Dear {{ nobody }}" in answer.content.decode()
    assert not MessageTemplate.objects.exists()
    assert not mail.outbox


def test_a_test_is_sent_to_oneself_and_keeps_nothing(dashboard, provider):
    verified(provider.user)

    answer = dashboard.post(BOOKED, SEE_YOU | {"do": "test"})

    assert provider.user.email in answer.content.decode()
    assert not MessageTemplate.objects.exists()


def test_ones_words_are_reset_to_the_usual_ones(dashboard, provider):
    MessageTemplateFactory(provider=provider)

    dashboard.post(BOOKED, {"do": "reset"})

    assert not MessageTemplate.objects.exists()


def test_other_peoples_words_stay(dashboard):
    MessageTemplateFactory()

    dashboard.post(BOOKED, {"do": "reset"})
    dashboard.post(BOOKED, SEE_YOU | {"do": "save"})

    assert MessageTemplate.objects.count() == 2


@pytest.mark.parametrize("path", ["hold/sms/client/en/", "event/webhook/provider/en/", "booked/email/client/xx/"])
def test_what_is_never_sent_is_not_there(dashboard, path):
    assert dashboard.get(f"{WORDS}{path}").status_code == 404


def test_words_cost_few_queries(dashboard, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        dashboard.get(WORDS)
    with django_assert_max_num_queries(8):
        dashboard.get(BOOKED)

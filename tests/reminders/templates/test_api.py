"""`/api/message-templates`: message templates."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reminders.models import MessageTemplate
from reminders.templates.texts import VARIABLES
from tests.booking.answers import ids, refusal
from tests.conftest import logged_in
from tests.factories import MessageTemplateFactory, ProviderFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


PATH = "/api/message-templates"
MINE = {"kind": "booked", "channel": "email", "language": "en", "subject": "See you", "body": "On {{ start }}"}


@pytest.fixture
def ada(db):
    return ProviderFactory(name="Ada", user__timezone="Europe/Paris")


@pytest.fixture
def ada_api(ada):
    return logged_in(ada.user)


@pytest.fixture
def own(ada):
    return MessageTemplateFactory(provider=ada)


@pytest.fixture
def of_site(db):
    return MessageTemplateFactory()


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_own_words_can_be_read(ada_api, ada, own):
    assert ada_api.get(f"{PATH}/{own.pk}").json() == {
        "id": own.pk,
        "provider": ada.pk,
        "kind": "booked",
        "channel": "email",
        "recipient": "client",
        "language": "en",
        "subject": "See you on {{ start }}",
        "body": "Dear {{ client_name }}, see you on {{ start }}.",
    }


def test_list_shows_staff_all_and_a_provider_their_own(api, staff_api, booker_api, ada_api, own, of_site):
    another = MessageTemplateFactory(provider=ProviderFactory())

    assert ids(staff_api.get(PATH)) == [own.pk, of_site.pk, another.pk]
    assert ids(ada_api.get(PATH)) == [own.pk]
    assert ids(booker_api.get(PATH)) == []
    assert refusal(api.get(PATH)) == (401, "not_authenticated", None)
    assert refusal(ada_api.get(f"{PATH}/{another.pk}")) == (404, "not_found", None)


@pytest.mark.parametrize(
    ("query", "found"),
    [({"kind": "moved"}, 0), ({"kind": "booked"}, 1), ({"language": "de"}, 0), ({"recipient": "client"}, 1)],
)
def test_list_narrows(staff_api, own, query, found):
    assert len(ids(staff_api.get(PATH, query))) == found


def test_list_narrows_by_provider(staff_api, ada, own, of_site):
    assert ids(staff_api.get(PATH, {"provider": ada.pk})) == [own.pk]


def test_list_asks_a_constant_number_of_queries(staff_api, own):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            staff_api.get(PATH)
        return len(captured)

    one = queries()
    for _ in range(20):
        MessageTemplateFactory(provider=ProviderFactory())

    assert queries() == one


# --- Keeping ----------------------------------------------------------------------------------------------------------


def test_add_by_a_provider_is_theirs(ada_api, ada):
    answer = ada_api.post(PATH, MINE)

    made = MessageTemplate.objects.get()
    assert (answer.status_code, answer.json()) == (
        201,
        {"id": made.pk, "provider": ada.pk, "recipient": "client", **MINE},
    )


def test_add_by_staff_is_the_sites_or_whose_they_say(staff_api, ada):
    assert staff_api.post(PATH, MINE).json()["provider"] is None
    assert staff_api.post(PATH, {**MINE, "provider": ada.pk}).json()["provider"] == ada.pk


def test_add_for_somebody_else_is_refused(ada_api, booker_api):
    other = ProviderFactory()

    assert refusal(ada_api.post(PATH, {**MINE, "provider": other.pk})) == (403, "not_allowed", "provider")
    assert refusal(booker_api.post(PATH, MINE)) == (403, "not_allowed", None)
    assert not MessageTemplate.objects.exists()


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"body": "{{ nobody }}"}, "unknown_variable", "body"),
        ({"subject": "{{ nobody }}"}, "unknown_variable", "subject"),
        ({"body": "{% now %}"}, "braces", "body"),
        ({"body": ""}, "blank", "body"),
        ({"body": "x" * 5001}, "max_length", "body"),
        ({"subject": ""}, "bad_words", "subject"),
        ({"subject": "a\nb"}, "control_characters", "subject"),
        ({"channel": "sms"}, "bad_words", "subject"),
        ({"channel": "webhook"}, "invalid_choice", "channel"),
        ({"kind": "event"}, "invalid_choice", "kind"),
        ({"kind": "hold"}, "bad_words", "body"),
        ({"language": "tlh"}, "invalid_choice", "language"),
    ],
)
def test_add_refuses_words_that_could_not_be_sent_as_they_are_meant(ada_api, change, code, field):
    assert refusal(ada_api.post(PATH, {**MINE, **change})) == (400, code, field)
    assert not MessageTemplate.objects.exists()


def test_refusal_names_the_unknown_variable_and_lists_the_known(ada_api):
    detail = ada_api.post(PATH, {**MINE, "body": "{{ nobody }}"}).json()["errors"][0]["detail"]

    assert "“nobody”" in detail
    assert all(name in detail for name in VARIABLES)


def test_add_refuses_a_second_one_for_the_same(ada_api, own):
    assert refusal(ada_api.post(PATH, MINE)) == (409, "template_exists", None)


def test_change_ones_own(ada_api, own):
    answer = ada_api.patch(f"{PATH}/{own.pk}", {"body": "Bye"})

    own.refresh_from_db()
    assert (answer.status_code, answer.json()["body"], own.body) == (200, "Bye", "Bye")


def test_change_refuses_unknown_variables(ada_api, own):
    assert refusal(ada_api.patch(f"{PATH}/{own.pk}", {"body": "{{ x }}"})) == (400, "unknown_variable", "body")


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_change_of_the_sites_is_for_staff(ada_api, staff_api, of_site, method):
    assert refusal(getattr(ada_api, method)(f"{PATH}/{of_site.pk}", {})) == (404, "not_found", None)
    assert getattr(staff_api, method)(f"{PATH}/{of_site.pk}", {}).status_code in (200, 204)


def test_delete_ones_own(ada_api, own):
    assert ada_api.delete(f"{PATH}/{own.pk}").status_code == 204
    assert not MessageTemplate.objects.exists()


# --- Looking ----------------------------------------------------------------------------------------------------------


def test_preview_shows_words_filled_in(ada_api):
    answer = ada_api.post(f"{PATH}/preview", {**MINE, "language": "de"})

    body = answer.json()
    assert answer.status_code == 200
    assert body["words"] == {"subject": "See you", "body": "On {{ start }}"}
    assert body["letter"]["subject"] == "See you"
    assert body["letter"]["text"].startswith("On Donnerstag, 5. März 2026, 09:00 Uhr (Europe/Paris)")
    assert body["letter"]["html"].startswith("<!doctype html>")
    assert not MessageTemplate.objects.exists()


def test_preview_without_words_shows_those_in_use(ada_api, own):
    which = {"kind": "booked", "channel": "email", "language": "en"}

    assert ada_api.post(f"{PATH}/preview", which).json()["words"] == {"subject": own.subject, "body": own.body}
    shipped = ada_api.post(f"{PATH}/preview", {**which, "language": "fr"}).json()["words"]
    assert shipped["subject"] == "Réservé : {{ title }}, {{ start }}"


def test_preview_is_for_those_who_keep_words(api, booker_api, staff_api):
    assert staff_api.post(f"{PATH}/preview", MINE).status_code == 200
    assert refusal(booker_api.post(f"{PATH}/preview", MINE)) == (403, "not_allowed", None)
    assert refusal(api.post(f"{PATH}/preview", MINE)) == (401, "not_authenticated", None)


def test_preview_refuses_what_could_not_be_saved(ada_api):
    assert refusal(ada_api.post(f"{PATH}/preview", {**MINE, "body": "{{ x }}"})) == (400, "unknown_variable", "body")
    assert refusal(ada_api.post(f"{PATH}/preview", {**MINE, "subject": ""})) == (400, "bad_words", "subject")


# --- In which language ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "language", "detail"),
    [
        ("", "en", "Not found, or you don't have access to it."),
        ("de-AT,de;q=0.9,en;q=0.8", "de", "Nicht gefunden, oder Sie haben keinen Zugriff."),
        ("tlh, fr;q=0.5", "fr", "Introuvable, ou vous n’y avez pas accès."),
        ("tlh", "en", "Not found, or you don't have access to it."),
        ("x" * 5000, "en", "Not found, or you don't have access to it."),
    ],
)
def test_errors_are_told_in_the_askers_language_under_the_same_code(ada_api, asked, language, detail):
    answer = ada_api.get("/api/slots", {"provider": 999999}, HTTP_ACCEPT_LANGUAGE=asked)

    assert answer.json()["errors"] == [{"code": "not_found", "detail": detail, "attr": "provider"}]
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == (language, "Accept-Language")


def test_documentation_is_in_one_language(api):
    answer = api.get("/api/schema", HTTP_ACCEPT_LANGUAGE="de")

    assert "Return times with the offset of this IANA time zone." in answer.content.decode()


def test_admin_speaks_the_language_of_the_browser(client):
    client.force_login(UserFactory(superuser=True))

    page = client.get("/admin/", headers={"accept-language": "de"}).content.decode()

    assert "Nachrichtenvorlagen" in page
    assert "Heute" in page

"""An appointment goes to another client: the operation and the API."""

from datetime import timedelta

import pytest
from django.core import signing
from django.urls import reverse

from accounts.models import Client
from accounts.privacy.operations import erase_client, export_person
from analytics.api.serializers import serialized_report
from analytics.periods import Span
from analytics.queries import build_report
from analytics.report import ReportScope
from booking.appointments.enums import Action, Event
from booking.appointments.operations import change, confirm, edit, reschedule, take_action
from booking.appointments.queries import moved_from
from booking.appointments.unconverted import unconverted_holds
from booking.links import APPOINTMENT, appointment_link, appointment_token
from booking.models import Appointment, Reservation
from booking.reservations.errors import ClientErased, HoldReleased, NotBookable, SlotTaken
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from booking.signals import time_freed
from scheduler_project.common.errors import DomainError, NotAllowed
from tests.booking.answers import refusal
from tests.conftest import logged_in
from tests.factories import (
    NOON,
    SYSTEM,
    ClientFactory,
    ServiceFactory,
    actor_of,
    appoint,
    at,
    hold,
    open_provider,
)
from tests.looking import broken_promises, grid
from tests.project.world import by_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]

NINE, TEN = at("2026-03-04 09:00"), at("2026-03-04 10:00")


@pytest.fixture
def ben(provider):
    """Another client in the provider's address book."""
    return ClientFactory(owner=provider, user=None, name="Ben", email="ben@example.org", timezone="Europe/Berlin")


@pytest.fixture
def made(provider, booker):
    """Wednesday, 09:00, with what the client wrote."""
    service = ServiceFactory(name="First visit", duration_minutes=30, providers=[provider])
    words = {"title": "My secret knee", "description": "It hurts at night.", "timezone": "America/New_York"}
    return appoint(provider, NINE, client=booker, service_id=service.pk, **words)


@pytest.fixture
def weekly(provider, booker):
    """Four Wednesdays at nine."""
    wanted = SeriesSpec(provider.pk, booker.pk, "FREQ=DAILY;COUNT=3", NINE)
    return create_series(wanted=wanted, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON).booked


def give(made, client, **more):
    more = {"actor": SYSTEM, "now": NOON} | more
    return change(appointment_id=made.pk, client_id=client.pk, **more)


def path(made, action=""):
    return f"/api/v1/appointments/{made.pk}" + (f"/{action}" if action else "")


# --- What changes -----------------------------------------------------------------------------------------------------


def test_appointment_has_the_new_client_at_the_same_time_and_by_the_same_id(made, ben):
    given = give(made, ben)

    assert (given.pk, given.uid, given.client, given.starts_at) == (made.pk, made.uid, ben, NINE)
    assert Appointment.objects.get(pk=made.pk).reservation.client == ben
    assert broken_promises() == {}


def test_its_time_stays_taken_by_the_same_slots_and_nobody_hears_that_it_is_free(provider, made, ben):
    before = [(start, end, bool(claim), withdrawn) for start, end, claim, withdrawn in grid(provider)]
    heard = []
    time_freed.connect(hear := lambda **kwargs: heard.append(kwargs))
    try:
        given = give(made, ben)
    finally:
        time_freed.disconnect(hear)

    assert heard == []
    assert [(start, end, bool(claim), withdrawn) for start, end, claim, withdrawn in grid(provider)] == before
    assert {claim for *_, claim, _withdrawn in grid(provider)} == {None, given.reservation_id}


def test_new_client_reads_nothing_that_the_former_one_wrote(made, ben):
    given = give(made, ben)

    assert (given.title, given.description, given.timezone) == ("First visit", "", "Europe/Berlin")
    assert given.reservation.note == ""


def test_reservation_of_the_former_client_stays_theirs_and_is_released(made, booker, ben):
    give(made, ben)

    old = Reservation.objects.get(pk=made.reservation_id)
    assert (old.client, old.status, old.closed_at) == (booker, "released", NOON)


def test_history_says_from_whom_and_keeps_the_words(made, booker, ben):
    event = give(made, ben).events.latest("pk")

    assert event.event == Event.REASSIGNED
    assert event.details["was"] == {
        "client": booker.pk,
        "title": "My secret knee",
        "description": "It hurts at night.",
        "timezone": "America/New_York",
    }
    assert event.details["changed"] == ["client", "description", "timezone", "title"]


def test_occurrence_leaves_its_series_which_does_not_book_it_again(weekly, ben):
    given = give(weekly[1], ben)

    assert (given.series, given.occurrence) == (None, None)
    weekly[0].series.refresh_from_db()
    assert weekly[0].series.exdates == [weekly[1].occurrence]
    assert broken_promises() == {}


def test_same_client_changes_nothing(made, booker):
    assert give(made, booker).sequence == made.sequence
    assert made.events.count() == 1


def test_back_to_the_first_client(made, booker, ben):
    give(made, ben)

    assert give(made, booker).client == booker
    assert broken_promises() == {}


def test_appointment_goes_on_to_be_moved_and_cancelled(made, ben):
    give(made, ben)
    reschedule(appointment_id=made.pk, starts_at=TEN, actor=SYSTEM, now=NOON)
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert broken_promises() == {}


def test_appointment_at_short_notice_off_the_hours_is_passed_on_as_it_is(provider, booker, ben):
    made = appoint(provider, at("2026-03-02 20:00"), client=booker, overrides=["hours", "notice"])

    given = give(made, ben)

    assert (given.starts_at, given.reservation.overrides) == (made.starts_at, ["hours", "notice"])
    assert broken_promises() == {}


# --- With other changes -----------------------------------------------------------------------------------------------


def test_client_and_time_change_at_once_with_one_event(made, ben):
    given = give(made, ben, starts_at=TEN)

    assert (given.client, given.starts_at) == (ben, TEN)
    event = given.events.latest("pk")
    assert (event.event, event.details["from"], event.details["to"]) == (
        Event.REASSIGNED,
        "2026-03-04T09:00:00Z",
        "2026-03-04T10:00:00Z",
    )
    assert given.events.count() == 2
    assert broken_promises() == {}


def test_nothing_is_half_done_if_the_time_is_taken(provider, made, ben):
    appoint(provider, TEN)

    with pytest.raises(SlotTaken):
        give(made, ben, starts_at=TEN)

    assert Appointment.objects.get(pk=made.pk).reservation_id == made.reservation_id
    assert broken_promises() == {}


def test_nothing_is_half_done_if_the_status_cannot_follow(made, ben):
    with pytest.raises(DomainError, match="can become"):
        give(made, ben, status="declined")

    assert Appointment.objects.get(pk=made.pk).reservation_id == made.reservation_id


def test_texts_of_the_same_request_are_those_of_the_new_client(made, ben):
    given = give(made, ben, texts={"description": "Bring the X-rays.", "title": made.title})

    assert (given.title, given.description) == ("First visit", "Bring the X-rays.")


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["completed", "missed", "cancelled", "declined"])
def test_only_appointments_yet_to_take_place(made, ben, status):
    Appointment.objects.filter(pk=made.pk).update(status=status)

    with pytest.raises(DomainError) as refused:
        give(made, ben)

    assert refused.value.code == "bad_transition"


def test_client_of_another_providers_address_book_is_refused(made):
    stranger = ClientFactory(owner=open_provider(horizon_days=3), user=None)

    with pytest.raises(NotAllowed) as refused:
        give(made, stranger)

    assert refused.value.field == "client"


def test_client_who_was_erased_is_refused(made, ben):
    erase_client(client_id=ben.pk, actor=SYSTEM, now=NOON)

    with pytest.raises(ClientErased):
        give(made, ben)


def test_booking_for_a_client_who_was_erased_is_refused_alike(provider, ben):
    erase_client(client_id=ben.pk, actor=SYSTEM, now=NOON)

    with pytest.raises(ClientErased):
        appoint(provider, NINE, client=ben, overrides=["notice"])


def test_provider_who_takes_no_bookings_gets_no_other_client(provider, made, ben):
    type(provider).objects.filter(pk=provider.pk).update(is_active=False)

    with pytest.raises(NotBookable):
        give(made, ben)


def test_client_gives_their_own_appointment_to_nobody(made, booker, ben):
    with pytest.raises(NotAllowed):
        give(made, ben, actor=actor_of(booker))


# --- The API ----------------------------------------------------------------------------------------------------------


def test_patch_answers_the_appointment_of_the_new_client(provider_api, made, ben):
    answer = provider_api.patch(path(made), {"client": ben.pk})

    assert (answer.status_code, answer.json()["client"]["id"]) == (200, ben.pk)
    assert answer.json()["allowed_actions"] == ["reschedule", "reassign", "cancel"]


def test_put_of_an_answer_with_another_client_carries_no_words_over(provider_api, made, ben):
    body = provider_api.get(path(made)).json()

    answer = provider_api.put(path(made), body | {"client": ben.pk}).json()

    assert (answer["client"]["id"], answer["title"], answer["description"]) == (ben.pk, "First visit", "")


def test_answer_sent_back_keeps_its_client(provider_api, made, booker):
    body = provider_api.get(path(made)).json()

    assert provider_api.put(path(made), body).json()["client"]["id"] == booker.pk
    assert made.events.count() == 1


def test_client_who_is_described_otherwise_is_refused(provider_api, made, ben):
    answer = provider_api.patch(path(made), {"client": {"id": ben.pk, "name": "Ben"}})

    assert refusal(answer) == (400, "invalid", "client")


def test_client_whom_the_provider_may_not_see_is_not_found(provider_api, made):
    answer = provider_api.patch(path(made), {"client": ClientFactory().pk})

    assert refusal(answer) == (404, "not_found", "client")


def test_staff_change_the_client(staff_api, made, ben):
    assert staff_api.patch(path(made), {"client": ben.pk}).json()["client"]["id"] == ben.pk


def test_client_sends_no_other_client(booker_api, made, ben):
    assert refusal(booker_api.patch(path(made), {"client": ben.pk})) == (404, "not_found", "client")


def test_former_client_no_longer_sees_it(provider_api, booker_api, made, ben):
    provider_api.patch(path(made), {"client": ben.pk})

    assert booker_api.get(path(made)).status_code == 404
    assert booker_api.get("/api/v1/appointments").json()["count"] == 0


def test_history_for_the_new_client_begins_with_them(provider_api, made, ben):
    edit(appointment_id=made.pk, changes={"title": "Secret"}, actor=SYSTEM, now=NOON)
    other = ClientFactory()
    give(made, other)

    (row,) = logged_in(other.user).get(path(made, "history")).json()["results"]

    assert (row["event"], row["details"]) == ("reassigned", {})
    assert provider_api.get(path(made, "history")).json()["count"] == 3


def test_pages_show_the_new_client_no_history_of_the_former(made):
    other = ClientFactory()
    give(made, other)
    browser = logged_in(other.user)

    page = browser.get(reverse("my-appointment", args=[made.pk])).content.decode()

    assert "My secret knee" not in page
    assert "Booked" not in page


# --- Mailed links -----------------------------------------------------------------------------------------------------


def old_token(made):
    """A token from before tokens named the client."""
    return signing.dumps(made.pk, salt=APPOINTMENT)


def test_link_of_the_former_client_leads_nowhere(client, made, ben):
    link = appointment_link(made).removeprefix("http://localhost:8000")
    assert client.get(link).status_code == 200

    give(made, ben)

    assert client.get(link).status_code == 404
    assert client.get(f"{link}appointment.ics").status_code == 404
    assert client.get(f"{link}phone/").status_code == 404


def test_link_of_the_new_client_works(client, made, ben):
    link = appointment_link(give(made, ben)).removeprefix("http://localhost:8000")

    assert client.get(link).status_code == 200


def test_first_links_work_until_the_appointment_has_another_client(client, made, ben):
    assert client.get(f"/a/{old_token(made)}/").status_code == 200

    give(made, ben)

    assert client.get(f"/a/{old_token(made)}/").status_code == 404


@pytest.mark.parametrize("token", [appointment_token, old_token])
def test_token_of_the_former_client_does_nothing_by_api(made, ben, token):
    guest = by_token(token(made))
    assert guest.get(path(made)).status_code == 200

    give(made, ben)

    assert guest.get(path(made)).status_code == 404
    assert guest.post(path(made, "cancel")).status_code == 404


@pytest.mark.parametrize("forged", [[1], [1, 2, 3], ["x", 1], {"pk": 1}, None])
def test_token_of_another_shape_is_no_token(client, forged):
    assert client.get(f"/a/{signing.dumps(forged, salt=APPOINTMENT)}/").status_code == 404


def test_hold_of_the_former_client_does_not_lead_to_it(provider, booker, ben):
    held = hold(provider, NINE, client=booker)
    made = confirm(reservation_id=held.pk, actor=actor_of(booker), now=NOON)
    moved = reschedule(appointment_id=made.pk, starts_at=TEN, actor=SYSTEM, now=NOON)
    held.refresh_from_db()
    assert moved_from(held) == moved

    give(made, ben)

    assert moved_from(held) is None
    with pytest.raises(HoldReleased):
        confirm(reservation_id=held.pk, actor=actor_of(booker), now=NOON)


# --- What stays -------------------------------------------------------------------------------------------------------


def test_figures_stay_as_they_are(provider, booker, ben):
    held = hold(provider, NINE, client=booker)
    made = confirm(reservation_id=held.pk, actor=actor_of(booker), now=NOON)
    span = Span(NOON.date(), NOON.date() + timedelta(days=3), provider.schedule.zone)

    def figures():
        return serialized_report(build_report(span=span, scope=ReportScope(provider), now=NOON))

    before = figures()
    give(made, ben)

    assert figures() == before


def test_reservation_it_had_is_its_history_and_is_not_purged(made, ben):
    give(made, ben)

    assert not unconverted_holds(NOON + timedelta(days=1)).exists()


def test_archive_of_the_former_client_has_it_as_far_as_it_was_theirs(made, booker, ben):
    give(made, ben)
    edit(appointment_id=made.pk, changes={"title": "Ben's knee"}, actor=SYSTEM, now=NOON)

    archive = export_person(client_id=booker.pk)

    assert archive["appointments"] == []
    (former,) = archive["former_appointments"]
    assert (former["id"], former["starts_at"]) == (made.pk, "2026-03-04T09:00:00Z")
    assert [event["event"] for event in former["history"]] == ["booked", "reassigned"]
    assert former["history"][1]["details"]["was"]["description"] == "It hurts at night."


def test_archive_of_the_new_client_has_nothing_of_the_former(made, ben):
    give(made, ben)

    (archived,) = export_person(client_id=ben.pk)["appointments"]

    assert [event["event"] for event in archived["history"]] == ["reassigned"]
    assert "hurts" not in str(archived)


def test_former_client_can_be_erased_with_what_they_wrote(made, booker, ben):
    edit(appointment_id=made.pk, changes={"title": "His other secret"}, actor=SYSTEM, now=NOON)
    give(made, ben)
    edit(appointment_id=made.pk, changes={"title": "Of Ben"}, actor=SYSTEM, now=NOON)
    edit(appointment_id=made.pk, changes={"title": "Of Ben too"}, actor=SYSTEM, now=NOON)

    erase_client(client_id=booker.pk, actor=SYSTEM, now=NOON)

    kept = str(list(made.events.values_list("details", flat=True)))
    assert "secret" not in kept
    assert "hurts" not in kept
    assert "Of Ben" in kept
    assert broken_promises() == {}


def test_new_client_can_be_erased_once_it_is_over_and_the_words_of_the_former_stay(made, ben):
    give(made, ben)
    erase_client(client_id=ben.pk, actor=SYSTEM, now=NINE + timedelta(hours=1))

    assert Client.objects.get(pk=ben.pk).is_erased
    assert made.events.latest("pk").details["was"]["description"] == "It hurts at night."

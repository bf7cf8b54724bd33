"""Conditional requests for free times: who has the present answer gets a 304, and nobody else does."""

import pytest
import time_machine
from django.test import Client as Browser
from rest_framework.test import APIClient

from accounts.models import Provider
from accounts.providers.operations import decline_provider, edit_provider
from booking.appointments.enums import Action
from booking.appointments.operations import confirm, reschedule, take_action
from booking.availability import operations as availability
from booking.availability.slots import extend
from booking.reservations import claims
from booking.reservations.enums import Override
from booking.reservations.operations import expire_due, release
from booking.services.operations import edit_service
from tests.conftest import logged_in
from tests.factories import (
    NOON,
    SYSTEM,
    ClientFactory,
    ServiceFactory,
    UserFactory,
    actor_of,
    appoint,
    at,
    hold,
    minutes,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("at_noon"),
    pytest.mark.provider(horizon_days=7, notice_minutes=60),
]

DAY = "2026-03-04"
NINE, TEN = at(f"{DAY} 09:00"), at(f"{DAY} 10:00")


@pytest.fixture
def service(provider):
    return ServiceFactory(providers=[provider], duration_minutes=30)


@pytest.fixture
def addresses(provider, service):
    """Addresses of free times: of a provider, for a service, by anybody, of a page, and the next one."""
    week = "start=2026-03-03T00:00:00Z&end=2026-03-08T00:00:00Z"
    return [
        f"/api/v1/slots?provider={provider.pk}",
        f"/api/v1/slots?provider={provider.pk}&{week}&page_size=20&page=2",
        f"/api/v1/slots?provider={provider.pk}&{week}&timezone=Europe/Berlin",
        f"/api/v1/slots?provider={provider.pk}&service={service.pk}&{week}",
        f"/api/v1/slots?service={service.pk}&{week}",
        f"/api/v1/slots/next?provider={provider.pk}&service={service.pk}",
        f"/api/v1/providers/{provider.pk}/availability?date={DAY}",
    ]


class Reader:
    """Somebody who keeps every answer by its address and tag, and asks again with the last tags they had."""

    def __init__(self, addresses):
        self.kept = {address: {} for address in addresses}

    def check(self):
        """Check that each tag has one body for ever, and that a 304 means the present body. Return the 304s."""
        unchanged = 0
        for address, kept in self.kept.items():
            now = Browser().get(address)
            tag = now.headers.get("ETag") if now.status_code == 200 else None
            if tag is not None:
                assert kept.setdefault(tag, now.content) == now.content, address
            for known, body in list(kept.items())[-3:]:
                again = Browser().get(address, headers={"If-None-Match": known})
                assert again.status_code == (304 if known == tag else now.status_code), address
                if again.status_code == 304:
                    assert body == now.content, address
                    unchanged += 1
        return unchanged


def everything(provider, service, boss):
    """Return the steps that change free times: a name each, and what is done."""
    client, other = ClientFactory(), ClientFactory()
    made = {}

    def keep(name, do):
        return lambda: made.__setitem__(name, do())

    def schedule(**changes):
        return lambda: availability.set_policy(provider_id=provider.pk, changes=changes, actor=SYSTEM, now=NOON)

    def flags(**changes):
        return lambda: Provider.objects.filter(pk=provider.pk).update(**changes)

    def changed_service(**fields):
        return lambda: edit_service(service_id=service.pk, fields=fields, actor=actor, now=NOON)

    actor = actor_of(boss)
    off = {"start_date": NINE.date(), "end_date": NINE.date()}
    whole = {"provider_id": provider.pk, "actor": SYSTEM, "now": NOON}
    return [
        ("a hold", keep("hold", lambda: hold(provider, NINE, client=client))),
        ("released", lambda: release(reservation_id=made["hold"].pk, actor=actor_of(client), now=NOON)),
        ("held again", keep("hold", lambda: hold(provider, NINE, client=client))),
        ("confirmed", lambda: confirm(reservation_id=made["hold"].pk, actor=actor_of(client), now=NOON)),
        ("booked", keep("booked", lambda: appoint(provider, TEN, client=other, service_id=service.pk))),
        (
            "moved",
            lambda: reschedule(appointment_id=made["booked"].pk, starts_at=at(f"{DAY} 11:00"), actor=SYSTEM, now=NOON),
        ),
        (
            "cancelled",
            lambda: take_action(appointment_id=made["booked"].pk, action=Action.CANCEL, actor=SYSTEM, now=NOON),
        ),
        (
            "outside",
            lambda: appoint(provider, at(f"{DAY} 16:45"), ends_at=at(f"{DAY} 17:30"), overrides=[Override.HOURS]),
        ),
        (
            "override",
            keep(
                "date",
                lambda: availability.set_date_override(day=NINE.date(), hours=[(NINE.time(), TEN.time())], **whole),
            ),
        ),
        ("weekly again", lambda: availability.clear_date_override(override=made["date"].made, actor=SYSTEM, now=NOON)),
        (
            "window",
            keep(
                "window",
                lambda: availability.open_window(starts_at=at(f"{DAY} 20:00"), ends_at=at(f"{DAY} 21:00"), **whole),
            ),
        ),
        ("window closed", lambda: availability.close_window(window=made["window"].made, actor=SYSTEM, now=NOON)),
        ("time off", keep("off", lambda: availability.take_time_off(fields=off, **whole))),
        ("time off over", lambda: availability.end_time_off(time_off=made["off"].made, actor=SYSTEM, now=NOON)),
        ("closure", keep("closure", lambda: availability.close_business(fields=off, actor=SYSTEM, now=NOON))),
        ("reopened", lambda: availability.reopen_business(closure=made["closure"].made, actor=SYSTEM, now=NOON)),
        (
            "hours",
            lambda: availability.set_working_hours(
                hours=[(2, NINE.time(), TEN.time()), (3, NINE.time(), TEN.time())], **whole
            ),
        ),
        ("notice", schedule(notice_minutes=3 * 24 * 60)),
        ("no notice", schedule(notice_minutes=0)),
        ("horizon", schedule(horizon_days=2)),
        ("far horizon", schedule(horizon_days=9)),
        ("grid", schedule(slot_minutes=30)),
        ("finer grid", schedule(slot_minutes=10)),
        ("longer", changed_service(duration_minutes=45)),
        ("buffers", changed_service(buffer_before_minutes=10, buffer_after_minutes=20)),
        ("not offered", lambda: edit_service(service_id=service.pk, fields={}, providers=[], actor=actor, now=NOON)),
        (
            "offered",
            lambda: edit_service(service_id=service.pk, fields={}, providers=[provider.pk], actor=actor, now=NOON),
        ),
        ("inactive service", changed_service(is_active=False)),
        ("active service", changed_service(is_active=True)),
        (
            "inactive",
            lambda: edit_provider(provider_id=provider.pk, changes={"is_active": False}, actor=actor, now=NOON),
        ),
        ("active", lambda: edit_provider(provider_id=provider.pk, changes={"is_active": True}, actor=actor, now=NOON)),
        ("declined", lambda: decline_provider(provider_id=provider.pk, actor=actor, now=NOON)),
        ("approved", flags(is_approved=True)),
        ("nothing", lambda: None),
    ]


def test_no_tag_ever_stands_for_two_answers_whatever_is_done(provider, service, addresses, boss):
    reader = Reader(addresses)
    for name, do in everything(provider, service, boss):
        do()
        unchanged = reader.check()
        assert unchanged or name in ("inactive", "declined"), name
    assert all(len(kept) > 2 for kept in reader.kept.values())


def test_no_tag_stands_for_two_answers_while_time_passes(provider, addresses):
    reader = Reader(addresses)
    hold(provider, NINE)
    hold(provider, TEN)
    for passed in (0, 1, 14, 15, 29, 30, 31, 60, 600, 24 * 60, 40 * 60):
        now = NOON + minutes(passed)
        with time_machine.travel(now, tick=False):
            assert reader.check()
            if passed in (31, 24 * 60):
                expire_due(now=now)
                assert reader.check()
            if passed == 24 * 60:
                extend(schedule_id=provider.schedule.pk, now=now)
                assert reader.check()


def test_a_control_without_versions_shows_an_old_answer(provider, monkeypatch):
    address = f"/api/v1/slots?provider={provider.pk}"
    tag = Browser().get(address).headers["ETag"]
    monkeypatch.setattr(claims, "TAKE", claims.TAKE.replace("FROM taken GROUP BY", "FROM taken WHERE false GROUP BY"))
    hold(provider, NINE)

    assert Browser().get(address, headers={"If-None-Match": tag}).status_code == 304


def test_an_unchanged_answer_costs_two_statements_at_most(provider, addresses, django_assert_max_num_queries):
    for address in addresses[:-1]:
        tag = Browser().get(address).headers["ETag"]
        with django_assert_max_num_queries(2):
            assert Browser().get(address, headers={"If-None-Match": tag}).status_code == 304


def test_a_304_has_no_body_and_the_headers_of_the_answer(addresses):
    first = Browser().get(addresses[0])
    again = Browser().get(addresses[0], headers={"If-None-Match": f'"other", {first.headers["ETag"]}'})

    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary"):
        assert again.headers[name] == first.headers[name]


def test_head_is_answered_as_get(addresses):
    tag = Browser().head(addresses[0]).headers["ETag"]

    assert tag == Browser().get(addresses[0]).headers["ETag"]
    assert Browser().head(addresses[0], headers={"If-None-Match": tag}).status_code == 304


def test_any_answer_matches_a_star(addresses):
    assert Browser().get(addresses[0], headers={"If-None-Match": "*"}).status_code == 304


def test_caches_ask_each_time_and_share_only_what_is_for_everybody(addresses):
    mine = logged_in(UserFactory())
    mine.credentials(HTTP_AUTHORIZATION="Bearer mine")
    anonymous, personal = APIClient().get(addresses[0]), mine.get(addresses[0])

    assert anonymous.headers["Cache-Control"] == "public, no-cache"
    assert personal.headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= {name.strip() for name in personal.headers["Vary"].split(",")}


def test_a_full_calendar_has_a_tag_too(provider, service):
    address = f"/api/v1/slots?provider={provider.pk}&start=2026-03-07T00:00:00Z&end=2026-03-08T00:00:00Z"
    empty = Browser().get(address)

    assert empty.json()["count"] == 0
    assert Browser().get(address, headers={"If-None-Match": empty.headers["ETag"]}).status_code == 304


def test_there_is_no_tag_for_an_error(provider):
    Provider.objects.filter(pk=provider.pk).update(is_active=False)
    answer = Browser().get(f"/api/v1/slots?provider={provider.pk}", headers={"If-None-Match": "*"})

    assert (answer.status_code, "ETag" in answer.headers) == (404, False)

"""`/dashboard/settings/` and `/dashboard/calendar/`."""

import pytest

from booking.links import feed_link
from booking.models import CalendarFeed, Schedule
from tests.booking.availability.test_views_hours import saved
from tests.factories import ProviderFactory, appoint, at
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=30)]


SETTINGS = "/dashboard/settings/"
FEED = "/dashboard/calendar/"

ADA = {"name": "Ada Lovelace", "slug": "ada", "specialization": "Engines", "bio": "Notes.", "do": "profile"}
POLICY = {
    "timezone": "UTC",
    "slot_minutes": "15",
    "notice_minutes_0": "1",
    "notice_minutes_1": "60",
    "horizon_days": "14",
    "hold_minutes": "20",
}


def test_a_profile_is_saved(dashboard, provider):
    answer = dashboard.post(SETTINGS, ADA)

    provider.refresh_from_db()
    assert answer.headers["Location"] == SETTINGS
    assert (provider.name, provider.slug, provider.specialization, provider.bio) == (
        "Ada Lovelace",
        "ada",
        "Engines",
        "Notes.",
    )


def test_a_profile_with_an_address_somebody_has_is_refused_with_what_was_typed(dashboard):
    ProviderFactory(slug="ada")

    answer = dashboard.post(SETTINGS, ADA)

    assert answer.context["profile"].errors["slug"]
    assert 'value="Engines"' in answer.content.decode()


def test_settings_show_the_booking_pages_address(dashboard, provider, settings):
    assert f"{settings.SITE_URL}/p/{provider.slug}/" in dashboard.get(SETTINGS).content.decode()


def test_a_policy_is_previewed_and_then_saved(dashboard, provider):
    before = dump()
    dashboard.post(SETTINGS, POLICY | {"do": "policy"})
    assert dump() == before

    saved(dashboard, SETTINGS, POLICY, deed="policy")

    provider.schedule.refresh_from_db()
    assert (provider.schedule.notice_minutes, provider.schedule.hold_minutes) == (60, 20)


def test_another_timezone_shows_whom_it_strands(dashboard, provider):
    appointment = appoint(provider, at("2026-03-05 09:00"))

    answer = dashboard.post(SETTINGS, POLICY | {"timezone": "America/New_York", "do": "policy"})

    assert answer.context["tried"].change.conflicts == [appointment]


@pytest.mark.parametrize("field", ["timezone", "slot_minutes", "notice_minutes_0", "horizon_days", "hold_minutes"])
def test_a_policy_that_cannot_be_is_refused_at_its_field(dashboard, field):
    answer = dashboard.post(SETTINGS, POLICY | {field: "100000", "do": "policy"})

    assert answer.context["policy"].errors[field.removesuffix("_0")]


def test_a_calendars_address_is_made_shown_renewed_and_revoked(dashboard, provider):
    dashboard.post(FEED, {"do": "open"})
    feed = CalendarFeed.objects.get(provider=provider)
    assert feed_link(feed) in dashboard.get(FEED).content.decode()

    dashboard.post(FEED, {"do": "renew"})
    renewed = CalendarFeed.objects.get(provider=provider)
    assert renewed.token != feed.token

    dashboard.post(FEED, {"do": "close"})
    assert not CalendarFeed.objects.exists()


@pytest.mark.parametrize("deed", ["renew", "close", "nonsense", ""])
def test_a_calendar_without_an_address_has_none_to_change(dashboard, deed):
    assert dashboard.post(FEED, {"do": deed}).status_code == 302
    assert not CalendarFeed.objects.exists()


def test_settings_show_the_timezone_there_is(dashboard, provider):
    provider.schedule.timezone = "Europe/Berlin"
    provider.schedule.save()

    assert "<option selected>Europe/Berlin</option>" in dashboard.get(SETTINGS).content.decode()


def test_settings_with_their_hundreds_of_timezones_are_light(dashboard):
    assert len(dashboard.get(SETTINGS).content) < 34_000


@pytest.mark.parametrize("path", [SETTINGS, FEED])
def test_settings_cost_few_queries(dashboard, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        dashboard.get(path)


def test_websites_that_may_embed_the_pages_are_saved_and_the_snippet_is_shown(dashboard, provider, settings):
    dashboard.post(SETTINGS, ADA | {"embed_origins": "https://www.example.org, http://localhost:3000"})

    provider.refresh_from_db()
    page = dashboard.get(SETTINGS).content.decode()
    assert provider.embed_origins == ["https://www.example.org", "http://localhost:3000"]
    assert 'data-scheduler="ada"' in page
    assert f"{settings.SITE_URL}/static/common/embed.js" in page


@pytest.mark.parametrize(
    ("minutes", "shown"), [(0, [0, 1]), (45, [45, 1]), (90, [90, 1]), (120, [2, 60]), (1440, [1, 1440])]
)
def test_the_notice_is_shown_in_the_unit_that_says_it_whole(dashboard, provider, minutes, shown):
    Schedule.objects.filter(provider=provider).update(notice_minutes=minutes)

    widget = dashboard.get(SETTINGS).context["policy"]["notice_minutes"].subwidgets[0].data["subwidgets"]

    assert [part["value"] for part in widget] == [str(shown[0]), [str(shown[1])]]


def test_a_notice_sent_as_it_was_is_no_change(dashboard, provider):
    Schedule.objects.filter(provider=provider).update(notice_minutes=60)

    policy = dashboard.post(SETTINGS, POLICY | {"do": "policy"}).context["policy"]

    assert "notice_minutes" not in policy.changed_data

"""Publication of registered providers: once their email is verified and staff have approved them."""

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings

from accounts.clients.operations import add_client, edit_client
from accounts.models import VETTED, Provider, Unpublished
from accounts.providers.operations import approve_provider, decline_provider
from booking.availability.operations import open_schedule
from scheduler_project.common.errors import NotAllowed
from tests.accounts.helpers import mails, refusal
from tests.conftest import logged_in
from tests.factories import NOON, ClientFactory, ProviderFactory, actor_of, verified
from tests.groups import FRONT_DESK, MANAGER, browser_of, staff_of
from tests.reminders.helpers import account_messages, owed_mail, owed_mails

pytestmark = pytest.mark.django_db

GRACE = {"name": "Grace", "email": "grace@example.org", "password": "nanoseconds-of-wire", "role": "provider"}


@pytest.fixture
def waiting(db) -> Provider:
    """A provider who verified their email, and waits for approval."""
    return ProviderFactory(is_approved=False, user__email="ada@example.org")


def test_register_by_the_api_mails_the_link_to_verify(api):
    api.post("/api/register", GRACE)

    [letter] = mails()
    assert letter.to == ["grace@example.org"]
    assert "/account/confirm-email/" in letter.body


def test_verify_email_mails_the_link_again(api):
    api.post("/api/register", GRACE)
    account_messages().delete()

    answer = logged_in(Provider.objects.get().user).post("/api/me/email/verify")

    assert (answer.status_code, owed_mail().to) == (202, "grace@example.org")


def test_verify_email_mails_nobody_who_is_verified(waiting):
    answer = logged_in(verified(waiting.user)).post("/api/me/email/verify")

    assert (answer.status_code, len(owed_mails())) == (202, 0)


def test_provider_is_verified_by_the_link_in_the_mail(api, client):
    api.post("/api/register", GRACE)
    link = next(word for word in owed_mail().text.split() if "/account/confirm-email/" in word)

    client.post(link.removeprefix(settings.SITE_URL))

    assert Provider.objects.get().missing == [Unpublished.AWAIT_APPROVAL]


def test_provider_stays_verified_when_another_email_waits_to_be():
    provider = ProviderFactory(is_verified=False)
    address = EmailAddress.objects.get(user=provider.user)
    address.verified = True
    address.save()

    EmailAddress.objects.create(user=provider.user, email="new@example.org", primary=False)
    address.delete()

    assert Provider.objects.get().is_verified


@pytest.mark.parametrize("fact", VETTED)
def test_provider_lacking_a_fact_is_neither_vetted_nor_published(fact):
    provider = ProviderFactory(**{fact: False})

    assert (provider.is_vetted, provider.is_published) == (False, False)
    assert not Provider.objects.published().exists()


def test_provider_of_staffs_making_is_published_at_once(staff_api):
    body = staff_api.post("/api/providers", {"name": "Ada"}).json()

    assert (body["is_published"], body["missing"]) == (True, [])


def test_approve_publishes_and_tells_the_provider(waiting):
    answer = logged_in(staff_of(MANAGER)).post(f"/api/providers/{waiting.pk}/approve")

    assert (answer.status_code, answer.json()["missing"]) == (200, [])
    assert (owed_mail().to, "has approved you" in owed_mail().text) == ("ada@example.org", True)


def test_approve_of_somebody_approved_tells_nobody(waiting, boss):
    for _time in range(2):
        approve_provider(provider_id=waiting.pk, actor=actor_of(boss), now=NOON)

    assert len(owed_mails()) == 1


def test_approve_is_not_for_the_front_desk(waiting):
    with pytest.raises(NotAllowed):
        approve_provider(provider_id=waiting.pk, actor=actor_of(staff_of(FRONT_DESK)), now=NOON)


def test_approve_is_not_for_the_provider_themself(waiting):
    answer = logged_in(waiting.user).post(f"/api/providers/{waiting.pk}/approve")

    assert (refusal(answer), Provider.objects.get().is_approved) == ((403, [("not_allowed", None)]), False)


def test_decline_tells_the_provider_why(waiting, boss):
    logged_in(boss).post(f"/api/providers/{waiting.pk}/decline", {"reason": "No <b>licence</b>."})

    me = logged_in(waiting.user).get("/api/me").json()["provider"]
    assert (me["missing"], me["decline_reason"]) == (["declined"], "No <b>licence</b>.")
    assert "No <b>licence</b>." in owed_mail().text


def test_decline_takes_somebody_off_the_list_of_those_who_wait(waiting, boss):
    assert Provider.objects.awaiting_approval().exists()

    decline_provider(provider_id=waiting.pk, actor=actor_of(boss), now=NOON)

    assert not Provider.objects.awaiting_approval().exists()


def test_edit_by_staff_approves_as_approving_does(waiting, boss):
    logged_in(boss).patch(f"/api/providers/{waiting.pk}", {"is_approved": True})

    assert (Provider.objects.get().is_published, len(owed_mails())) == (True, 1)


def test_decision_is_a_security_event(waiting, boss, caplog, django_capture_on_commit_callbacks):
    with caplog.at_level("INFO", "security"), django_capture_on_commit_callbacks(execute=True):
        approve_provider(provider_id=waiting.pk, actor=actor_of(boss), now=NOON)

    [line] = [record.getMessage() for record in caplog.records if "is_approved" in record.getMessage()]
    assert line.startswith("rights.changed")
    assert {f"login={waiting.user_id}", f"by={boss.pk}", "to=True"} <= {*line.split()}


def test_admin_lists_who_waits_on_its_first_page(waiting, office):
    ProviderFactory(name="Unverified", is_approved=False, is_verified=False)

    page = office.get("/admin/").content.decode()

    assert f"/admin/accounts/provider/{waiting.pk}/approve/" in page
    assert "Unverified" not in page


def test_admin_approves_from_its_first_page(waiting, office):
    office.post(f"/admin/accounts/provider/{waiting.pk}/approve/")

    assert Provider.objects.get().is_published


def test_admin_declines_with_a_reason(waiting, office):
    asked = office.get(f"/admin/accounts/provider/{waiting.pk}/decline/")
    office.post(f"/admin/accounts/provider/{waiting.pk}/decline/", {"reason": "Nobody knows you."})

    assert asked.status_code == 200
    assert Provider.objects.get().decline_reason == "Nobody knows you."


def test_admin_lets_the_front_desk_decide_nothing(waiting):
    dashboard = browser_of(staff_of(FRONT_DESK))

    answer = dashboard.post(f"/admin/accounts/provider/{waiting.pk}/approve/")

    assert (answer.status_code, Provider.objects.get().is_approved) == (403, False)
    assert "/approve/" not in dashboard.get("/admin/").content.decode()


def test_desk_says_what_is_missing(client):
    provider = ProviderFactory(is_approved=False, is_verified=False)
    open_schedule(provider=provider, timezone="UTC", now=NOON)
    client.force_login(provider.user)

    page = client.get("/dashboard/").content.decode()

    assert [words in page for words in ("Verify your email", "Waiting for approval")] == [True, True]


@pytest.mark.parametrize("approved", [True, False])
def test_desk_gives_the_address_of_the_booking_page_only_once_it_can_be_opened(client, approved):
    provider = ProviderFactory(is_approved=approved)
    open_schedule(provider=provider, timezone="UTC", now=NOON)
    client.force_login(provider.user)

    page = client.get("/dashboard/").content.decode()

    assert (f"/p/{provider.slug}/" in page) == approved


# --- Phone numbers they wrote down ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fact", VETTED)
def test_numbers_of_a_provider_who_is_not_vetted_count_for_nothing(fact):
    provider = ProviderFactory(**{fact: False})

    made = add_client(name="Kim", phone="+12025550143", actor=actor_of(provider), now=NOON)

    assert not made.phone_is_verified


def test_numbers_of_a_vetted_provider_are_verified(provider):
    made = add_client(name="Kim", phone="+12025550143", actor=actor_of(provider), now=NOON)

    assert made.phone_is_verified


def test_approve_lets_numbers_written_down_meanwhile_count(waiting, boss):
    kept = add_client(name="Kim", phone="+12025550143", actor=actor_of(waiting), now=NOON)
    theirs = ClientFactory(owner=waiting, phone="+12025550144", verified_phone="")

    approve_provider(provider_id=waiting.pk, actor=actor_of(boss), now=NOON)

    kept.refresh_from_db()
    theirs.refresh_from_db()
    assert (kept.phone_is_verified, theirs.phone_is_verified) == (True, False)  # who has a login speaks for themself


def test_number_of_a_clients_own_writing_is_not_verified(booker):
    edit_client(client_id=booker.pk, changes={"phone": "+12025550143"}, actor=actor_of(booker))

    booker.refresh_from_db()
    assert (str(booker.phone), booker.phone_is_verified) == ("+12025550143", False)


def test_number_changed_by_the_client_is_verified_no_more():
    client = ClientFactory(phone="+12025550143")
    edit_client(client_id=client.pk, changes={"phone": "+12025550144"}, actor=actor_of(client))

    client.refresh_from_db()
    assert not client.phone_is_verified


def test_admin_marks_phones_as_verified(office):
    client = ClientFactory(phone="+12025550143", verified_phone="")

    office.post("/admin/accounts/client/", {"action": "verify_phones", "_selected_action": [client.pk]})

    client.refresh_from_db()
    assert client.phone_is_verified

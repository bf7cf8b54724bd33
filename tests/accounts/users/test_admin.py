"""The admin of accounts: logins with an email, and people added as everywhere else."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Client, Provider, User
from accounts.privacy.operations import erase_client
from booking.models import Schedule, Slot
from tests.factories import (
    NOON,
    PASSWORD,
    SYSTEM,
    ClientFactory,
    ProviderFactory,
    ReservationFactory,
    UserFactory,
    open_provider,
)

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "another correct horse"


def allowed(*permissions):
    """The browser of a staff member with these permissions and no others."""
    user = UserFactory(staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Browser()
    browser.force_login(user)
    return browser, user


def url(name, *args):
    return reverse(f"admin:accounts_{name}", args=args)


def told(response):
    return [str(message) for message in response.context["messages"]]


def errors(response):
    return {field: list(found) for field, found in response.context["adminform"].form.errors.items()}


def act(office, name, action, rows, **more):
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return office.post(url(f"{name}_changelist"), data, follow=True)


@pytest.mark.parametrize(
    ("name", "factory"), [("user", UserFactory), ("provider", ProviderFactory), ("client", ClientFactory)]
)
def test_opens_list_search_add_and_change(office, name, factory):
    row = factory(name="Ada Byron")

    for page in (
        url(f"{name}_changelist"),
        url(f"{name}_changelist") + "?q=ada",
        url(f"{name}_add"),
        url(f"{name}_change", row.pk),
        url(f"{name}_history", row.pk),
        url(f"{name}_delete", row.pk),
    ):
        assert office.get(page, follow=True).status_code == 200, page


@pytest.mark.parametrize(
    "page",
    [
        "client/add/?owner=nobody",
        "provider/add/?user=nobody",
        "client/?kept=perhaps",
        "user/?is_active__exact=maybe",
        "client/?q=%00",
        "provider/99999999999999999999999/change/",
    ],
)
def test_nonsense_in_the_address_is_never_a_crash(office, page):
    assert office.get(f"/admin/accounts/{page}", follow=True).status_code in (200, 404)


@pytest.mark.parametrize(
    ("name", "factory"), [("user", ClientFactory), ("provider", ProviderFactory), ("client", ClientFactory)]
)
def test_list_costs_the_same_at_one_row_and_at_many(office, name, factory):
    factory()
    office.get(url(f"{name}_changelist"))
    with CaptureQueriesContext(connection) as few:
        office.get(url(f"{name}_changelist"))
    factory.create_batch(9)

    with CaptureQueriesContext(connection) as many:
        office.get(url(f"{name}_changelist"))

    assert len(many) == len(few)


# --- Logins -----------------------------------------------------------------------------------------------------------


def test_asks_strangers_to_log_in_where_everybody_does(boss):
    asked = Browser().get("/admin/", follow=True)

    assert asked.redirect_chain[-1][0] == "/account/login/?next=%2Fadmin%2F"


def test_takes_no_password_of_its_own(boss):
    browser = Browser()

    browser.post("/admin/login/", {"username": boss.email, "password": PASSWORD})

    assert "_auth_user_id" not in browser.session


def test_leads_back_to_the_admin_with_the_email_in_any_case(boss):
    page = Browser().post(
        "/account/login/?next=/admin/", {"login": "BOSS@example.org", "password": PASSWORD}, follow=True
    )

    assert page.context["user"] == boss
    assert page.redirect_chain[-1][0] == "/admin/"


def test_adds_a_login_in_lower_case_with_a_hashed_password(office):
    office.post(
        url("user_add"),
        {
            "email": "New@Example.org",
            "name": "New",
            "timezone": "Asia/Tokyo",
            "usable_password": "true",
            "password1": NEW_PASSWORD,
            "password2": NEW_PASSWORD,
        },
    )

    made = User.objects.get(email="new@example.org")
    assert made.check_password(NEW_PASSWORD)
    assert (made.name, made.timezone, made.is_staff) == ("New", "Asia/Tokyo", False)


def test_refuses_an_email_that_is_taken_and_a_weak_password(office):
    UserFactory(email="taken@example.org")
    given = {"email": "TAKEN@example.org", "name": "x", "timezone": "UTC", "usable_password": "true"}

    page = office.post(url("user_add"), given | {"password1": "12345678", "password2": "12345678"})

    assert errors(page)["email"] == ["There is already an account with this email."]
    assert "too common" in str(errors(page)["password2"])


def test_sets_a_password(office):
    user = UserFactory()

    office.post(
        f"/admin/accounts/user/{user.pk}/password/",
        {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    )

    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)


def login_form(user, **changes):
    return {"email": user.email, "name": user.name, "timezone": user.timezone, "is_active": "on"} | changes


def test_renaming_a_login_renames_the_client_it_is(office):
    client = ClientFactory()

    office.post(url("user_change", client.user.pk), login_form(client.user, name="New Name"))

    client.refresh_from_db()
    assert (client.name, client.user.name) == ("New Name", "New Name")


def test_deactivates_logins_but_not_ones_own(office, boss):
    user = UserFactory()

    page = act(office, "user", "deactivate", [user, boss])

    assert len(told(page)) == 2
    assert set(User.objects.filter(is_active=True)) == {boss}


def test_activates_no_login_that_was_erased(office):
    user = UserFactory()
    erase_client(client_id=ClientFactory(user=user).pk, actor=SYSTEM, now=NOON)
    user.refresh_from_db()

    page = act(office, "user", "activate", [user])

    assert "Nobody can sign in as them again." in " ".join(told(page))
    assert not User.objects.get(pk=user.pk).is_active


def test_form_of_an_erased_login_does_not_let_anybody_in_again(office):
    user = UserFactory()
    erase_client(client_id=ClientFactory(user=user).pk, actor=SYSTEM, now=NOON)
    user.refresh_from_db()

    office.post(url("user_change", user.pk), login_form(user, is_active="on"))

    assert not User.objects.get(pk=user.pk).is_active


def test_superuser_takes_no_rank_of_their_own_by_the_form(office, boss):
    office.post(url("user_change", boss.pk), login_form(boss, is_active="on", is_staff="on"))

    assert User.objects.get(pk=boss.pk).is_superuser


def test_staff_who_keep_logins_cannot_raise_themselves_or_touch_staff(boss):
    browser, user = allowed("change_user", "view_user", "delete_user")
    other = UserFactory()

    browser.post(url("user_change", other.pk), login_form(other, is_superuser="on", is_staff="on", name="Renamed"))
    other.refresh_from_db()
    assert (other.name, other.is_superuser, other.is_staff) == ("Renamed", False, False)

    for staff in (boss, user):
        assert browser.post(url("user_change", staff.pk), login_form(staff, is_superuser="on")).status_code == 403
        assert browser.get(f"/admin/accounts/user/{staff.pk}/password/").status_code == 403
        assert browser.post(url("user_delete", staff.pk), {"post": "yes"}).status_code == 403
    act(browser, "user", "deactivate", [boss, other])
    assert set(User.objects.filter(is_active=False)) == {other}
    act(browser, "user", "delete_selected", [boss, other], post="yes")
    assert User.objects.filter(pk=boss.pk).exists()


# --- Providers --------------------------------------------------------------------------------------------------------


def test_adding_a_provider_opens_a_calendar(office):
    user = UserFactory()
    given = {"name": "Ada Byron", "timezone": "Asia/Kolkata", "user": user.pk, "is_approved": "on"}

    office.post(url("provider_add"), given)

    made = Provider.objects.get(slug="ada-byron")
    assert made.user == user
    assert Schedule.objects.get(provider=made).timezone == "Asia/Kolkata"
    assert Slot.objects.filter(provider=made).exists()


def test_changes_a_provider_and_refuses_a_slug_others_have(office):
    ProviderFactory(slug="taken")
    provider = ProviderFactory(slug="mine")
    given = {"name": "New", "slug": "mine", "is_active": "on"}

    office.post(url("provider_change", provider.pk), given)
    provider.refresh_from_db()
    assert (provider.name, provider.is_approved) == ("New", False)

    assert list(errors(office.post(url("provider_change", provider.pk), given | {"slug": "taken"}))) == ["slug"]


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("approve", {"is_approved": False}, (True, True)),
        ("deactivate", {}, (False, True)),
        ("activate", {"is_active": False}, (True, True)),
    ],
)
def test_approves_and_deactivates_providers(office, action, before, after):
    provider = ProviderFactory(**before)

    act(office, "provider", action, [provider])

    provider.refresh_from_db()
    assert (provider.is_active, provider.is_approved) == after


def test_deleting_a_provider_counts_what_goes_along_instead_of_listing_it(office):
    provider = open_provider()

    page = office.get(url("provider_delete", provider.pk))
    assert dict(page.context["model_count"])["slots"] == Slot.objects.filter(provider=provider).count()
    office.post(url("provider_delete", provider.pk), {"post": "yes"})

    assert not Provider.objects.filter(pk=provider.pk).exists()


@pytest.mark.parametrize("name", ["provider", "client"])
def test_deleting_somebody_with_bookings_is_refused_politely(office, name):
    row = getattr(ReservationFactory(), name)

    page = office.post(url(f"{name}_delete", row.pk), {"post": "yes"}, follow=True)
    assert "would require deleting the following protected" in page.content.decode()
    page = act(office, name, "delete_selected", [row], post="yes")

    assert page.status_code == 200
    row.refresh_from_db()


# --- Clients ----------------------------------------------------------------------------------------------------------


def test_adds_and_changes_a_client_of_an_address_book(office):
    owner = ProviderFactory()
    given = {"name": "Kim", "email": "kim@example.org", "phone": "+442079460123", "timezone": "UTC", "owner": owner.pk}

    office.post(url("client_add"), given)
    made = Client.objects.get()
    assert (made.owner, str(made.phone)) == (owner, "+442079460123")
    office.post(url("client_change", made.pk), given | {"notes": "Left-handed"})

    made.refresh_from_db()
    assert made.notes == "Left-handed"


def test_refuses_two_clients_with_one_email_in_an_address_book(office):
    owner = ProviderFactory()
    ClientFactory(owner=owner, user=None, email="kim@example.org")

    page = office.post(
        url("client_add"), {"name": "Kim", "email": "KIM@example.org", "timezone": "UTC", "owner": owner.pk}
    )

    assert "already has a client with this email" in str(errors(page))
    assert Client.objects.count() == 1


def test_keeps_a_clients_email_in_lower_case(office):
    given = {"name": "Kim", "email": "Kim@Example.org", "timezone": "UTC"}

    office.post(url("client_add"), given)
    kim = Client.objects.get()
    first = kim.email
    office.post(url("client_change", kim.pk), {**given, "email": "KIM@Example.com"})

    kim.refresh_from_db()
    assert (first, kim.email) == ("kim@example.org", "kim@example.com")


def test_refuses_a_timezone_nobody_knows(office):
    page = office.post(url("client_add"), {"name": "Kim", "timezone": "posix/UTC"})

    assert list(errors(page)) == ["timezone"]


@pytest.mark.parametrize("more", [(), ("change_user",)])
def test_login_of_a_provider_is_chosen_by_whoever_may_change_logins(more):
    browser, staff = allowed("view_provider", "change_provider", "add_provider", *more)
    provider = ProviderFactory(name="Ada", slug="ada")
    before = provider.user_id
    said = {"name": "Ada Byron", "slug": "ada", "is_active": "on", "is_approved": "on", "user": staff.pk}

    changed = browser.post(url("provider_change", provider.pk), said)
    added = browser.post(url("provider_add"), {"name": "Bea", "timezone": "UTC", "user": UserFactory().pk})

    provider.refresh_from_db()
    assert (changed.status_code, added.status_code, provider.name) == (302, 302, "Ada Byron")
    assert provider.user_id == (staff.pk if more else before)
    assert (Provider.objects.get(name="Bea").user is not None) == bool(more)

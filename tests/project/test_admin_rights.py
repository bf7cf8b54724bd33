"""Rights in the admin: every URL, action and search, for the front desk, for managers, and without rights.

The tables are complete: a URL or an action missing from them fails the test."""

import re
from collections.abc import Iterator
from importlib import import_module
from uuid import uuid4

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import RequestFactory
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from accounts.models import Client, Provider, User
from booking.models import Appointment, AppointmentSeries, CalendarFeed, ImportedEntry, Reservation
from reminders.models import Message, OptOut, Preferences, WebhookEndpoint
from scheduler_project.common.admin.base import StaffModelAdmin
from scheduler_project.common.db.secrets import secret_fields
from scheduler_project.common.models import Inspection
from scheduler_project.common.site.operations import edit_site
from scheduler_project.reference.permissions import ADMIN_ACTIONS, ADMIN_IMPORTS, ADMIN_LISTS, BOTH, MANAGERS
from tests.accounts.keys.helpers import new_key
from tests.booking.test_admin import a_practice, schedule_form
from tests.factories import NOON, MessageTemplateFactory, UserFactory, WebhookEndpointFactory
from tests.groups import FRONT_DESK, MANAGER, browser_of, group, staff_of
from tests.looking import dump

migration = import_module("reminders.migrations.0006_office_groups")
later = import_module("reminders.migrations.0015_managers_change_site_settings")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

ROLES = ("nobody", "front desk", "manager")

EXPORTED = {
    model
    for model in ADMIN_LISTS
    if not model.startswith(("account_emailaddress", "django_celery_beat_", "mfa_", "socialaccount_"))
}
"""The lists that go out as files."""

ARCHIVED = {"accounts_client", "accounts_user"}

TOOLS: dict[str, tuple[str, ...]] = {
    "accounts_provider_decide": MANAGERS,
    "auth_user_password_change": MANAGERS,
    "booking_appointment_act": BOTH,
    "booking_appointment_day": BOTH,
    "booking_appointmentseries_cancel": BOTH,
    "booking_reservation_confirm": BOTH,
    "booking_reservation_expire": BOTH,
    "booking_reservation_release": BOTH,
    "reminders_message_again": BOTH,
    "reminders_messagetemplate_letter": MANAGERS,
    "reminders_messagetemplate_preview": MANAGERS,
}

FOR_ALL_STAFF = {
    "index",
    "login",
    "logout",
    "password_change",
    "password_change_done",
    "jsi18n",
}
"""Pages that show only what the user may see, or that are about their own login."""

ELSEWHERE = {"autocomplete", "view_on_site", "app_list"}
"""URLs whose permissions other tests cover."""

LETTERS = {"changelist": "vc", "change": "vc", "history": "vc", "add": "a", "delete": "d"}
OF_SOME = {"export": (EXPORTED, "vc"), "archive": (ARCHIVED, "c")}
OF_SHEETS = ("import", "import_file", "import_refused")


@pytest.fixture
def people():
    return {"nobody": UserFactory(staff=True), "front desk": staff_of(FRONT_DESK), "manager": staff_of(MANAGER)}


@pytest.fixture
def browsers(people):
    return {role: browser_of(user) for role, user in people.items()}


@pytest.fixture
def _rows(people):
    """A row of every kind there is in the admin."""
    a_practice()
    browser_of(UserFactory())
    user = people["nobody"]
    interval = IntervalSchedule.objects.create(every=5, period="seconds")
    PeriodicTask.objects.create(interval=interval, name="Tidy", task="scheduler_project.common.tasks.tidy")
    CrontabSchedule.objects.create()
    ClockedSchedule.objects.create(clocked_time=NOON)
    SolarSchedule.objects.create(event="sunrise", latitude=50, longitude=10)
    TOTP.activate(user, generate_totp_secret())
    new_key(Provider.objects.earliest("pk").user, now=NOON)
    SocialAccount.objects.create(user=user, provider="https://login.example.org", uid="ada")
    MessageTemplateFactory()
    WebhookEndpointFactory()
    made = Appointment.objects.earliest("pk")
    ImportedEntry.objects.create(provider=made.provider, reference="A-1", appointment=made)
    Inspection.objects.create(at=NOON, seconds=1, found=0, broken=[])
    edit_site(changes={})
    OptOut.objects.create(channel="email", address="a@example.org", at=NOON, source="staff")
    Preferences.objects.create(client=Client.objects.earliest("pk"), updated_at=NOON)


def names(resolver: URLResolver) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            if entry.name:
                yield entry.name
        else:
            yield from names(entry)


def every_address() -> set[str]:
    [site] = [entry for entry in get_resolver().url_patterns if getattr(entry, "namespace", None) == "admin"]
    return set(names(site))


def expected(name: str) -> set[str]:
    """Return the roles that may open a URL, according to the tables."""
    if name in FOR_ALL_STAFF:
        return set(ROLES)
    if name in TOOLS:
        return set(TOOLS[name])
    model, _, kind = name.partition("_import") if "_import_" in f"{name}_" else name.rpartition("_")
    if model in ADMIN_IMPORTS and kind not in LETTERS and kind not in OF_SOME:
        return set(ADMIN_IMPORTS[model][0])
    return those_with(model, OF_SOME[kind][1] if kind in OF_SOME else LETTERS[kind])


def those_with(model: str, letters: str) -> set[str]:
    """Return the roles that have one of these rights to a model."""
    return {
        role for role, rights in zip(ROLES[1:], ADMIN_LISTS[model], strict=True) if any(x in rights for x in letters)
    }


def path_of(name: str) -> str:
    """Return the path of a URL, for an existing row."""
    tools = {
        "accounts_provider_decide": [Provider.objects.earliest("pk").pk, "decline"],
        "booking_appointment_act": [Appointment.objects.earliest("pk").pk, "cancel"],
        "booking_appointmentseries_cancel": [AppointmentSeries.objects.earliest("pk").pk],
        "booking_reservation_confirm": [Reservation.objects.earliest("pk").pk],
        "booking_reservation_release": [Reservation.objects.earliest("pk").pk],
        "reminders_messagetemplate_letter": [uuid4()],
        "reminders_message_again": [Message.objects.earliest("pk").pk],
        "auth_user_password_change": [User.objects.filter(is_staff=False).earliest("pk").pk],
    }
    if name in tools:
        return reverse(f"admin:{name}", args=tools[name])
    if name.endswith("_export"):
        return reverse(f"admin:{name}", args=["json"])
    if name.partition("_import")[0] in ADMIN_IMPORTS and "_import" in name:
        of_nobody = [] if name.endswith("_import") else [uuid4()]
        return reverse(f"admin:{name}", args=[ADMIN_IMPORTS[name.partition("_import")[0]][1][0], *of_nobody])
    try:
        return reverse(f"admin:{name}")
    except NoReverseMatch:
        label, _, model = name.rpartition("_")[0].rpartition("_")
        rows = apps.get_model(label, model).objects.all()
        of_staff = {"user": "is_staff", "signin": "user__is_staff"}.get(model)  # those are the superusers' business
        usual = rows.filter(**{of_staff: False}) if of_staff else rows
        return reverse(f"admin:{name}", args=[usual.order_by("pk")[0].pk])


def opens(answer) -> bool:
    """Return whether access was granted; 403 is the only refusal. 404 means that no such file or mail waits."""
    gone = [404] if re.search("/(import|letter)/", answer.request["PATH_INFO"]) else []
    assert answer.status_code in (200, 302, 403, *gone), answer
    assert "/login/" not in answer.headers.get("Location", "")
    return answer.status_code != 403


# --- Addresses --------------------------------------------------------------------------------------------------------


def test_tables_name_every_address():
    of_models = {f"{model}_{kind}" for model in ADMIN_LISTS for kind in LETTERS}
    of_models |= {f"{model}_{kind}" for kind, (models, _letters) in OF_SOME.items() for model in models}
    of_models |= {f"{model}_{kind}" for model in ADMIN_IMPORTS for kind in OF_SHEETS}

    assert every_address() == of_models | set(TOOLS) | FOR_ALL_STAFF | ELSEWHERE


@pytest.mark.usefixtures("_rows")
def test_addresses_open_for_those_the_tables_name_and_nobody_else(browsers):
    wrong = []
    for name in sorted(every_address() - ELSEWHERE - {"login", "logout", "password_change_done"}):
        path = path_of(name)
        opened = {role for role, browser in browsers.items() if opens(browser.get(path))}
        if opened != expected(name):
            wrong.append(f"{name}: {sorted(opened)}")

    assert wrong == []


@pytest.mark.usefixtures("_rows")
def test_what_does_not_open_takes_nothing_that_is_sent_there_either(browsers):
    before = dump()
    wrong = []
    for name in sorted(every_address() - ELSEWHERE - FOR_ALL_STAFF):
        path = path_of(name)
        sent = {"post": "yes", "reason": "x", "action": "cancel"}
        refused = set(ROLES) - expected(name)
        wrong += [f"{name}: {role}" for role in refused if opens(browsers[role].post(path, sent))]

    assert wrong == []
    assert dump() == before


def test_pages_of_an_app_open_for_those_who_may_see_one_of_its_lists(people):
    def shown(label):
        path = reverse("admin:app_list", args=[label])
        return {role for role, user in people.items() if browser_of(user).get(path).status_code == 200}

    assert {label: shown(label) for label in ("accounts", "auth", "booking", "django_celery_beat", "reminders")} == {
        "accounts": set(BOTH),
        "auth": set(),
        "booking": set(BOTH),
        "django_celery_beat": set(MANAGERS),
        "reminders": set(BOTH),
    }


# --- Actions and searches ---------------------------------------------------------------------------------------------


def test_actions_are_there_for_those_the_tables_name_and_nobody_else(people):
    found: dict[str, dict[str, set[str]]] = {}
    for model, model_admin in admin.site._registry.items():
        for role, user in people.items():
            request = RequestFactory().get("/")
            request.user = user
            for action in model_admin.get_actions(request):
                label = f"{model._meta.app_label}_{model._meta.model_name}"
                found.setdefault(label, {}).setdefault(action, set()).add(role)

    wanted = {
        model: {action: set(roles) for action, roles in actions.items()} for model, actions in ADMIN_ACTIONS.items()
    }
    for model in EXPORTED:
        if roles := those_with(model, "vc"):
            wanted.setdefault(model, {}).update({"export_csv": roles, "export_json": roles})
    assert found == wanted


def test_rows_are_searched_by_those_who_may_see_them_and_nobody_else(browsers):
    wrong = []
    for model in admin.site._registry:
        for field in model._meta.get_fields():
            remote = field.related_model if field.many_to_one or field.one_to_one or field.many_to_many else None
            if field.auto_created or remote is None or remote not in admin.site._registry:
                continue
            if not admin.site._registry[remote].search_fields:
                continue
            asked = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field.name}
            found = {role: browser.get(reverse("admin:autocomplete"), asked) for role, browser in browsers.items()}
            seen = {role for role, answer in found.items() if opens(answer)}
            if seen != expected(f"{remote._meta.app_label}_{remote._meta.model_name}_changelist"):
                wrong.append(f"{asked}: {seen}")

    assert wrong == []


# --- What is shown ----------------------------------------------------------------------------------------------------


def sidebar(user):
    sections = browser_of(user).get("/admin/").context["sections"]
    return {str(section["name"]): [str(entry["label"]) for entry in section["entries"]] for section in sections}


def test_sidebar_shows_the_front_desk_its_tasks(people):
    assert sidebar(people["front desk"]) == {
        "Front desk": [
            "Today",
            "Day by provider",
            "Book an appointment",
            "Appointments",
            "Requests",
            "Reservations",
            "Appointment series",
            "Reports",
        ],
        "Calendar": [
            "Schedules",
            "Working hours",
            "Date overrides",
            "Availability windows",
            "Time off",
            "Closures",
            "Slots",
        ],
        "People": ["Clients", "Providers"],
        "Messages": ["Messages", "Reminders", "Preferences", "Opt-outs"],
        "Set-up": ["Services"],
        "System": ["Appointment events"],
    }


def test_sidebar_shows_staff_without_permissions_nothing_but_the_first_page(people):
    assert sidebar(people["nobody"]) == {"Front desk": ["Today"]}
    assert "You don’t have permission" in browser_of(people["nobody"]).get("/admin/").content.decode()


def test_front_desk_sees_no_buttons_for_what_it_may_not_do(people):
    a_practice()
    schedule = Provider.objects.get().schedule

    page = browser_of(people["front desk"]).get(reverse("admin:booking_schedule_change", args=[schedule.pk]))

    assert [str(label) for label, _url in page.context["tools"]] == ["Slots", "Day", "Book"]


@pytest.mark.parametrize(
    ("rights", "shown"), [(["view_schedule"], False), (["view_schedule", "view_workinghours"], True)]
)
def test_what_hours_were_is_for_who_may_see_what_they_are(rights, shown):
    a_practice()
    user = UserFactory(staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))

    page = browser_of(user).get(reverse("admin:booking_schedule_change", args=[Provider.objects.get().schedule.pk]))

    assert ("Former hours" in page.content.decode()) is shown


def test_managers_cannot_write_what_hours_were(people):
    a_practice()
    schedule = Provider.objects.get().schedule
    kept = schedule.former_hours.create(until=NOON, timezone="UTC", slot_minutes=15, hours=[[0, "09:00", "12:00"]])
    page = reverse("admin:booking_schedule_change", args=[schedule.pk])
    browser = browser_of(people["manager"])

    shown = browser.get(page).context["adminform"].form.fields
    sent = {"former_hours": "[]", "former_hours-TOTAL_FORMS": "0", "former_hours-0-DELETE": "on"}
    saved = browser.post(page, schedule_form(schedule) | sent)

    assert "former_hours" not in shown
    assert saved.status_code == 302
    assert list(schedule.former_hours.values_list("pk", "hours")) == [(kept.pk, [[0, "09:00", "12:00"]])]


SECRET_COLUMNS = [
    (model, column)
    for model, model_admin in admin.site._registry.items()
    for column in secret_fields(model)
    if isinstance(model_admin, StaffModelAdmin)
]


def test_models_with_secrets_are_found():
    assert {(CalendarFeed, "token"), (User, "password"), (WebhookEndpoint, "secret")} <= set(SECRET_COLUMNS)


@pytest.mark.parametrize(("model", "column"), SECRET_COLUMNS)
def test_secrets_cannot_be_guessed_letter_by_letter(office, model, column):
    listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")

    assert office.get(listed, {f"{column}__startswith": "a"}).status_code == 400
    assert office.get(f"{listed}export/csv/", {f"{column}__startswith": "a"}).status_code == 400


# --- Nobody raises themselves -----------------------------------------------------------------------------------------


def test_managers_make_nobody_staff_and_give_no_permissions(people):
    boss, manager = UserFactory(superuser=True), people["manager"]
    usual = UserFactory()
    rank = {"is_staff": "on", "is_superuser": "on", "groups": [group(MANAGER).pk], "user_permissions": [1]}
    browser = browser_of(manager)

    for user in (usual, manager, boss, people["front desk"]):
        form = {"email": user.email, "name": "Renamed", "timezone": "UTC", "is_active": "on"}
        browser.post(reverse("admin:accounts_user_change", args=[user.pk]), form | rank)
    new = {"email": "new@example.org", "name": "New", "timezone": "UTC", "usable_password": "false"}
    browser.post(reverse("admin:accounts_user_add"), new | rank)

    found = {
        user.email: (user.name == "Renamed", user.is_staff, user.is_superuser, user.groups.count())
        for user in User.objects.all()
    }
    assert found == {
        usual.email: (True, False, False, 0),
        "new@example.org": (False, False, False, 0),
        manager.email: (False, True, False, 1),
        people["front desk"].email: (False, True, False, 1),
        people["nobody"].email: (False, True, False, 0),
        boss.email: (False, True, True, 0),
    }
    assert not User.objects.filter(user_permissions__isnull=False).exists()


@pytest.mark.parametrize(
    "name", ["auth_group", "account_emailaddress", "mfa_authenticator", "socialaccount_socialaccount"]
)
def test_what_gives_power_over_logins_is_for_superusers_whatever_permissions_one_has(name):
    label, _, model = name.partition("_")
    user = UserFactory(staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label=label, content_type__model=model))

    assert browser_of(user).get(reverse(f"admin:{name}_changelist")).status_code == 403
    assert browser_of(user).get(reverse(f"admin:{name}_add")).status_code == 403


# --- The groups -------------------------------------------------------------------------------------------------------


def test_groups_that_were_changed_stay_so_when_the_migration_runs_again():
    changed = group(FRONT_DESK)
    changed.permissions.clear()

    migration.make(apps, None)

    assert (changed.permissions.count(), Group.objects.count()) == (0, 2)


def test_migration_is_undone_where_nobody_is_in_the_groups_and_nothing_was_changed():
    untouched, changed = group(FRONT_DESK), group(MANAGER)
    changed.permissions.remove(changed.permissions.first())

    migration.remove(apps, None)
    assert list(Group.objects.all()) == [changed]
    migration.make(apps, None)

    assert set(Group.objects.values_list("name", flat=True)) == {untouched.name, changed.name}


def test_migration_undone_leaves_a_group_with_people_in_it():
    staff_of(FRONT_DESK)

    later.take(apps, None)
    migration.remove(apps, None)

    assert list(Group.objects.values_list("name", flat=True)) == [FRONT_DESK]

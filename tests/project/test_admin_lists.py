"""Every list of the admin, of our own apps and of others, costs as many queries for many rows as for few."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from accounts.models import Client, Provider
from booking.calendars.operations import open_feed
from booking.models import Appointment, AppointmentSeries, ImportedEntry
from reminders.models import OptOut, Preferences
from scheduler_project.common.models import Inspection, SiteSettings
from tests.accounts.helpers import tokens_of
from tests.accounts.keys.helpers import new_key
from tests.booking.test_admin import a_practice
from tests.factories import NOON, SYSTEM, MessageTemplateFactory, UserFactory, WebhookEndpointFactory, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

FEW, MANY = 2, 4
"""Not one row: it may need fewer queries than two."""


def some_of_each(number):
    """Add rows of every model in the admin, with the rows they refer to."""
    a_practice()
    provider, made = Provider.objects.latest("pk"), Appointment.objects.latest("pk")
    interval = IntervalSchedule.objects.create(every=number + 1, period="seconds")
    PeriodicTask.objects.create(interval=interval, name=f"Tidy {number}", task="scheduler_project.common.tasks.tidy")
    CrontabSchedule.objects.create(minute=number)
    ClockedSchedule.objects.create(clocked_time=NOON + minutes(number))
    SolarSchedule.objects.create(event="sunrise", latitude=number, longitude=10)
    user = UserFactory(staff=True)
    TOTP.activate(user, generate_totp_secret())
    SocialAccount.objects.create(user=user, provider="https://login.example.org", uid=str(number))
    tokens_of(user)
    EmailAddress.objects.get_or_create(user=user, email=user.email)
    Group.objects.create(name=f"Group {number}")
    new_key(provider.user, now=NOON)
    MessageTemplateFactory(provider=provider)
    WebhookEndpointFactory(provider=provider)
    open_feed(provider_id=provider.pk, actor=SYSTEM, now=NOON)
    ImportedEntry.objects.create(provider=provider, reference="A", appointment=made)
    series = AppointmentSeries.objects.latest("pk")
    ImportedEntry.objects.create(provider=provider, reference="B", series=series)
    Inspection.objects.create(at=NOON, seconds=1, found=0, broken=[])
    OptOut.objects.create(channel="email", address=f"{number}@example.org", at=NOON, source="staff")
    Preferences.objects.create(client=Client.objects.latest("pk"), updated_at=NOON)


def asked_for(browser, model):
    """Return the queries of a list, and its page."""
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    query = {"provider": Provider.objects.earliest("pk").pk} if model._meta.model_name == "slot" else {}
    with CaptureQueriesContext(connection) as asked:
        page = browser.get(path, query)
    return [query["sql"] for query in asked.captured_queries], page


def test_every_list_costs_the_same_for_few_rows_and_for_many(office):
    models = [model for model in admin.site._registry if model is not SiteSettings]  # which has one row
    for number in range(FEW):
        some_of_each(number)
    for model in models:
        asked_for(office, model)  # Content types and the like are looked up once.
    few = {model: asked_for(office, model)[0] for model in models}
    for number in range(FEW, MANY):
        some_of_each(number)

    dearer, short = [], []
    for model in models:
        asked, page = asked_for(office, model)
        if len(asked) != len(few[model]):
            dearer.append("\n".join([f"{model._meta.label}: {len(few[model])}, {len(asked)}", *asked]))
        if page.context["cl"].result_count < MANY:
            short.append(model._meta.label)

    assert dearer == []
    assert short == []

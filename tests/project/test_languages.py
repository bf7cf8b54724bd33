"""Languages are a setting: adding one needs no migration, and each form and filter offers it."""

import re

import pytest
from django.conf import settings as site
from django.core.management import call_command

from accounts.models import User
from accounts.users.forms import UserProfileForm
from reminders.models import MessageTemplate, Preferences
from reminders.templates.api import MessageTemplateFilter

LANGUAGES = site.LANGUAGES


@pytest.fixture
def italian(settings):
    settings.LANGUAGES = [*settings.LANGUAGES, ("it", "Italiano")]


@pytest.mark.django_db
def test_another_language_needs_no_migration(italian):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("model", [User, Preferences, MessageTemplate])
def test_another_language_is_a_choice_of_each_model(italian, model):
    assert ("it", "Italiano") in model._meta.get_field("language").flatchoices


@pytest.mark.django_db
def test_another_language_is_offered_in_forms_and_filters(italian):
    assert ("it", "Italiano") in list(UserProfileForm().fields["language"].choices)
    assert MessageTemplateFilter({"language": "it"}, MessageTemplate.objects.all()).is_valid()


@pytest.mark.parametrize("language", [code for code, _name in LANGUAGES])
def test_menu_names_each_language_in_itself(db, client, language):
    page = client.get("/account/login/", headers={"accept-language": language}).content.decode()

    menu = page.partition('<select id="language"')[2].partition("</select>")[0]
    assert re.findall(r">(\w+)</option>", menu) == [name for _code, name in LANGUAGES]

"""Texts in other languages: on forms, and as readers get them."""

import pytest
from django.utils import translation

from booking.pages.forms import ProviderProfileForm
from tests.factories import ProviderFactory, ServiceFactory

pytestmark = pytest.mark.django_db


def profile(provider, **data):
    own = {"name": provider.name, "slug": provider.slug, "accepts_new_clients": "on"}
    return ProviderProfileForm({**own, **data}, row=provider)


def test_form_cleans_to_translations():
    form = profile(ProviderFactory(), bio="Hello.", bio_de="Hallo.")

    assert form.is_valid(), form.errors
    assert form.cleaned_data["translations"] == {"de": {"bio": "Hallo."}}
    assert "bio_de" not in form.cleaned_data


def test_form_says_that_translations_changed():
    assert "translations" in profile(ProviderFactory(), bio_de="Hallo.").changed_data


def test_form_shows_translations():
    provider = ProviderFactory(translations={"de": {"bio": "Hallo."}})

    assert profile(provider).initial["bio_de"] == "Hallo."


def test_reader_gets_their_language():
    service = ServiceFactory(name="First visit", translations={"de": {"name": "Erstgespräch"}})

    with translation.override("de"):
        assert service.local.name == "Erstgespräch"


def test_reader_gets_the_original_of_what_is_not_translated():
    service = ServiceFactory(name="First visit", translations={"de": {"description": "Kurz."}})

    with translation.override("de"):
        assert service.local.name == "First visit"

"""Providers and services have the tags of their content."""

import pytest
from django.test import Client as Browser
from rest_framework.test import APIClient

from accounts.models import Provider
from booking.models import Service
from tests.conftest import logged_in
from tests.factories import ProviderFactory, ServiceFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider():
    return ProviderFactory()


@pytest.fixture
def service(provider):
    return ServiceFactory(providers=[provider])


@pytest.fixture(params=["providers", "provider", "services", "service"])
def address(request, provider, service):
    return {
        "providers": "/api/v1/providers",
        "provider": f"/api/v1/providers/{provider.pk}",
        "services": "/api/v1/services",
        "service": f"/api/v1/services/{service.pk}",
    }[request.param]


def ask(address, tag, **headers):
    return Browser().get(address, headers={"If-None-Match": tag, **headers})


def test_who_has_the_present_answer_gets_a_304(address):
    first = Browser().get(address)
    again = ask(address, first.headers["ETag"])

    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert Browser().head(address).headers["ETag"] == first.headers["ETag"]


def test_a_change_ends_the_tag(address):
    tag = Browser().get(address).headers["ETag"]
    Provider.objects.update(name="Another name")
    Service.objects.update(name="Another service")

    assert ask(address, tag).status_code == 200


def test_caches_keep_nothing_for_those_who_are_signed_in(address):
    staff = logged_in(UserFactory(superuser=True))
    staff.credentials(HTTP_AUTHORIZATION="Bearer mine")

    assert APIClient().get(address).headers["Cache-Control"] == "public, no-cache"
    assert staff.get(address).headers["Cache-Control"] == "no-store"


def test_an_error_has_no_tag():
    answer = ask("/api/v1/providers/999999", "*")

    assert (answer.status_code, "ETag" in answer.headers) == (404, False)

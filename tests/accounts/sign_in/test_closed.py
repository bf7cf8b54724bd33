"""Sign-up where the site closed it, for one role or for all."""

import pytest

from accounts.models import User
from scheduler_project.common.site import queries
from scheduler_project.common.site.models import SiteSettings
from tests.booking.answers import refusal

NEW = {"name": "Grace Hopper", "email": "grace@example.org", "password": "nanoseconds-of-wire"}

pytestmark = pytest.mark.django_db


def test_api_refuses_a_closed_role(api):
    queries.keep(SiteSettings(providers_sign_up=False))

    answer = api.post("/api/v1/register", {**NEW, "role": "provider"})

    assert refusal(answer) == (403, "sign_up_closed", "role")
    assert not User.objects.exists()


def test_api_registers_an_open_role(api):
    queries.keep(SiteSettings(providers_sign_up=False))

    assert api.post("/api/v1/register", {**NEW, "role": "client"}).status_code == 201


def test_page_offers_only_open_roles(client):
    queries.keep(SiteSettings(clients_sign_up=False))

    form = client.get("/account/signup/").context["form"]

    assert [value for value, _label in form.fields["role"].choices] == ["provider"]


def test_page_says_that_sign_up_is_closed(client):
    queries.keep(SiteSettings(clients_sign_up=False, providers_sign_up=False))

    assert "form" not in client.get("/account/signup/").context
    assert 'href="/account/signup/"' not in client.get("/").text

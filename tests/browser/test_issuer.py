"""Logging in by an OpenID Connect issuer on another origin."""

from playwright.sync_api import expect

from accounts.models import Client
from tests.accounts.sign_in.issuer import trusted_issuer


def test_person_logs_in_by_the_issuer(visitor, settings, transactional_db):
    with trusted_issuer(settings):
        page = visitor()
        page.goto("/account/login/")
        page.get_by_role("button", name="Sign in with Practice account").click()
        page.wait_for_url("**/me/")

        page.goto("/account/")
        expect(page.get_by_text("Sign-in with Practice account")).to_be_visible()
    assert Client.objects.get().email == "grace@example.org"

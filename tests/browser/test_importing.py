"""Importing in a real browser: upload, preview, import, in both themes; without violations of the policy."""

from playwright.sync_api import expect

from accounts.models import Client
from tests.browser.accessibility import violations
from tests.browser.helpers import log_in
from tests.factories import UserFactory

ROWS = "name,email\nKim,kim@example.org\nLee,nope\n"


def faults(tab):
    found = []
    for theme in ("light", "dark"):
        for width in (820, 1280):
            tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
            tab.set_viewport_size({"width": width, "height": 900})
            tab.wait_for_timeout(300)  # The admin's colours change over, whatever the wish for less motion.
            found += [f"{tab.url} {theme} {width}: {violation}" for violation in violations(tab)]
    return found


def test_staff_import_the_good_rows_of_a_file(visitor, base_url):
    tab = visitor()
    log_in(tab, base_url, UserFactory(superuser=True))
    tab.goto("/admin/accounts/client/")
    tab.get_by_role("link", name="Import clients").click()
    tab.get_by_label("File").set_input_files({"name": "x.csv", "mimeType": "text/csv", "buffer": ROWS.encode()})
    tab.get_by_role("button", name="Preview import").click()
    expect(tab.get_by_role("heading", name="Rejected: 1")).to_be_visible()
    assert Client.objects.count() == 0

    tab.get_by_role("button", name="Import the valid rows").click()

    expect(tab.get_by_text("“x.csv” was imported.")).to_be_visible()
    assert list(Client.objects.values_list("name", flat=True)) == ["Kim"]


def test_pages_of_an_import_are_accessible_in_both_themes(visitor, base_url):
    tab = visitor()
    log_in(tab, base_url, UserFactory(superuser=True))
    tab.goto("/admin/booking/appointment/import/calendar/")
    found = faults(tab)
    tab.goto("/admin/accounts/client/import/clients/")
    found += faults(tab)
    tab.get_by_label("File").set_input_files({"name": "x.csv", "mimeType": "text/csv", "buffer": ROWS.encode()})
    tab.get_by_role("button", name="Preview import").click()
    found += faults(tab)
    tab.get_by_role("button", name="Import the valid rows").click()

    assert found + faults(tab) == []

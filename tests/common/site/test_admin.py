"""The page of the site's settings, for managers."""

from io import BytesIO

import pytest
from django.urls import reverse
from PIL import Image

from scheduler_project.common.audit.log import audited_tables
from scheduler_project.common.models import Change, SiteSettings
from scheduler_project.common.site.queries import site_settings
from tests.groups import FRONT_DESK, MANAGER, browser_of, staff_of

PAGE = "/admin/common/sitesettings/1/change/"
FIELDS = {"name": "Praxis Süd", "clients_sign_up": "on", "providers_sign_up": "on", "offers_anybody": "on"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    return browser_of(staff_of(MANAGER))


def picture(size=(2000, 1000)) -> BytesIO:
    file = BytesIO()
    Image.new("RGB", size, "red").save(file, "JPEG")
    file.seek(0)
    file.name = "logo.jpg"
    return file


def test_list_leads_to_the_page(manager):
    assert manager.get(reverse("admin:common_sitesettings_changelist")).headers["Location"] == PAGE


def test_page_has_defaults_before_anything_is_saved(manager):
    assert manager.get(PAGE).status_code == 200
    assert not SiteSettings.objects.exists()


def test_page_saves_and_the_site_uses_it_at_once(manager, client):
    manager.post(PAGE, {**FIELDS, "headline": "Welcome", "headline_de": "Willkommen"})

    assert "Praxis Süd" in client.get("/").text
    assert "<h1>Willkommen</h1>" in client.get("/", headers={"Accept-Language": "de"}).text


def test_page_stores_a_logo(manager, client):
    manager.post(PAGE, {**FIELDS, "logo": picture()})

    logo = site_settings().logo
    assert (logo.width, logo.height) == (640, 320)
    assert client.get(logo.url).headers["Content-Type"] == "image/webp"
    assert logo.url in client.get("/").text


def test_page_keeps_the_logo(manager):
    manager.post(PAGE, {**FIELDS, "logo": picture()})
    manager.post(PAGE, {**FIELDS, "name": "Praxis Nord"})

    assert site_settings().logo


def test_page_removes_the_logo(manager):
    manager.post(PAGE, {**FIELDS, "logo": picture()})
    manager.post(PAGE, {**FIELDS, "logo-clear": "on"})

    assert site_settings().logo is None


def test_page_refuses_what_is_no_picture(manager):
    file = BytesIO(b"<svg onload='alert(1)'>")
    file.name = "logo.jpg"

    page = manager.post(PAGE, {**FIELDS, "logo": file})

    assert page.context["adminform"].form.errors["logo"].as_data()[0].code == "not_a_picture"


def test_page_is_closed_to_the_front_desk():
    assert browser_of(staff_of(FRONT_DESK)).get(PAGE).status_code == 403


def test_changes_are_in_the_audit_log(manager):
    manager.post(PAGE, FIELDS)

    assert Change.objects.filter(table_name="common_sitesettings", changes__has_key="name").exists()
    assert "common_sitesettings" in audited_tables


def test_colour_is_refused_unless_it_is_one(manager):
    page = manager.post(PAGE, {**FIELDS, "colour": "red"})

    assert "colour" in page.context["adminform"].form.errors

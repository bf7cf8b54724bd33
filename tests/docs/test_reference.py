"""The pages of docs/reference/ that are made from the code are as the code has them."""

from functools import cache

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from scheduler_project.reference import remedies
from scheduler_project.reference.errors import check_codes, domain_errors, file_errors, web_server_errors
from scheduler_project.reference.management.commands import write_reference
from scheduler_project.reference.management.commands.write_reference import PAGES, made, text_of
from scheduler_project.reference.permissions import OPERATIONS, groups_with
from tests.groups import FRONT_DESK, MANAGER, staff_of


@pytest.mark.parametrize("name", PAGES)
def test_page_is_as_the_code_has_it(name):
    with translation.override("de"):
        assert text_of(name) == made(name), f"docs/reference/{name} says something else than the code: `make reference`"


def test_command_writes_what_differs_and_then_finds_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(write_reference, "FOLDER", tmp_path)
    monkeypatch.setattr(write_reference, "made", cache(made))

    with pytest.raises(CommandError, match=r"settings\.md, errors\.md.* Run `make reference`"):
        call_command("write_reference", "--check")
    assert list(tmp_path.iterdir()) == []

    call_command("write_reference")
    call_command("write_reference", "--check")

    assert {path.name for path in tmp_path.iterdir()} == set(PAGES)


@pytest.mark.parametrize("error", domain_errors(), ids=lambda error: error.__name__)
def test_error_says_what_to_do_about_it(error):
    assert vars(error).get("remedy", "").endswith(".")


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        (remedies.CHECKS, set(check_codes())),
        (remedies.WEB_SERVER, {row[0].strip("`") for row in web_server_errors()}),
        (remedies.FILES, {row[0].strip("`") for row in file_errors()}),
    ],
)
def test_codes_without_a_class_are_told_once_and_none_is_left_over(told, codes):
    assert set(told) == codes


@pytest.mark.django_db
def test_groups_have_the_permissions_that_the_page_says():
    people = {FRONT_DESK: staff_of(FRONT_DESK), MANAGER: staff_of(MANAGER)}

    for permission in OPERATIONS.values():
        assert groups_with(permission) == [name for name, user in people.items() if user.has_perm(permission)]

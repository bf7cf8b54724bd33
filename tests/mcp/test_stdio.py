"""`manage.py mcp`: what stops it from starting. What it does is in `test_story.py`."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from mcp import Client, MCPError

from accounts.actors import Actor, Source
from accounts.keys.operations import revoke_key
from scheduler_project.mcp.calls import Caller
from scheduler_project.mcp.server import server_for
from scheduler_project.mcp.stdio import environ
from tests.accounts.keys.helpers import new_key
from tests.factories import ClientFactory
from tests.mcp.talking import talk

pytestmark = pytest.mark.django_db


def test_command_needs_a_key(capfd):
    with pytest.raises(CommandError, match="Set MCP_API_KEY"):
        call_command("mcp")

    assert capfd.readouterr().out == ""


def test_command_refuses_a_key_that_ended(settings, capfd):
    user = ClientFactory().user
    made = new_key(user)
    revoke_key(key_id=made.row.pk, actor=Actor.of(user, Source.PAGE), now=timezone.now())
    settings.MCP_API_KEY = made.text

    with pytest.raises(CommandError, match="MCP_API_KEY: This API key was revoked"):
        call_command("mcp")

    assert capfd.readouterr().out == ""


def test_requests_are_to_the_site_and_by_https_where_that_is_required(settings):
    settings.SITE_URL, settings.SECURE = "http://example.org:8000", True

    assert {name: environ()[name] for name in ("HTTP_HOST", "wsgi.url_scheme")} == {
        "HTTP_HOST": "example.org:8000",
        "wsgi.url_scheme": "https",
    }


def test_key_that_ends_meanwhile_shows_no_tools():
    async def refused(client):
        with pytest.raises(MCPError, match="This API key is not valid"):
            await client.list_tools()

    talk(Client(server_for(Caller("sk_x", {}))), refused)

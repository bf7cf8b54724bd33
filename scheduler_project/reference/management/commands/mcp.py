"""`manage.py mcp`: the MCP server on standard input and output."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.keys.errors import KeyRefused
from scheduler_project.mcp.stdio import serve


class Command(BaseCommand):
    help = "Answer MCP messages on standard input and output, as the owner of the API key in MCP_API_KEY."
    requires_system_checks = []  # What they print would be read as messages.

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MCP_API_KEY:
            raise CommandError(
                "Set MCP_API_KEY to an API key. Providers and staff create keys under Account → API keys."
            )
        try:
            serve(settings.MCP_API_KEY)
        except KeyRefused as refusal:
            raise CommandError(f"MCP_API_KEY: {refusal.message}") from refusal

"""Export everything stored about one person as JSON."""

import json
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.privacy.operations import export_person
from scheduler_project.common.errors import NotFound


class Command(BaseCommand):
    help = "Write all that is kept about one person, as JSON: the login with an email, or the client with a number."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="the email of a login, or the number of a client, as the admin shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        person = options["person"]
        client_id = int(person) if person.isdecimal() else None
        logins = User.objects.filter(email=User.objects.normalize_email(person))
        try:
            archive = export_person(user_id=logins.values_list("pk", flat=True).first(), client_id=client_id)
        except NotFound as refusal:
            raise CommandError(f"There is no login and no client “{person}”.") from refusal
        self.stdout.write(json.dumps(archive, indent=2, ensure_ascii=False))

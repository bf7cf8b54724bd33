"""Loads a small practice to look around in: providers, clients, and appointments in every status."""

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Provider, User
from booking.demo.logins import (
    ADMIN,
    DESK,
    EMAILS,
    new_password,
    replace_known_password,
    set_demo_password,
    with_known_password,
)
from booking.demo.people import PASSWORD, PRACTITIONERS, REGISTERED
from booking.demo.practice import open_practice


class Command(BaseCommand):
    help = "Fill an empty database with a small practice to look around in. Running it twice adds nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing when there is any provider")
        parser.add_argument("--force", action="store_true", help="add the demo beside providers who are real")
        parser.add_argument(
            "--known-password",
            action="store_true",
            help="give its logins the password that stands in the source, for a site that only this machine reaches",
        )
        parser.add_argument("--new-password", action="store_true", help="give its logins, once made, another password")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_empty"] and Provider.objects.exists():
            return
        emails = [practitioner.email for practitioner in PRACTITIONERS]
        ours = Provider.objects.filter(user__email__in=emails)
        known = options["known_password"]
        password: str | None = PASSWORD if known else new_password()
        if ours.exists():
            self.stdout.write("The demo data are already here.")
            password = self.password_of_those_there(known, anew=options["new_password"])
        else:
            if Provider.objects.exists() and not options["force"]:
                raise CommandError(
                    "There are providers who are not the demo's. Use --force to add the demo beside them."
                )
            taken = User.objects.filter(email__in=[*emails, *(person.email for person in REGISTERED)])
            if taken.exists():
                raise CommandError(f"These logins exist and are not the demo's: {', '.join(map(str, taken))}.")
            open_practice(timezone.now(), str(password))
        self.stdout.write(
            f"Log in as {ADMIN} (staff), {DESK} (front desk), maya@example.com (provider) or sam@example.com (client)."
        )
        self.stdout.write(
            f"The password of each is {password}"
            if password
            else "Their passwords were told when they were made; `manage.py load_demo --new-password` gives another."
        )

    def password_of_those_there(self, known: bool, *, anew: bool) -> str | None:
        """Return the password of the existing logins; None if it cannot be known.

        `anew` sets a new one. `known` sets or keeps the public one, which is replaced otherwise.
        """
        if anew:
            password = PASSWORD if known else new_password()
            set_demo_password(list(User.objects.filter(email__in=EMAILS)), password)
            return password
        if not known:
            return replace_known_password()
        return PASSWORD if with_known_password() else None

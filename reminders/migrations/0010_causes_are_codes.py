from django.db import migrations
from django.db.models import F, Func, Value

SAID = {
    "cause:opted_out": ("The client opted out.", "Der Kunde hat sich abgemeldet.", "Le client s’est désabonné."),
    "cause:not_verified": (
        "The phone number is not verified.",
        "Die Telefonnummer ist nicht bestätigt.",
        "Le numéro de téléphone n’est pas confirmé.",
    ),
    "cause:not_served": (
        "Text messages do not go to this country.",
        "In dieses Land gehen keine SMS.",
        "Les SMS ne sont pas envoyés vers ce pays.",
    ),
}
"""What stood in the outbox for each, in the languages there were."""


def write_codes(apps, schema_editor):
    messages = apps.get_model("reminders", "Message").objects.exclude(error="")
    for code, sentences in SAID.items():
        for sentence in sentences:
            written = Func(F("error"), Value(sentence), Value(code), function="replace")
            messages.filter(error__contains=sentence).update(error=written)


def write_words(apps, schema_editor):
    messages = apps.get_model("reminders", "Message").objects.exclude(error="")
    for code, (sentence, *_others) in SAID.items():
        written = Func(F("error"), Value(code), Value(sentence), function="replace")
        messages.filter(error__contains=code).update(error=written)


class Migration(migrations.Migration):
    """Why an address cannot be written to is kept as a code: sentences were recognised by their words before."""

    dependencies = [("reminders", "0009_phone_code")]

    operations = [migrations.RunPython(write_codes, write_words)]

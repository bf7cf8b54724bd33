"""A provider's message templates: list, edit, preview and test them."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from booking.models import Schedule
from booking.views.access import actor_of, provider_page
from reminders.channels.registry import personal
from reminders.models import MessageTemplate
from reminders.templates import operations
from reminders.templates.forms import TemplateForm
from reminders.templates.texts import VARIABLES, default_texts
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.pages.forms import refuse


@provider_page
def templates(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """List all texts in one language (`?language=`), with a mark on those the provider has changed."""
    languages = dict(settings.LANGUAGES)
    requested = request.GET.get("language", "")
    language = requested if requested in languages else (get_language() or settings.LANGUAGE_CODE).partition("-")[0]
    rows = MessageTemplate.objects.filter(provider=schedule.provider, language=language)
    own = set(rows.values_list("kind", "channel", "recipient"))
    groups = [
        {
            "channel": channel,
            "label": personal(channel).label,
            "recipient": recipient,
            "kinds": [{"kind": kind, "own": (kind, channel, recipient) in own} for kind in kinds],
        }
        for (channel, recipient), kinds in default_texts().items()
    ]
    context = {"schedule": schedule, "language": language, "languages": languages.items(), "groups": groups}
    return render(request, "reminders/dashboard/templates.html", context)


@provider_page
def template(
    request: HttpRequest, schedule: Schedule, kind: str, channel: str, recipient: str, language: str
) -> HttpResponse:
    """Edit, preview, test or reset the text of one message."""
    check_sent(kind, channel, recipient, language)
    which = {"kind": kind, "channel": channel, "recipient": recipient, "language": language}
    kept = MessageTemplate.objects.filter(provider=schedule.provider, **which).first()
    draft = MessageTemplate(provider=schedule.provider, **which)
    words = operations.in_use(draft)
    draft.subject, draft.body = str(words.subject), str(words.body)
    actor, now, action = actor_of(request), timezone.now(), request.POST.get("do", "")
    if action == "reset" and kept:
        operations.remove_template(template_id=kept.pk, actor=actor)
        messages.success(request, _("Reset to default."))
        return HttpResponseRedirect(request.path)
    form = TemplateForm(request.POST if request.method == "POST" and action != "reset" else None, template=draft)
    context: dict[str, Any] = {"schedule": schedule, "form": form, "kept": kept, "draft": draft, **which}
    if not form.is_bound or form.is_valid():
        try:
            context["preview"] = operations.preview_template(template=draft, actor=actor, now=now)
            if action == "test":
                address = operations.send_test(template=draft, actor=actor, now=now)
                context["sent_to"] = address
            elif action == "save":
                fields = {**which, **form.cleaned_data, "provider": schedule.provider}
                operations.save_template(fields=fields, template_id=kept.pk if kept else None, actor=actor)
                messages.success(request, _("Your template was saved."))
                return HttpResponseRedirect(request.path)
        except DomainError as refusal:
            refuse(form, refusal)
    context |= {"variables": VARIABLES.items(), "spoken": dict(settings.LANGUAGES)[language]}
    return render(request, "reminders/dashboard/template.html", context)


def check_sent(kind: str, channel: str, recipient: str, language: str) -> None:
    """Raise NotFound for a message that is never sent, or not in that language."""
    sent = {(str(each), str(by), str(to)) for (by, to), kinds in default_texts().items() for each in kinds}
    if (kind, channel, recipient) not in sent or language not in dict(settings.LANGUAGES):
        raise NotFound

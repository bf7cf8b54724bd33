"""The admin of message templates, which are changed through the operations, with a preview and a test mail."""

from typing import Any
from uuid import UUID, uuid4

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_update
from django.contrib import admin, messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin

from booking.admin.base import choose_from_many, provider_filter, staff
from reminders.models import MessageTemplate
from reminders.templates import operations as templates
from reminders.templates.texts import VARIABLES, validate_sent
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.base import StaffModelAdmin
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages.forms import ModelForm

FOR: tuple[str, ...] = ("provider", "kind", "channel", "recipient", "language")
"""Fields that identify a template."""


POLICY: dict[str, Any] = {
    "sandbox": True,
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": ["data:"],
    "frame-ancestors": [SELF],
}
"""Content security policy of a previewed mail: styles only."""


KEPT_SECONDS = 600
"""Seconds for which a previewed mail can be shown."""


def keep_html(request: HttpRequest, html: str) -> str:
    """Store the HTML of a mail for the current user and return its URL, which has a policy of its own."""
    token = uuid4()
    cache.set(_place_of(request, token), html, KEPT_SECONDS)
    return reverse("admin:reminders_messagetemplate_letter", args=[token])


def _place_of(request: HttpRequest, token: UUID) -> str:
    return f"letter:{request.user.pk}:{token}"


class DraftForm(ModelForm):
    """A template as entered in the form. The operation validates it."""

    class Meta:
        model = MessageTemplate
        fields: tuple[str, ...] = (*FOR, "subject", "body")

    def _post_clean(self) -> None:
        for name, value in self.cleaned_data.items():
            setattr(self.instance, name, value)


class ForForm(DraftForm):
    """The first step of adding a template: the choice of the message."""

    class Meta(DraftForm.Meta):
        fields = FOR

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose_from_many(self.fields["provider"], MessageTemplate.provider.field)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if {"kind", "channel", "recipient"} <= given.keys():
            validate_sent(given["kind"], given["channel"], given["recipient"])
        return given


@admin.register(MessageTemplate)
class MessageTemplateAdmin(StaffModelAdmin):
    """The admin of message templates. Without one of the provider's, the site's is used, else the default."""

    list_display = ("kind", "channel", "recipient", "language", "provider", "subject")
    list_filter = ("kind", "channel", "recipient", "language", provider_filter("provider"))
    list_select_related = ("provider",)
    search_fields = ("subject", "body", "provider__name")
    autocomplete_fields = ("provider",)
    change_form_template = "admin/reminders/messagetemplate/change_form.html"
    actions = ("send_tests",)

    def get_fieldsets(self, request: HttpRequest, obj: MessageTemplate | None = None) -> Any:
        rows = format_html_join(
            "", "<li><code>{{{{ {} }}}}</code> {}</li>", ((name, about) for name, about in VARIABLES.items())
        )
        about = format_html(
            "{}<ul>{}</ul>{}",
            _("Variables you can use:"),
            rows,
            _("Lines whose variables are all empty are left out. A blank line starts a new paragraph."),
        )
        return [(None, {"fields": FOR}), (_("Templates"), {"fields": ("subject", "body"), "description": about})]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "body":
            field.widget.attrs["rows"] = 14
        return field

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """Ask for the template's message, then start from the text now in use."""
        choice = ForForm(request.GET if "kind" in request.GET else None)
        if request.method == "POST" or not self.has_add_permission(request) or choice.is_valid():
            return super().add_view(request, form_url, extra_context)
        return self.ask(
            request,
            title=_("Add template"),
            submit=_("Continue"),
            form=choice,
            method="get",
            back=self.list_url(),
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        choice = ForForm(request.GET)
        if not choice.is_valid():
            return {}
        subject, body = templates.in_use(choice.instance)
        return {**{name: request.GET.get(name, "") for name in FOR}, "subject": subject, "body": body}

    def save_model(self, request: HttpRequest, obj: MessageTemplate, form: Any, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in DraftForm.Meta.fields}
        made = templates.save_template(fields=fields, template_id=obj.pk if change else None, actor=staff(request))
        obj.__dict__.update(made.__dict__)

    def delete_model(self, request: HttpRequest, obj: MessageTemplate) -> None:
        templates.remove_template(template_id=obj.pk, actor=staff(request))

    # --- Previews and tests ---

    def get_urls(self) -> list[Any]:
        preview = self.admin_site.admin_view(csp_update({"frame-src": [SELF]})(self.preview_view))
        shown: Any = csp(POLICY)(self.letter_view)  # type: ignore[arg-type]
        letter = self.admin_site.admin_view(xframe_options_sameorigin(shown))
        return [
            path("preview/", preview, name="reminders_messagetemplate_preview"),
            path("letter/<uuid:token>/", letter, name="reminders_messagetemplate_letter"),
            *super().get_urls(),
        ]

    def has_preview_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) or self.has_change_permission(request)

    def preview_view(self, request: HttpRequest) -> Any:
        """Preview the text in the form, saved or not. Mail it to the user on request."""
        if not self.has_preview_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(self.list_url())
        form, actor, now = DraftForm(request.POST), staff(request), timezone.now()
        preview = None
        if form.is_valid():
            try:
                preview = templates.preview_template(template=form.instance, actor=actor, now=now)
                if "_send" in request.POST:
                    address = templates.send_test(template=form.instance, actor=actor, now=now)
                    messages.success(request, _("Test sent to %s.") % address)
            except DomainError as refusal:
                messages.error(request, str(refusal.message))
        return TemplateResponse(
            request,
            "admin/reminders/messagetemplate/preview.html",
            {
                **self.admin_site.each_context(request),
                "form": form,
                "preview": preview,
                "letter_url": keep_html(request, preview.letter.html) if preview and preview.letter.html else "",
                "hidden": [(name, request.POST.get(name, "")) for name in DraftForm.Meta.fields],
                "opts": self.opts,
                "title": _("Preview: %s") % form.instance if form.is_valid() else _("Preview"),
            },
        )

    def letter_view(self, request: HttpRequest, token: UUID) -> HttpResponse:
        """Return the HTML of a mail just previewed, for a frame in that page and for that user only."""
        if not self.has_preview_permission(request):
            raise PermissionDenied
        html = cache.get(_place_of(request, token))
        if html is None:
            raise Http404
        return HttpResponse(html)

    @admin.action(description=gettext_lazy("Send yourself a test of the selected templates"), permissions=["change"])
    def send_tests(self, request: HttpRequest, queryset: QuerySet[MessageTemplate]) -> None:
        actor, now = staff(request), timezone.now()

        def apply(template: MessageTemplate) -> None:
            templates.send_test(template=template, actor=actor, now=now)

        do_to_each(request, queryset, apply, _("Tests sent to your own address: %d."))

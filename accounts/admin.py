"""Admin pages for people: logins, providers and clients."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from allauth.account.admin import EmailAddressAdmin
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, re_path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor, Face
from accounts.models import Client, Provider, SignIn, User
from accounts.operations import people
from accounts.operations.imports import CLIENTS
from accounts.operations.leaving import erase_client, gather
from accounts.operations.sign_ins import end_one_of
from scheduler_project.common.admin import ForSuperusers, ListAdmin, OfficeAdmin, ReadOnly, do_to_each, first
from scheduler_project.common.admin_files import Imports
from scheduler_project.common.forms import ModelForm, TextField
from scheduler_project.common.instants import here, told
from scheduler_project.common.pages import as_file
from scheduler_project.common.panels import Panel, panels
from scheduler_project.common.text import isolated

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # with the second factor

admin.site.unregister([Group, EmailAddress, Authenticator])


@admin.register(Group)
class GroupAdmin(ForSuperusers, OfficeAdmin, DjangoGroupAdmin):  # type: ignore[misc]  # both pass on what they are given
    """Groups, which only superusers may change: changing one could give the editor more permissions."""


@admin.register(EmailAddress)
class VerifiedEmailAdmin(ForSuperusers, ListAdmin, EmailAddressAdmin):
    """Email addresses, which only superusers may change: verifying one lets a password be sent there."""


@admin.register(Authenticator)
class SecondFactorAdmin(ForSuperusers, AuthenticatorAdmin):
    """Second factors, which only superusers see: the row holds the secret, and deleting it removes the protection."""

    fields = ("user", "type", "created_at", "last_used_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class WithEmail:
    """Form mixin that normalizes an email and allows one login per email."""

    def clean_email(self) -> str:
        email = User.objects.normalize_email(self.cleaned_data["email"])  # type: ignore[attr-defined]
        if User.objects.filter(email=email).exclude(pk=self.instance.pk).exists():  # type: ignore[attr-defined]
            raise ValidationError(_("There is already an account with this email."), code="email_taken")
        return email


class LoginForm(WithEmail, UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User
        fields = "__all__"
        field_classes: ClassVar[dict[str, Any]] = {}


class NewLoginForm(WithEmail, AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("email", "name", "timezone", "language")
        field_classes: ClassVar[dict[str, Any]] = {}


def outranks(request: HttpRequest, login: User | None) -> bool:
    """Return whether the user may change that login: it is not a staff login, or the user is a superuser."""
    return bool(request.user.is_superuser) or login is None or not (login.is_staff or login.is_superuser)


class ArchivedAdmin(OfficeAdmin):
    """Admin mixin for people, with a download of everything stored about one of them."""

    change_form_template = "admin/tools_change_form.html"

    def get_urls(self) -> list[Any]:
        archive = self.admin_site.admin_view(self.archive_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_archive"
        return [path("<int:pk>/archive/", archive, name=name), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        tools = []
        row = self.get_object(request, object_id)
        if row is not None and self.has_change_permission(request, row):
            url = f"admin:{self.opts.app_label}_{self.opts.model_name}_archive"
            tools = [(_("Download their data"), reverse(url, args=[object_id])), *self.tools_of(request, row)]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def tools_of(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        return []

    def archive_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the archive as on `/account/data/`, without secret addresses.

        It lists the login's sign-ins, so an archive of a staff login is for superusers only, even if that person is
        also a client.
        """
        row = self.get_object(request, str(pk))
        if row is None:
            raise Http404
        if not self.has_change_permission(request, row) or not outranks(
            request, row if isinstance(row, User) else row.user
        ):
            raise PermissionDenied
        archive = gather(user_id=pk) if isinstance(row, User) else gather(client_id=pk)
        return as_file(archive, f"{self.opts.model_name}-{pk}.json")


@admin.register(User)
class UserAdmin(ArchivedAdmin, DjangoUserAdmin):
    """Logins. Only superusers decide who is staff, what staff may do, and what passwords staff have."""

    form = LoginForm
    add_form = NewLoginForm
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "timezone", "language")}),
        (
            gettext_lazy("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (gettext_lazy("Important dates"), {"fields": ("last_login_told", "joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "name", "timezone", "language", "usable_password", "password1", "password2"),
            },
        ),
    )
    list_display = ("email", "name", "is_provider", "is_client", "is_active", "is_staff", "timezone", "last_login_told")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    actions = ("deactivate", "activate")

    def tools_of(self, request: HttpRequest, row: User) -> list[tuple[str, str]]:
        url = reverse("admin:accounts_signin_changelist")
        may = request.user.has_perm("accounts.view_signin")
        return [(_("Where they are signed in"), f"{url}?user__id__exact={row.pk}")] if may else []

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        common = {name: form.cleaned_data[name] for name in form.changed_data if name in people.IN_STEP}
        if change and common:
            people.edit_user(user_id=obj.pk, changes=common, actor=Actor.of(request.user, Face.ADMIN))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        own = ("last_login_told", "joined")
        rank = ("is_staff", "is_superuser", "groups", "user_permissions")
        return own if request.user.is_superuser else own + rank

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and outranks(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and outranks(request, obj)

    @admin.display(description=gettext_lazy("provider"), boolean=True)
    def is_provider(self, user: User) -> bool:
        return user.provider_or_none is not None

    @admin.display(description=gettext_lazy("client"), boolean=True)
    def is_client(self, user: User) -> bool:
        return user.client_or_none is not None

    @admin.display(description=here(gettext_lazy("last login")), ordering="last_login")
    def last_login_told(self, user: User) -> str:
        return told(user.last_login)

    @admin.display(description=here(gettext_lazy("joined")), ordering="date_joined")
    def joined(self, user: User) -> str:
        return told(user.date_joined)

    @admin.action(description=gettext_lazy("Deactivate selected users"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, active=False, done=_("Users who can no longer log in: %d."))

    @admin.action(description=gettext_lazy("Activate selected users"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, active=True, done=_("Users who can log in: %d."))

    def _set_active(self, request: HttpRequest, queryset: QuerySet[User], *, active: bool, done: str) -> None:
        theirs = [user.pk for user in queryset if outranks(request, user) and user.pk != request.user.pk]
        for user in User.objects.filter(pk__in=theirs).exclude(is_active=active):
            user.is_active = active
            user.save(update_fields=["is_active"])
        if len(theirs) < len(queryset):
            messages.error(
                request, _("Your own login, and those of staff unless you are a superuser, stay as they are.")
            )
        if theirs:
            messages.success(request, done % len(theirs))


@admin.register(SignIn)
class SignInAdmin(ReadOnly, OfficeAdmin):
    """Sign-ins of a login, for users who may change that login. Only superusers see those of staff."""

    list_display = ("user", "where", "kind", "address", "signed_in", "last_used", "ended")
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("user__email", "address")
    fields = ("user", "where", "kind", "address", "user_agent", "signed_in", "last_used", "ended")
    readonly_fields = fields
    actions = ("end",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignIn]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user__is_staff=False, user__is_superuser=False)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.change_user"))

    @admin.action(description=gettext_lazy("End selected sign-ins"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[SignIn]) -> None:
        def deed(row: SignIn) -> None:
            end_one_of(user=row.user, sign_in_id=row.pk, now=timezone.now())

        do_to_each(request, queryset, deed, _("Sign-ins ended: %d."))

    @admin.display(description=gettext_lazy("browser or program"))
    def where(self, row: SignIn) -> str:
        return row.description

    @admin.display(description=here(gettext_lazy("signed in")), ordering="created_at")
    def signed_in(self, row: SignIn) -> str:
        return told(row.created_at)

    @admin.display(description=here(gettext_lazy("last used")), ordering="last_used_at")
    def last_used(self, row: SignIn) -> str:
        return told(row.last_used_at)

    @admin.display(description=here(gettext_lazy("ended")), ordering="ended_at")
    def ended(self, row: SignIn) -> str:
        return told(row.ended_at)


class PersonAdmin(OfficeAdmin):
    """Fields that providers and clients share: the login, if any, and the date of creation."""

    change_form_template = "admin/tools_change_form.html"
    row_tools: list[Callable[[HttpRequest, Any], list[tuple[str, str]]]]
    """Links shown on a person's page, as pairs of label and address; higher apps add theirs."""

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        row = self.get_object(request, object_id)
        context = extra_context or {}
        found = [tool for find in self.row_tools for tool in find(request, row)] if row else []
        tools = [*found, *context.get("tools", [])]
        return super().change_view(request, object_id, form_url, {**context, "tools": tools})

    @admin.display(description=gettext_lazy("login"), ordering="user__email")
    def login(self, row: Provider | Client) -> str:
        return str(row.user or "–")

    @admin.display(description=here(gettext_lazy("created")), ordering="created_at")
    def created(self, row: Provider | Client) -> str:
        return told(row.created_at)


def gives_logins(request: HttpRequest) -> bool:
    """Return whether the user may choose which login a provider has."""
    return bool(request.user.has_perm(people.GIVE_LOGIN))


DECISION = r"^(?P<pk>[0-9]{1,18})/(?P<deed>approve|decline)/$"


class DeclineForm(forms.Form):
    """Form for the reason why a provider is declined; the provider receives it."""

    reason = TextField(
        label=gettext_lazy("Reason"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The provider reads it in the mail and on their dashboard."),
    )


@admin.register(Provider)
class ProviderAdmin(PersonAdmin):
    row_tools = []
    list_display = ("name", "specialization", "login", "is_active", "is_approved", "is_verified", "created")
    list_filter = ("is_active", "is_approved", "is_verified", "specialization")
    list_select_related = ("user",)
    search_fields = ("name", "slug", "specialization", "user__email")
    autocomplete_fields = ("user",)
    date_hierarchy = "created_at"
    actions = ("approve", "deactivate", "activate")

    def get_urls(self) -> list[Any]:
        decide = self.admin_site.admin_view(self.decide_view)
        return [re_path(DECISION, decide, name="accounts_provider_decide"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        row = self.get_object(request, object_id)
        context = extra_context or {}
        if row is not None and not row.is_approved and self.has_change_permission(request, row):
            url = reverse("admin:accounts_provider_decide", args=[row.pk, "decline"])
            context = {**context, "tools": [*context.get("tools", []), (_("Decline…"), url)]}
        return super().change_view(request, object_id, form_url, context)

    def decide_view(self, request: HttpRequest, pk: str, deed: str) -> HttpResponse:
        """Approve at once, or ask for a reason to decline. Both notify the provider by mail."""
        provider = self.get_object(request, pk)
        if provider is None:
            raise Http404
        if not self.has_change_permission(request, provider):
            raise PermissionDenied
        actor, now = Actor.of(request.user, Face.ADMIN), timezone.now()
        form = DeclineForm(request.POST or None)
        if request.method == "POST" and deed == "approve":
            people.approve_provider(provider_id=provider.pk, actor=actor, now=now)
            messages.success(request, _("%s is approved, and is told by mail.") % isolated(provider.name))
        elif request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            people.decline_provider(provider_id=provider.pk, actor=actor, now=now, reason=reason)
            messages.success(request, _("%s is declined, and is told by mail.") % isolated(provider.name))
        elif deed == "decline":
            about = [
                _("Clients do not find them, and nothing is sent on their behalf. Approving them later is possible.")
            ]
            title = _("Decline %s") % isolated(provider.name)
            context = {"original": provider, "form": form, "about": about, "back": self.change_url(provider.pk)}
            return self.ask(request, title=title, submit=_("Decline"), **context)
        return HttpResponseRedirect(
            reverse("admin:index") if request.method == "POST" else self.change_url(provider.pk)
        )

    def get_fields(self, request: HttpRequest, obj: Provider | None = None) -> tuple[str, ...]:
        if obj is None:
            login = ("user",) if gives_logins(request) else ()
            return ("name", "timezone", "specialization", "bio", *login, "is_approved")
        declined = ("declined", "decline_reason") if obj.declined_at else ()
        return (
            "name",
            "slug",
            "specialization",
            "bio",
            "user",
            "embed_origins",
            "is_active",
            "is_approved",
            "is_verified",
            *declined,
            "created",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Provider | None = None) -> tuple[str, ...]:
        login = () if gives_logins(request) else ("user",)
        return ("is_verified", "declined", "decline_reason", "created", *login) if obj else ()

    @admin.display(description=here(gettext_lazy("declined")), ordering="declined_at")
    def declined(self, row: Provider) -> str:
        return told(row.declined_at)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            zone = self.formfield_for_dbfield(User.timezone.field, request)
            zone.help_text = _("The calendar starts with Monday to Friday, 09:00 to 17:00, in this zone.")
            kwargs["form"] = type("NewProviderForm", (self.form,), {"timezone": zone})
        return super().get_form(request, obj, change=change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        if change:
            wanted = {name: form.cleaned_data[name] for name in form.changed_data}
            people.edit_provider(
                provider_id=obj.pk, changes=wanted, actor=Actor.of(request.user, Face.ADMIN), now=timezone.now()
            )
        else:
            made = people.add_provider(**form.cleaned_data, now=timezone.now())
            obj.__dict__.update(made.__dict__)

    def delete_model(self, request: HttpRequest, obj: Provider) -> None:
        people.remove_provider(provider_id=obj.pk, actor=Actor.of(request.user, Face.ADMIN))

    @admin.action(description=gettext_lazy("Approve selected providers"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        self._edit(request, queryset, {"is_approved": True}, _("Providers approved, for clients to find: %d."))

    @admin.action(description=gettext_lazy("Deactivate selected providers"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        done = _("Providers who take no more bookings: %d. The appointments they have stay.")
        self._edit(request, queryset, {"is_active": False}, done)

    @admin.action(description=gettext_lazy("Activate selected providers"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        self._edit(request, queryset, {"is_active": True}, _("Providers who can be booked: %d."))

    def _edit(self, request: HttpRequest, queryset: QuerySet[Provider], changes: dict[str, bool], done: str) -> None:
        actor, now = Actor.of(request.user, Face.ADMIN), timezone.now()

        def deed(provider: Provider) -> None:
            people.edit_provider(provider_id=provider.pk, changes=changes, actor=actor, now=now)

        do_to_each(request, queryset, deed, done)


class AddressBookFilter(admin.SimpleListFilter):
    title = gettext_lazy("address book")
    parameter_name = "kept"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("registered themselves, or the office's")), ("yes", _("in a provider's address book"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Client]) -> QuerySet[Client]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(owner__isnull=self.value() == "no")


class ClientForm(ModelForm):
    class Meta:
        labels = {"owner": gettext_lazy("Address book")}

    def clean_email(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["email"])


@admin.register(Client)
class ClientAdmin(ArchivedAdmin, Imports, PersonAdmin):
    sheets = (CLIENTS,)
    row_tools = []
    form = ClientForm
    list_display = ("name", "email", "phone", "phone_verified", "book", "created")
    list_filter = (AddressBookFilter,)
    list_select_related = ("owner",)
    search_fields = ("name", "email", "phone", "owner__name")
    autocomplete_fields = ("owner",)
    readonly_fields = ("phone_verified", "login", "created")
    actions = ("verify_phones", "erase")

    def get_fields(self, request: HttpRequest, obj: Client | None = None) -> tuple[str, ...]:
        fields = ("name", "email", "phone", "timezone", "owner", "notes")
        return (*fields[:3], "phone_verified", *fields[3:], "login", "created") if obj else fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        return super().get_queryset(request).select_related("owner", "user")

    def response_post_save_add(self, request: HttpRequest, obj: Client) -> HttpResponseRedirect:
        """Redirect to the new client's page: most clients are added in order to book for them."""
        return HttpResponseRedirect(self.change_url(obj.pk))

    @admin.display(description=gettext_lazy("address book"), ordering="owner__name")
    def book(self, client: Client) -> str:
        return str(client.owner or _("the office's"))

    @admin.display(description=gettext_lazy("phone verified"), boolean=True)
    def phone_verified(self, client: Client) -> bool | None:
        return client.phone_is_verified if client.phone else None

    @admin.action(description=gettext_lazy("Mark selected phones as verified"), permissions=["change"])
    def verify_phones(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        """Mark phone numbers as verified that staff know to be the clients' own; text messages go there from now on."""
        actor = Actor.of(request.user, Face.ADMIN)

        def deed(client: Client) -> None:
            people.edit_client(client_id=client.pk, changes={"phone": client.phone}, actor=actor)

        do_to_each(request, queryset, deed, _("Clients whose phone is verified: %d."))

    def describe(self, row: Client) -> str:
        return " · ".join(filter(None, [row.name, row.email, str(row.phone), str(row.owner or "")]))

    def acting(self, request: HttpRequest) -> Actor:
        return Actor.of(request.user, Face.ADMIN)

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        actor = Actor.of(request.user, Face.ADMIN)
        if change:
            wanted = {name: form.cleaned_data[name] for name in form.changed_data}
            people.edit_client(client_id=obj.pk, changes=wanted, actor=actor)
        else:
            made = people.add_client(**form.cleaned_data, actor=actor, now=timezone.now())
            obj.__dict__.update(made.__dict__)

    def delete_model(self, request: HttpRequest, obj: Client) -> None:
        people.remove_client(client_id=obj.pk, actor=Actor.of(request.user, Face.ADMIN))

    @admin.action(description=gettext_lazy("Erase selected clients…"), permissions=["delete"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Client]) -> Any:
        """Erase the client after a confirmation page: erasure cannot be undone."""
        if "answered" not in request.POST:
            chosen = [(ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)]
            again = [("action", "erase"), ("select_across", request.POST.get("select_across", "0")), ("answered", "1")]
            gone = _("Names, addresses, notes and logins go for good. Past appointments stay, without a name.")
            return self.ask(
                request,
                title=_("Erase clients: %d") % queryset.count(),
                submit=_("Erase"),
                about=[gone, *first([self.describe(row) for row in queryset])],
                hidden=[*again, *chosen],
                back=self.list_url(),
            )
        actor, now = Actor.of(request.user, Face.ADMIN), timezone.now()

        def deed(client: Client) -> None:
            erase_client(client_id=client.pk, actor=actor, now=now)

        do_to_each(request, queryset, deed, _("Clients erased: %d."))
        return None


SHOWN = 8
"""Maximum number of waiting providers in the panel."""


def new_providers(request: HttpRequest, now: datetime) -> Panel | None:
    """Return the panel of providers who wait for approval, or None if there are none."""
    if not request.user.has_perm("accounts.view_provider"):
        return None
    found = list(Provider.objects.awaiting_approval().select_related("user").order_by("created_at", "pk")[: SHOWN + 1])
    context = {
        "providers": found[:SHOWN],
        "more": len(found) > SHOWN,
        "decides": request.user.has_perm(people.CHANGE_PROVIDER),
    }
    return Panel("admin/panels/new_providers.html", context) if found else None


panels.append(new_providers)

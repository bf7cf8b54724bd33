"""The admin of logins, groups, and allauth's data about logins."""

from typing import Any, ClassVar

from allauth.account.admin import EmailAddressAdmin
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor, Source
from accounts.admin.base import ArchivedAdmin, outranks
from accounts.clients.fields import SHARED_WITH_LOGIN
from accounts.clients.operations import edit_user
from accounts.models import User
from accounts.sign_in.rights import change_rights
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.base import ForSuperusers, ListAdmin, StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # with the second factor

# Issuers come from the settings alone, and their tokens are not kept.
admin.site.unregister([Group, EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken])


@admin.register(Group)
class GroupAdmin(ForSuperusers, StaffModelAdmin, DjangoGroupAdmin):  # type: ignore[misc]  # both pass on what they are given
    """The admin of groups, for superusers only: changing one could give the editor more permissions."""


@admin.register(EmailAddress)
class VerifiedEmailAdmin(ForSuperusers, ListAdmin, EmailAddressAdmin):
    """The admin of email addresses, for superusers only: verifying one lets a password be sent there."""


@admin.register(Authenticator)
class SecondFactorAdmin(ForSuperusers, AuthenticatorAdmin):
    """The admin of second factors, for superusers only: the row holds the secret, its deletion ends the protection."""

    fields = ("user", "type", "created_at", "last_used_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(SocialAccount)
class IdentityAdmin(ForSuperusers, ListAdmin):
    """The admin of identities of the OpenID Connect issuer, for superusers only: see and delete them."""

    list_display = ("user", "provider", "uid")
    list_select_related = ("user",)
    search_fields = ("user__email", "uid")
    fields = ("user", "provider", "uid")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


FLAGS = ("is_active", "is_staff", "is_superuser")


class WithEmail:
    """A form mixin that normalizes an email and allows one login per email."""

    def clean_email(self) -> str:
        email = User.objects.normalize_email(self.cleaned_data["email"])  # type: ignore[attr-defined]
        if User.objects.filter(email=email).exclude(pk=self.instance.pk).exists():  # type: ignore[attr-defined]
            raise ValidationError(_("There is already an account with this email."), code="email_taken")
        return email


class UserAdminForm(WithEmail, UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User
        fields = "__all__"
        field_classes: ClassVar[dict[str, Any]] = {}


class NewUserAdminForm(WithEmail, AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("email", "name", "timezone", "language")
        field_classes: ClassVar[dict[str, Any]] = {}


@admin.register(User)
class UserAdmin(ArchivedAdmin, DjangoUserAdmin):
    """The admin of logins. Only superusers decide who is staff, what staff may do, and what passwords staff have."""

    form = UserAdminForm
    add_form = NewUserAdminForm
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "timezone", "language")}),
        (
            gettext_lazy("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (gettext_lazy("Important dates"), {"fields": ("last_login_display", "joined")}),
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
    list_display = (
        "email",
        "name",
        "is_provider",
        "is_client",
        "is_active",
        "is_staff",
        "timezone",
        "last_login_display",
    )
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    actions = ("deactivate", "activate")

    def tools_of(self, request: HttpRequest, row: User) -> list[tuple[str, str]]:
        url = reverse("admin:accounts_signin_changelist")
        may = request.user.has_perm("accounts.view_signin")
        return [(_("Active sign-ins"), f"{url}?user__id__exact={row.pk}")] if may else []

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        flags = {name: form.cleaned_data[name] for name in form.changed_data if name in FLAGS}
        if change and flags:
            change_rights(user_id=obj.pk, flags=flags, actor=Actor.of(request.user, Source.ADMIN))
        super().save_model(request, obj, form, change)
        common = {name: form.cleaned_data[name] for name in form.changed_data if name in SHARED_WITH_LOGIN}
        if change and common:
            edit_user(user_id=obj.pk, changes=common, actor=Actor.of(request.user, Source.ADMIN))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        own = ("last_login_display", "joined")
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

    @admin.display(description=here(gettext_lazy("last sign-in")), ordering="last_login")
    def last_login_display(self, user: User) -> str:
        return local_time(user.last_login)

    @admin.display(description=here(gettext_lazy("joined")), ordering="date_joined")
    def joined(self, user: User) -> str:
        return local_time(user.date_joined)

    @admin.action(description=gettext_lazy("Deactivate selected users"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, active=False, done=_("Users deactivated: %d."))

    @admin.action(description=gettext_lazy("Activate selected users"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, active=True, done=_("Users activated: %d."))

    def _set_active(self, request: HttpRequest, queryset: QuerySet[User], *, active: bool, done: str) -> None:
        theirs = [user for user in queryset if outranks(request, user) and user.pk != request.user.pk]
        actor = Actor.of(request.user, Source.ADMIN)

        def apply(user: User) -> None:
            change_rights(user_id=user.pk, flags={"is_active": active}, actor=actor)

        if len(theirs) < len(queryset):
            messages.error(
                request, _("Your own account stays as it is, and so do staff accounts unless you're a superuser.")
            )
        do_to_each(request, theirs, apply, done)

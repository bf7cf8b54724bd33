"""The admin of API keys: read and revoke them. A key itself is shown nowhere but to its owner, once."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor, Source
from accounts.keys.operations import CHANGE, revoke_key
from accounts.models import ApiKey
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.base import ReadOnly, StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly, StaffModelAdmin):
    """API keys. Only superusers see those of staff."""

    list_display = ("name", "user", "shown", "can", "provider", "created", "expires", "last_used", "revoked")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user", "provider")
    search_fields = ("name", "prefix", "user__email")
    fields = ("name", "user", "shown", "can", "provider", "created", "expires", "last_used", "revoked", "replaced_by")
    readonly_fields = fields
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user__is_staff=False, user__is_superuser=False)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(CHANGE))

    @admin.action(description=gettext_lazy("Revoke selected API keys"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        actor, now = Actor.of(request.user, Source.ADMIN), timezone.now()

        def apply(row: ApiKey) -> None:
            revoke_key(key_id=row.pk, actor=actor, now=now)

        do_to_each(request, queryset, apply, _("API keys revoked: %d."))

    @admin.display(description=gettext_lazy("begins with"), ordering="prefix")
    def shown(self, row: ApiKey) -> str:
        return row.shown

    @admin.display(description=gettext_lazy("scopes"))
    def can(self, row: ApiKey) -> str:
        return ", ".join(row.scopes)

    @admin.display(description=here(gettext_lazy("created")), ordering="created_at")
    def created(self, row: ApiKey) -> str:
        return local_time(row.created_at)

    @admin.display(description=here(gettext_lazy("expires")), ordering="expires_at")
    def expires(self, row: ApiKey) -> str:
        return local_time(row.expires_at)

    @admin.display(description=here(gettext_lazy("last used")), ordering="last_used_at")
    def last_used(self, row: ApiKey) -> str:
        return local_time(row.last_used_at)

    @admin.display(description=here(gettext_lazy("revoked")), ordering="revoked_at")
    def revoked(self, row: ApiKey) -> str:
        return local_time(row.revoked_at)

"""The admin of sign-ins: read and end them."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import SignIn
from accounts.sign_in.sign_ins import end_one_of
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.base import ReadOnly, StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time


@admin.register(SignIn)
class SignInAdmin(ReadOnly, StaffModelAdmin):
    """The sign-ins of logins that the user may change. Only superusers see those of staff."""

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
        def apply(row: SignIn) -> None:
            end_one_of(user=row.user, sign_in_id=row.pk, now=timezone.now())

        do_to_each(request, queryset, apply, _("Sign-ins ended: %d."))

    @admin.display(description=gettext_lazy("browser or app"))
    def where(self, row: SignIn) -> str:
        return row.description

    @admin.display(description=here(gettext_lazy("signed in")), ordering="created_at")
    def signed_in(self, row: SignIn) -> str:
        return local_time(row.created_at)

    @admin.display(description=here(gettext_lazy("last used")), ordering="last_used_at")
    def last_used(self, row: SignIn) -> str:
        return local_time(row.last_used_at)

    @admin.display(description=here(gettext_lazy("ended")), ordering="ended_at")
    def ended(self, row: SignIn) -> str:
        return local_time(row.ended_at)

"""The admin of calendar feeds. Their addresses are secrets, so only the end of each is shown, to tell them apart."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clients.fields import contact_search
from booking.admin.base import staff
from booking.calendars import operations as calendars
from booking.models import CalendarFeed
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.base import ReadOnly, StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time


class KindFilter(admin.SimpleListFilter):
    title = gettext_lazy("owner")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("provider", _("a provider's")), ("client", _("a client's"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CalendarFeed]) -> QuerySet[CalendarFeed]:
        if self.value() not in ("provider", "client"):
            return queryset
        return queryset.filter(provider__isnull=self.value() == "client")


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnly, StaffModelAdmin):
    list_display = ("id", "provider", "client", "address", "opened")
    list_filter = (KindFilter,)
    list_select_related = ("provider", "client")
    search_fields = ("provider__name", *contact_search("client__"))
    date_hierarchy = "created_at"
    fields = ("provider", "client", "address", "opened")
    readonly_fields = fields
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("booking.delete_calendarfeed")

    @admin.action(description=gettext_lazy("Revoke selected calendar feeds"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[CalendarFeed]) -> None:
        def apply(feed: CalendarFeed) -> None:
            calendars.close_feed(feed_id=feed.pk, actor=staff(request))

        do_to_each(request, queryset, apply, _("Calendar feeds revoked: %d. Their links no longer work."))

    @admin.display(description=gettext_lazy("address"))
    def address(self, feed: CalendarFeed) -> str:
        return f"…{feed.token[-4:]}.ics"

    @admin.display(description=here(gettext_lazy("created")), ordering="created_at")
    def opened(self, feed: CalendarFeed) -> str:
        return local_time(feed.created_at)

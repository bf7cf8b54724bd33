"""Operations on the site's settings."""

from typing import Any

from django.db import transaction

from scheduler_project.common.operations import operation
from scheduler_project.common.site import queries
from scheduler_project.common.site.models import ONLY, SiteSettings


@operation
def edit_site(*, changes: dict[str, Any]) -> SiteSettings:
    """Change the given settings. This process uses them at once, others within `queries.FRESH_SECONDS`."""
    row, _is_new = SiteSettings.objects.select_for_update().get_or_create(pk=ONLY)
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()
    queries.forget()
    transaction.on_commit(queries.forget)
    return row

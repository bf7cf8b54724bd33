"""Housekeeping tasks of the frame."""

import logging
import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from scheduler_project.common.db import invariants, retention
from scheduler_project.common.mail.admins import owe_admin_mail
from scheduler_project.common.models import Inspection

NAMED = 200
"""Number of rows stored with an inspection's result."""

logger = logging.getLogger(__name__)


@shared_task
def inspect() -> int:
    """Check the invariants, and report broken ones to staff: in the log, in the admin, by mail to ADMINS.

    Return the number of broken rows.
    """
    now, began = timezone.now(), time.monotonic()
    broken = invariants.inspect(now=now)
    named = [invariants.as_dict(row) for row in broken[:NAMED]]
    Inspection.objects.create(at=now, seconds=round(time.monotonic() - began, 3), found=len(broken), broken=named)
    if broken:
        lines = "\n".join(f"{row.check}: {row.table} {row.pk}: {row.problem}" for row in broken[:NAMED])
        logger.error("%d rows are not as they should be:\n%s", len(broken), lines)
        owe_admin_mail(
            subject=f"{settings.SITE_NAME}: {len(broken)} rows are not as they should be", text=lines, now=now
        )
    return len(broken)


@shared_task
def tidy() -> int:
    """Delete everything past its retention. Return how many rows."""
    went = retention.forget_old(now=timezone.now())
    logger.info("Forgotten: %s", ", ".join(f"{name}: {count}" for name, count in went.items() if count) or "nothing")
    return sum(went.values())

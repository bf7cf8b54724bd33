"""The policies of a series about conflicts, and the scopes of a change to it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ConflictPolicy(models.TextChoices):
    """The policy of a series if some of its times cannot be booked."""

    ALL_OR_NOTHING = "all_or_nothing", _("all or nothing")
    SKIP_CONFLICTS = "skip_conflicts", _("skip times that can't be booked")


class SeriesScope(models.TextChoices):
    """The occurrences of a series to which a change applies. Past ones are never touched."""

    THIS = "this", _("this one")
    FOLLOWING = "following", _("this and following")
    ALL = "all", _("all upcoming")

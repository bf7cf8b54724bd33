"""Words of the site's settings."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Clock(models.TextChoices):
    """The way in which times of day are written."""

    BY_PLACE = "", _("Usual for each person's location")
    HOURS_12 = "12", _("12-hour: 1:30 PM")
    HOURS_24 = "24", _("24-hour: 13:30")

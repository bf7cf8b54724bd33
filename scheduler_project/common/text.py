"""What text may be."""

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

one_line = RegexValidator(
    r"^[^\x00-\x1f\x7f]+$", _("Control characters and line breaks are not allowed."), code="control_characters"
)
"""For names and titles: they stand in headers, calendar files and lists."""

"""What text may be."""

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

one_line = RegexValidator(
    r"^[^\x00-\x1f\x7f]+$", _("Control characters and line breaks are not allowed."), code="control_characters"
)
"""For names and titles: they stand in headers, calendar files and lists."""

validate_origin = RegexValidator(
    r"\Ahttps?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?\Z",
    _("Write the address of a website without a path, such as https://www.example.org."),
    code="bad_origin",
)
"""For what goes into `frame-ancestors`: a whole origin, nothing that matches several."""

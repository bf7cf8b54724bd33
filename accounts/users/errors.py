"""Errors of names."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError


class LinkInName(DomainError):
    code = "link_in_name"
    message = _("A name can't be a web address. Please remove it.")
    remedy = "Have the person write their name only."

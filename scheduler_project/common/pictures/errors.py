"""Errors about pictures."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError


class NotAPicture(DomainError):
    code = "not_a_picture"
    message = _("Choose a smaller picture in JPEG, PNG, WebP or GIF format.")
    remedy = "Send another picture, or a smaller one."

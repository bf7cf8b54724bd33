"""Who gets as far as an operation. What they may do there, the operation says."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import User
from scheduler_project.common.errors import NotAllowed


class ForStaff(BasePermission):
    """Methods for staff with a permission: the view's `permissions` say which one (`app.codename`) each method asks.

    Methods that are not named there are not looked at.
    """

    code = NotAllowed.code
    message = NotAllowed.message

    def has_permission(self, request: Request, view: Any) -> bool:
        asked = view.permissions.get("GET" if request.method == "HEAD" else request.method)
        return asked is None or (isinstance(request.user, User) and request.user.may(asked))


class AddingNeedsACalendar(BasePermission):
    """Providers and staff add; everybody else only reads and changes what they may see."""

    code = NotAllowed.code
    message = NotAllowed.message

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        adding = request.method == "POST" and not view.detail
        return not adding or (isinstance(user, User) and (user.is_staff or bool(user.provider_or_none)))

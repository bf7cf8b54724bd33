"""Permissions to call an operation. The operation itself decides what the user may do there."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import User
from scheduler_project.common.errors import NotAllowed


class ForStaff(BasePermission):
    """A permission that restricts methods to staff.

    The view's `permissions` map a method to the permission (`app.codename`) it needs. Methods without an entry are not
    restricted.
    """

    code = NotAllowed.code
    message = NotAllowed.message

    def has_permission(self, request: Request, view: Any) -> bool:
        permission = view.permissions.get("GET" if request.method == "HEAD" else request.method)
        return permission is None or (isinstance(request.user, User) and request.user.may(permission))


class AddingNeedsASchedule(BasePermission):
    """A permission to add clients, for providers and staff. Other users only read and change those they may see."""

    code = NotAllowed.code
    message = NotAllowed.message

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        adding = request.method == "POST" and not view.detail
        return not adding or (isinstance(user, User) and (user.is_staff or bool(user.provider_or_none)))

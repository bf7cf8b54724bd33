"""Who gets as far as an operation. What they may do there, the operation says."""

from typing import Any

from rest_framework.permissions import BasePermission, IsAuthenticatedOrReadOnly
from rest_framework.request import Request

from accounts.errors import NotAllowed


class KeepsClients(BasePermission):
    """Clients are added by providers and staff; whoever is logged in reads, within what they may see."""

    code = NotAllowed.code
    message = NotAllowed.message

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not user.is_authenticated:
            return False
        return request.method != "POST" or user.is_staff or user.provider_or_none is not None


class KeepsProviders(IsAuthenticatedOrReadOnly):
    """Everybody reads providers; staff add and delete them; a provider changes their own."""

    code = NotAllowed.code
    message = NotAllowed.message

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method in ("POST", "DELETE"):
            return bool(request.user.is_staff)
        return super().has_permission(request, view)

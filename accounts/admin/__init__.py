"""The admin of people, for staff."""

from accounts.clients import admin as clients
from accounts.keys import admin as keys
from accounts.providers import admin as providers
from accounts.sign_in import admin as sign_in
from accounts.users import admin as users

__all__ = ["clients", "keys", "providers", "sign_in", "users"]

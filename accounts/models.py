"""The models of accounts, gathered for Django: logins, providers, clients, sign-ins and keys."""

from accounts.clients.models import Client, ClientQuerySet, known_to_provider
from accounts.keys.models import ApiKey, ApiKeyQuerySet
from accounts.providers.models import (
    PUBLISHED,
    VETTED,
    Provider,
    ProviderQuerySet,
    Unpublished,
    published,
    published_sql,
    vetted_sql,
)
from accounts.sign_in.models import SignIn, SignInQuerySet
from accounts.users.models import Mailbox, User, UserManager

__all__ = [
    "PUBLISHED",
    "VETTED",
    "ApiKey",
    "ApiKeyQuerySet",
    "Client",
    "ClientQuerySet",
    "Mailbox",
    "Provider",
    "ProviderQuerySet",
    "SignIn",
    "SignInQuerySet",
    "Unpublished",
    "User",
    "UserManager",
    "known_to_provider",
    "published",
    "published_sql",
    "vetted_sql",
]

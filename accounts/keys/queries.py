"""The reads of API keys: the one of every request of a program."""

import re

from django.db import connection

from accounts.models import ApiKey, Client, Provider, User
from scheduler_project.common.db.rows import attributes_of, columns_of, from_row

SHAPE = re.compile(r"sk_([a-z0-9]{8})_[A-Za-z0-9]{44}")
"""A key: `sk_`, the prefix by which its row is found, and 261 bits by chance. Scanners of secrets look for this."""


# Every request of a program reads this; the ORM takes five times as long: `make bench` (reserve).
LOGIN_OF_KEY = f"""
SELECT {columns_of(User, "login")}, {columns_of(Provider, "provider")}, {columns_of(Client, "client")},
    {columns_of(ApiKey, "api_key")}, {columns_of(Provider, "bound")}
FROM accounts_apikey api_key
JOIN accounts_user login ON login.id = api_key.user_id
LEFT JOIN accounts_provider provider ON provider.user_id = login.id
LEFT JOIN accounts_client client ON client.user_id = login.id
LEFT JOIN accounts_provider bound ON bound.id = api_key.provider_id
WHERE api_key.prefix = %s
"""


BEFORE_KEY = sum(len(attributes_of(model)) for model in (User, Provider, Client))


def find_login_of_key(prefix: str) -> tuple[User, ApiKey] | None:
    """Return the key with that prefix and its login, or None. Whether it works is the caller's to check."""
    with connection.cursor() as cursor:
        cursor.execute(LOGIN_OF_KEY, [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    user = from_row(User, row, provider=Provider, client=Client)
    key = from_row(ApiKey, row[BEFORE_KEY:], provider=Provider)
    key.user = user
    return user, key

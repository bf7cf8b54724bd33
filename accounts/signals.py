"""What accounts tells those who stand on it, synchronously and in the same transaction."""

from django.dispatch import Signal

provider_added = Signal()
"""A provider was added. Arguments: `provider`, `timezone` (IANA name), `now`."""

client_registered = Signal()
"""A client registered on a page in another language than the site's. Arguments: `client`, `language`, `now`."""

provider_vetted = Signal()
"""A provider may write to others from now on: verified and approved. Arguments: `provider`, `now`."""

personal_data_asked = Signal()
"""All that is kept about somebody was asked for. Arguments: `user`, `client` (one of them may be None), `own` (whether
they asked themself: others are told no secrets), and `archive`, a JSON-ready dict to add to."""

login_leaving = Signal()
"""A login is about to be erased. Arguments: `user`, `now`. A receiver that raises a DomainError prevents it."""

mail_owed = Signal()
"""A mail is to be sent once this transaction is done."""

client_leaving = Signal()
"""A client, with or without a login, is about to be erased. Arguments: `client`, `now`. It is prevented likewise."""

mailbox_proved = Signal()
"""Whoever has a login has shown for the first time that its email is theirs. Somebody else may have made the login, so
each app ends whatever it gave out before that opens something without logging in anew, or tells somebody something:
keys, addresses, phone numbers. Arguments: `user`, `client` and `provider` (or None), `now`; `ended` and `kept`, lists
to which the names of what has ended, and of what is still there and worth a look, are added."""

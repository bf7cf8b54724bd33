"""Signals of accounts for the apps above it, sent synchronously and in the same transaction."""

from django.dispatch import Signal

provider_added = Signal()
"""A provider was added. Arguments: `provider`, `timezone` (IANA name), `now`."""

client_registered = Signal()
"""A client registered on a page in a language other than the site's. Arguments: `client`, `language`, `now`."""

provider_vetted = Signal()
"""A provider has been verified and approved and may write to others. Arguments: `provider`, `now`."""

personal_data_asked = Signal()
"""A person's archive is being built.

Arguments: `user`, `client` (one of them may be None), `own` (True if the person asked themself: only then secrets are
included), and `archive`, a dict ready for JSON to add to.
"""

login_leaving = Signal()
"""A login is about to be erased. Arguments: `user`, `now`. A receiver that raises a DomainError prevents it."""

mail_owed = Signal()
"""A mail about a login is to be sent after this transaction, ahead of all other messages.

Arguments: `mail` (`to`, `subject`, `text` and `language`; `accounts.mails.emails.mail_text_of` returns its text),
`useful_until`, `now`.
"""

client_leaving = Signal()
"""A client, with or without a login, is about to be erased. Arguments: `client`, `now`.

A receiver that raises a DomainError prevents it.
"""

mailbox_proved = Signal()
"""A login has proved its mailbox for the first time.

Somebody else may have created the login. So each app ends what it issued before that gives access without a new login,
or sends data to somebody: keys, addresses, phone numbers. Arguments: `user`, `client` and `provider` (or None), `now`;
`ended` and `kept`, lists to which to add the names of what has ended, and of what is kept and should be checked.
"""

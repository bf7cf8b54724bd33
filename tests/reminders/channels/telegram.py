"""Telegram as a channel of reminders, whole: nothing outside of this file knows it.

A chat is written where a client's reference is, so that no table is needed: `tg-12345`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db.models import Q

from accounts.models import Client, User
from reminders.channels.base import DeliveryError, OutgoingMessage, PersonalChannel, TemplateText, Unreachable
from reminders.enums import MessageKind, Recipient

CHAT = re.compile(r"tg-\d+", re.ASCII)
BLOCKED = "cause:blocked"


class TelegramChannel(PersonalChannel):
    name = "telegram"
    label = "Telegram"
    server = "Telegram's servers"
    not_set_up = "no bot is set up"
    is_short = True
    threads = 1
    limits = {"site": (100, 1000), "sender": (50, 500), "recipient": (5, 20)}
    causes = {BLOCKED: "The client blocked the bot."}
    telling_answers = re.compile("bot was blocked")
    texts = {
        Recipient.CLIENT: {
            kind: TemplateText("", f"{kind.label}: {{{{ title }}}}, {{{{ start }}}}")
            for kind in MessageKind
            if kind not in (MessageKind.EVENT, MessageKind.ACCOUNT, MessageKind.HOLD, MessageKind.HOLD_EXPIRED)
        }
    }

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.error: DeliveryError | None = None
        self.blocked: set[str] = set()
        self.has_bot = True

    @contextmanager
    def connect(self) -> Iterator["TelegramChannel"]:
        if not self.has_bot:
            raise Unreachable("No bot.")
        yield self

    def send(self, message: OutgoingMessage) -> str:
        if self.error:
            raise self.error
        self.sent.append((message.address, message.text))
        return f"message {len(self.sent)}"

    def address_of(self, client: Client) -> str:
        return client.reference if CHAT.fullmatch(client.reference) else ""

    def address_sql(self) -> str:
        return "CASE WHEN starts_with(client.reference, 'tg-') THEN client.reference ELSE '' END"

    def clients_at(self, address: str) -> Q:
        return Q(reference=address)

    def spelled(self, address: str) -> str:
        return address.strip().lower()

    def checked(self, address: str) -> str:
        if not CHAT.fullmatch(self.spelled(address)):
            raise ValidationError("This is no chat.", code="invalid")
        return self.spelled(address)

    def address_of_login(self, user: User) -> str:
        return self.address_of(user.client_or_none) if user.client_or_none else ""

    def is_proved(self, user: User, address: str) -> bool:
        """Return True for one's own chat: only a signed link from there writes it down."""
        return address == self.address_of_login(user)

    def refusal(self, client: Client) -> str:
        return BLOCKED if self.address_of(client) in self.blocked else ""

    def is_set_up(self) -> bool:
        return self.has_bot

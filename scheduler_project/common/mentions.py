"""What is kept for a while and names somebody who is erased: files on their way in, answers to repeated writes."""

import re
from collections.abc import Collection
from typing import Any

import orjson
from django.db.models import Q

from scheduler_project.common.models import IdempotentRequest, ImportedFile

WORDS = re.compile(r"[^\W_]+")
FOLDED = re.compile(r"\r?\n[ \t]")
"""A line of a calendar file that goes on below (RFC 5545 §3.1)."""


def forget_files(*, words: Collection[str], signs: Collection[str]) -> None:
    """Drop every file that waits to be imported, or was imported of late, in which one of these stands.

    `words` (names, references) stand by themselves, `signs` (emails, numbers) anywhere; in capitals or not, whatever
    blanks, dashes, quotes or ends of lines are between. Whoever uploaded the file can do so again.
    """
    wanted = [f" {spaced} " for text in words if (spaced := _spelt(text, " "))]
    anywhere = [close for text in signs if (close := _spelt(text, ""))]
    if not (wanted or anywhere):
        return
    named = []
    for file in ImportedFile.objects.iterator(chunk_size=1):
        text = "\n".join(map(_text, (file.name, file.options, file.content, file.shown, file.refused)))
        spaced, close = _spelt(FOLDED.sub("", text), " "), _spelt(text, "")
        if any(word in f" {spaced} " for word in wanted) or any(sign in close for sign in anywhere):
            named.append(file.pk)
    ImportedFile.objects.filter(pk__in=named).delete()


def forget_answers(*, texts: Collection[str], clients: Collection[int] = (), users: Collection[int] = ()) -> None:
    """Empty every answer kept for a repetition in which one of these texts stands, or that is about one of these rows.

    Those that `users` got themselves go too. That the write was done is still known, so that it is not done again.
    """
    named = Q(user__in=users)
    for text in filter(None, texts):
        named |= Q(body__contains=orjson.dumps(text).decode())
    for pk in clients:
        named |= Q(body__regex=rf'"client":({{"id":)?{pk}[,}}]') | Q(body__startswith=f'{{"id":{pk},"name":')
    for pk in users:
        named |= Q(body__startswith=f'{{"id":{pk},"email":')
    IdempotentRequest.objects.filter(named).exclude(body="").update(body="", erased=True)


def _spelt(text: str, between: str) -> str:
    return between.join(WORDS.findall(text.casefold()))


def _text(kept: Any) -> str:
    """What stands in a file as `tables.decoded` reads it, or in JSON as it was."""
    if not isinstance(kept, bytes | memoryview):
        return str(kept)
    content = bytes(kept)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")

"""Erasure of people from temporary data: files to import, and stored responses to repeated writes."""

import re
from collections.abc import Collection
from typing import Any

import orjson
from django.db.models import Q

from scheduler_project.common.models import IdempotentRequest, ImportedFile

WORDS = re.compile(r"[^\W_]+")


FOLDED = re.compile(r"\r?\n[ \t]")
"""A folded line of a calendar file (RFC 5545 §3.1)."""


def erase_import_files(*, words: Collection[str], signs: Collection[str]) -> None:
    """Delete every pending or recent import file that contains one of these texts.

    `words` (names, references) match as whole words, `signs` (emails, numbers) anywhere; case, blanks, dashes, quotes
    and line ends are ignored. Users can upload the file again.
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


def erase_stored_answers(*, texts: Collection[str], clients: Collection[int] = (), users: Collection[int] = ()) -> None:
    """Empty every stored response that contains one of these texts, or concerns one of these rows.

    Responses to `users` themselves are emptied too. The keys stay, so that no write is repeated.
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
    """Return the text of a file as `csv_reader.decoded` reads it, or the JSON as text."""
    if not isinstance(kept, bytes | memoryview):
        return str(kept)
    content = bytes(kept)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")

"""Mails as we write them ourselves say what Django's do."""

from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reminders.channels.base import Attachment, Parcel, Refused
from reminders.channels.email import letter, message_id
from reminders.channels.mime import composed

KEY = UUID("11111111-2222-3333-4444-555555555555")
SENDER = "Bücher & Co. <book@example.org>"

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)
texts = st.text(st.one_of(st.characters(exclude_categories=["Cs", "Cc"]), st.sampled_from("\n.= \t")), max_size=400)


def parcel(**given) -> Parcel:
    return Parcel(**{"key": KEY, "address": "ada@example.org", "subject": "Hello", "text": "Text", **given})


def ours(one: Parcel) -> bytes:
    return composed(one, sender=SENDER, message_id=message_id(one))


def read(content: bytes) -> Message:
    return message_from_bytes(content)


def said(mail: Message) -> dict:
    """All that whoever reads a mail makes of it."""
    headers = {
        name: " ".join(str(make_header(decode_header(value))).split())
        for name, value in mail.items()
        if name not in ("Date", "Content-Type", "Content-Transfer-Encoding")
    }
    parts = [
        (part.get_content_type(), part.get_filename(), part.get_payload(decode=True).replace(b"\r\n", b"\n").rstrip())
        for part in mail.walk()
        if not part.is_multipart()
    ]
    return {"headers": headers, "parts": parts, "kinds": [part.get_content_type() for part in mail.walk()]}


def theirs(one: Parcel) -> Message:
    mail = letter(one)
    mail.from_email = SENDER
    return read(mail.message().as_bytes(linesep="\r\n"))


@given(subject=words, to_name=words, text=texts, html=texts)
@example(subject="x" * 300, to_name="y" * 300, text="z" * 3000, html="<p>" + "ä" * 3000)
@example(subject="孔子 " * 60, to_name="孔子 " * 60, text=".\n..\nFrom me", html="a \n\t\nb=3D=\n")
@example(subject="=?utf-8?q?a?=", to_name='Lovelace, "Ada" (x) <b@c>', text="", html="--=_" + KEY.hex)
@example(subject="a\r\nBcc: x@example.org", to_name="a\r\nBcc: x@example.org", text="a\r\nb\rc", html="")
def test_mail_says_what_djangos_says(subject, to_name, text, html):
    one = parcel(subject=subject, to_name=to_name, text=f"Hello {text}", html=html)

    assert said(read(ours(one))) == said(theirs(one))


def test_mail_with_everything_says_what_djangos_says():
    calendar = Attachment("appointment.ics", "text/calendar; charset=utf-8; method=REQUEST", "BEGIN:VCALENDÄR".encode())
    headers = {"List-Unsubscribe": f"<https://book.example.org/unsubscribe/{'x' * 200}/>", "X-Long": "word " * 100}
    one = parcel(html="<p>Text</p>", to_name="Özge", headers=headers, attachments=(calendar,))

    assert said(read(ours(one)))["headers"] == said(theirs(one))["headers"]
    assert said(read(ours(one)))["kinds"] == said(theirs(one))["kinds"]
    *_others, attached = read(ours(one)).walk()
    assert attached.get_payload(decode=True) == calendar.content
    assert (attached.get_filename(), attached.get_param("method")) == ("appointment.ics", "REQUEST")


@given(subject=words, to_name=words, text=texts)
def test_mail_keeps_to_the_letter_of_smtp(subject, to_name, text):
    content = ours(parcel(subject=subject, to_name=to_name, text=text, html=text))

    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_international_domain_is_written_in_ascii():
    assert read(ours(parcel(address="ada@bücher.example")))["To"] == "ada@xn--bcher-kva.example"


def test_address_that_is_not_ascii_before_the_at_is_refused():
    with pytest.raises(Refused):
        ours(parcel(address="özge@example.org"))

"""Mail, sent to a real SMTP server that does all a mail server may do."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.channels.base import Attachment, DeliveryError, OutgoingMessage, RefusedForGood, Unreachable
from reminders.channels.email.channel import connect, mime_message
from tests.reminders.servers import SmtpServer, taking_less_than

KEY = UUID("11111111-2222-3333-4444-555555555555")


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.SEND_TIMEOUT_SECONDS = 0.5
    settings.SITE_URL = "https://book.example.org"
    settings.DEFAULT_FROM_EMAIL = "Book <book@example.org>"


def outgoing(**given) -> OutgoingMessage:
    return OutgoingMessage(**{"key": KEY, "address": "ada@example.org", "subject": "Hello", "text": "Text", **given})


def send(*parcels: OutgoingMessage) -> list[str]:
    with connect() as line:
        return [line.send(one) for one in parcels]


def refusal(*parcels: OutgoingMessage) -> DeliveryError:
    with taking_less_than(2), pytest.raises(DeliveryError) as caught:
        send(*parcels)
    return caught.value


# --- What goes out ----------------------------------------------------------------------------------------------------


def test_sends_text_html_headers_and_attachments(smtp_server):
    calendar = Attachment("appointment.ics", 'text/calendar; charset="utf-8"; method=REQUEST', b"BEGIN:VCALENDAR")
    headers = {"List-Unsubscribe": "<https://book.example.org/unsubscribe/x/>"}

    send(outgoing(html="<p>Text</p>", to_name="Lovelace, Ada", headers=headers, attachments=(calendar,)))

    [mail] = smtp_server.mails
    assert (mail["From"], mail["To"]) == ("Book <book@example.org>", '"Lovelace, Ada" <ada@example.org>')
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("Hello", "auto-generated")
    assert mail["List-Unsubscribe"] == headers["List-Unsubscribe"]
    assert mail.get_body("plain").get_content().strip() == "Text"
    assert mail.get_body("html").get_content().strip() == "<p>Text</p>"
    [attached] = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("appointment.ics", "text/calendar")
    assert attached["Content-Type"].params["method"] == "REQUEST"


def test_sends_the_same_message_id_at_every_try(smtp_server):
    ids = send(outgoing()) + send(outgoing())

    assert ids == [f"<{KEY}@book.example.org>"] * 2
    assert [mail["Message-ID"] for mail in smtp_server.mails] == ids


def test_sends_names_of_all_kinds_to_one_recipient(smtp_server):
    names = [
        "Ünal, Özge",
        'Bobby "Tables"',
        "A\r\nBcc: everybody@example.org",
        "",
        "孔子",
        "=?utf-8?q?Ada?=",
    ]

    send(*(outgoing(to_name=name, subject=f"For {name}") for name in names))

    told = [mail["To"].addresses[0] for mail in smtp_server.mails]
    assert [address.addr_spec for address in told] == ["ada@example.org"] * len(names)
    assert [address.display_name for address in told] == [" ".join(name.split()) for name in names]
    assert [mail["Bcc"] for mail in smtp_server.mails] == [None] * len(names)
    assert [mail["Subject"] for mail in smtp_server.mails] == [" ".join(f"For {name}".split()) for name in names]


@pytest.mark.parametrize("text", ["=?utf-8?q?=0D=0ABcc:_x@example.org?=", "Now =?us-ascii?b?QWRh?= then", "=?ü?q?a?="])
def test_sends_what_looks_encoded_as_it_stands(smtp_server, text):
    send(outgoing(to_name=text, subject=text))

    [mail] = smtp_server.mails
    assert (mail["To"].addresses[0].display_name, mail["Subject"]) == (text, text)


def test_sends_to_an_international_domain_in_ascii(smtp_server):
    send(outgoing(address="ada@bücher.example", to_name="Özge"))

    assert smtp_server.mails[0]["To"].addresses[0].addr_spec == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize("address", ["özge@example.org", f"ada@{'ü' * 70}.example", "ada"])
def test_address_that_mail_servers_do_not_take_is_refused(smtp_server, address):
    assert type(refusal(outgoing(address=address))) is RefusedForGood


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)


@given(subject=words, to_name=words, text=words)
def test_mail_keeps_to_the_lines_of_smtp(subject, to_name, text):
    content = (
        mime_message(outgoing(subject=subject, to_name=to_name, text=text * 9, html=text))
        .message()
        .as_bytes(linesep="\r\n")
    )

    lines = content.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert max(map(len, lines)) <= 998


def test_sends_a_batch_over_one_connection(smtp_server):
    send(*(outgoing() for _ in range(5)))

    assert (len(smtp_server.mails), smtp_server.connections) == (5, 1)


# --- What comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_refused_for_good_is_refused(smtp_server, command):
    smtp_server.on[command] = "550 5.1.1 no such mailbox"

    error = refusal(outgoing())

    assert type(error) is RefusedForGood
    assert str(error) == "550 5.1.1 no such mailbox"


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_refused_for_now_is_tried_again(smtp_server, command):
    smtp_server.on[command] = "450 4.2.0 greylisted"

    error = refusal(outgoing())

    assert type(error) is DeliveryError
    assert str(error) == "450 4.2.0 greylisted"


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("MAIL", "550 5.7.60 you may not send as this sender"),
        ("MAIL", "530 5.7.0 authentication required"),
        ("RCPT", "530 5.7.0 authentication required"),
        ("RCPT", "554 5.7.8 authentication credentials invalid"),
        ("DATA", "535 5.7.8 authentication failed"),
        ("RCPT", "452 4.3.1 insufficient system storage"),
        ("MAIL", "451 4.3.0 queue file write error"),
    ],
)
def test_refusal_that_is_about_us_and_not_about_the_mail_says_that_the_server_is_down(smtp_server, command, reply):
    smtp_server.on[command] = reply

    error = refusal(outgoing())

    assert isinstance(error, Unreachable)
    assert (error.handed_over, reply in str(error)) == (False, True)


def test_mail_too_large_is_refused_by_itself(smtp_server):
    smtp_server.on["MAIL"] = "552 5.3.4 too large"

    assert type(refusal(outgoing())) is RefusedForGood


def test_mail_that_gets_no_answer_was_handed_over_and_one_that_never_got_that_far_was_not(smtp_server, settings):
    smtp_server.on["DATA"] = SmtpServer.HANGS_UP
    lost = refusal(outgoing())
    settings.EMAIL_PORT = 1
    away = refusal(outgoing())

    assert isinstance(lost, Unreachable)
    assert isinstance(away, Unreachable)
    assert (lost.handed_over, away.handed_over) == (True, False)


def test_connection_that_is_ended_after_some_mails_is_opened_again_at_once(smtp_server):
    with connect() as line:
        line.send(outgoing())
        smtp_server.on["MAIL"] = SmtpServer.GOODBYE_ONCE
        line.send(outgoing())

    assert (len(smtp_server.mails), smtp_server.connections) == (2, 2)


def test_without_a_mail_server_it_says_that_none_is_set_up(settings):
    settings.EMAIL_BACKEND = "scheduler_project.common.mail.smtp.NoMailServer"

    assert str(refusal(outgoing())) == "No mail server is set up (EMAIL_URL)."


def test_goes_on_after_a_refusal_on_the_same_connection(smtp_server):
    smtp_server.on["RCPT"] = "550 no"
    with connect() as line:
        with pytest.raises(RefusedForGood):
            line.send(outgoing())
        smtp_server.on.clear()
        line.send(outgoing())

    assert (len(smtp_server.mails), smtp_server.connections) == (1, 1)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("trick", ["421 4.3.2 shutting down", SmtpServer.HANGS, SmtpServer.HANGS_UP])
def test_server_that_gives_up_is_unreachable(smtp_server, command, trick):
    smtp_server.on[command] = trick

    assert type(refusal(outgoing())) is Unreachable


@pytest.mark.parametrize("trick", ["421 4.3.2 shutting down", SmtpServer.HANGS, SmtpServer.HANGS_UP])
def test_connects_anew_after_the_server_gave_up(smtp_server, trick):
    with connect() as line:
        smtp_server.on["RCPT"] = trick
        with pytest.raises(Unreachable):
            line.send(outgoing())
        smtp_server.on.clear()
        line.send(outgoing())

    assert (len(smtp_server.mails), smtp_server.connections) == (1, 2)


def test_server_that_takes_its_time_over_every_word_is_unreachable(smtp_server):
    smtp_server.pause = 0.3

    assert type(refusal(outgoing())) is Unreachable


@pytest.mark.parametrize("trick", ["421 bye", "500 what", SmtpServer.HANGS, SmtpServer.HANGS_UP])
def test_bad_goodbye_is_no_failure(smtp_server, trick):
    smtp_server.on["QUIT"] = trick

    with taking_less_than(2):
        assert send(outgoing())


def test_connection_refused_is_unreachable(smtp_server, settings, closed_port):
    settings.EMAIL_PORT = closed_port

    assert type(refusal()) is Unreachable


def test_server_without_a_greeting_is_unreachable(smtp_server, settings, silent_port):
    settings.EMAIL_PORT = silent_port

    assert type(refusal()) is Unreachable


def test_name_that_is_not_there_is_unreachable(smtp_server, settings):
    settings.EMAIL_HOST = "mail.invalid"

    assert type(refusal()) is Unreachable


def test_server_without_the_encryption_asked_for_is_unreachable(smtp_server, settings):
    settings.EMAIL_USE_TLS = True

    assert type(refusal()) is Unreachable


def test_login_that_is_not_taken_is_unreachable(smtp_server, settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "book", "wrong"

    assert type(refusal()) is Unreachable

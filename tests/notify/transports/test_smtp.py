from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from iot_service.engines.ports import free_port
from iot_service.errors import DropError, RetryError, StopError
from iot_service.notify.message import Channel
from iot_service.notify.transports.smtp import SmtpTransport
from tests.notify.transports.harness import outgoing
from tests.servers.smtp import SmtpServer


@pytest.fixture
def refusing(smtp_server: SmtpServer) -> Iterator[SmtpServer]:
    yield smtp_server
    smtp_server.reply = "250 OK"


def test_an_appointment_comes_as_letter_invitation_and_file(smtp: SmtpTransport, smtp_server: SmtpServer) -> None:
    calendar = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Blåbær\r\nEND:VCALENDAR\r\n"
    message = outgoing(Channel.EMAIL, calendar=calendar)
    provider_id = smtp.send(message)
    (mail,) = smtp_server.wait_for(message.address)
    parts = [part for part in mail.walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/calendar", "application/ics"]
    assert parts[1]["Content-Type"].params["method"] == "REQUEST"
    assert parts[1].get_content() == calendar
    assert parts[2].get_filename() == "appointment.ics"
    assert parts[2].get_content() == calendar.encode()
    assert mail["Message-ID"] == provider_id == f"<delivery-{message.delivery_id}@example.com>"


def test_the_letter_is_addressed_dated_and_marked_as_automatic(smtp: SmtpTransport, smtp_server: SmtpServer) -> None:
    message = outgoing(Channel.EMAIL)
    smtp.send(message)
    (mail,) = smtp_server.wait_for(message.address)
    assert (mail["From"], mail["To"], mail["X-RcptTo"]) == ("service@example.com", message.address, message.address)
    assert mail["Subject"] == "Time mandag – på verkstedet"
    assert mail["Date"].datetime == message.written_at
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "nb")
    assert mail.get_content() == "Hei, Anna!\r\n"


def test_a_cancellation_says_so(smtp: SmtpTransport, smtp_server: SmtpServer) -> None:
    message = outgoing(Channel.EMAIL, calendar="BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nEND:VCALENDAR\r\n")
    smtp.send(message)
    (mail,) = smtp_server.wait_for(message.address)
    methods = [part["Content-Type"].params.get("method") for part in mail.walk()]
    assert "CANCEL" in methods


def test_a_full_mailbox_is_tried_again(smtp: SmtpTransport, refusing: SmtpServer) -> None:
    refusing.reply = "452 4.2.2 mailbox full"
    with pytest.raises(RetryError, match=r"answered 452: .* mailbox full"):
        smtp.send(outgoing(Channel.EMAIL))


def test_an_unknown_mailbox_is_given_up(smtp: SmtpTransport, refusing: SmtpServer) -> None:
    refusing.reply = "550 5.1.1 no such mailbox"
    with pytest.raises(DropError, match=r"answered 550: .* no such mailbox"):
        smtp.send(outgoing(Channel.EMAIL))


class Listener:
    """A mail server that knows the user anna with the password secret, and notes who logged in."""

    def __init__(self) -> None:
        self.logins: list[object] = []

    def __call__(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, who: object) -> AuthResult:
        self.logins.append(who)
        return AuthResult(success=who == LoginPassword(b"anna", b"secret"), handled=False)


@contextmanager
def listening(host: str, listener: Listener) -> Iterator[str]:
    """That mail server at ``host``, without TLS; gives host and port."""
    controller = Controller(
        Sink(), hostname=host, port=free_port(), authenticator=listener, auth_require_tls=False, auth_required=True
    )
    controller.start()
    yield f"{host}:{controller.port}"
    controller.stop()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_password_is_given_to_this_very_machine() -> None:
    listener = Listener()
    with listening("127.0.0.1", listener) as place:
        SmtpTransport(f"smtp://anna:secret@{place}", sender="a@example.com").send(outgoing(Channel.EMAIL))
        with pytest.raises(RetryError, match="answered 535"):
            SmtpTransport(f"smtp://anna:wrong@{place}", sender="a@example.com").send(outgoing(Channel.EMAIL))
    assert listener.logins[0] == LoginPassword(b"anna", b"secret")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_password_does_not_cross_a_network_in_the_clear() -> None:
    listener = Listener()
    with listening("127.0.0.2", listener) as place:  # it stands for another machine
        transport = SmtpTransport(f"smtp://anna:secret@{place}", sender="a@example.com")
        with pytest.raises(RetryError, match="offers no TLS"):
            transport.send(outgoing(Channel.EMAIL))
    assert listener.logins == []


def test_a_server_without_login_keeps_the_message_for_later(smtp_server: SmtpServer) -> None:
    transport = SmtpTransport(smtp_server.url.replace("smtp://", "smtp://user:secret@"), sender="a@example.com")
    with pytest.raises(RetryError) as caught:
        transport.send(outgoing(Channel.EMAIL))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://mail.example.com", "smtp://", "mail.example.com:25"])
def test_an_address_that_is_no_mail_server_stops_the_start(url: str) -> None:
    with pytest.raises(StopError, match="IOT_SMTP_URL"):
        SmtpTransport(url, sender="a@example.com")

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from iot_service.errors import DropError, RetryError, ServiceError
from iot_service.notify.message import Channel, Text
from iot_service.notify.transports.kannel import KannelTransport
from tests.notify.transports.harness import outgoing
from tests.servers.kannel import KannelServer


def test_the_sender_is_ours_and_the_number_theirs(kannel: KannelTransport, kannel_server: KannelServer) -> None:
    message = outgoing(Channel.SMS)
    kannel.send(message)
    (sms,) = kannel_server.wait_for(message.address)
    assert (sms.sender, sms.number, sms.text) == ("Service", message.address, message.text.short)


@pytest.mark.parametrize(
    "text",
    [
        "Ø" * 160,
        "Blåbær på Ål: æøå ÆØÅ. " * 12,
        "Čačak 🙂",
        "Čačak og blåbær på Ål, 10 °C – " * 4,
        "€ [1] {2} ~^\\|",
        "a+b=c&d=e%20#f?",
    ],
)
def test_any_text_arrives_as_it_was_written(text: str, kannel: KannelTransport, kannel_server: KannelServer) -> None:
    message = outgoing(Channel.SMS, text=Text("", text.strip(), ""))
    kannel.send(message)
    assert [sms.text for sms in kannel_server.wait_for(message.address)] == [text.strip()]


def test_a_wrong_password_can_be_put_right_and_is_not_shown(kannel_server: KannelServer) -> None:
    transport = KannelTransport(kannel_server.url, username="iot", password="no-such-password", sender="Service")
    with pytest.raises(RetryError, match="answered 403") as caught:
        transport.send(outgoing(Channel.SMS))
    transport.close()
    assert "no-such-password" not in str(caught.value)


@contextmanager
def gateway(status: int, answer: str) -> Iterator[str]:
    """Something that answers every request with one thing that Kannel may say; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base's
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/cgi-bin/sendsms"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "provider_id"),
    [
        ("0: Accepted for delivery", ""),
        ("0: Accepted for delivery: 4f6c-1", "4f6c-1"),
        ("3: Queued for later delivery", ""),
    ],
)
def test_accepted_and_queued_messages_are_sent(answer: str, provider_id: str) -> None:
    with gateway(202, answer) as url:
        transport = KannelTransport(url, username="u", password="p", sender="S")
        assert transport.send(outgoing(Channel.SMS)) == provider_id
        transport.close()


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (503, "Temporal failure, try again later.", RetryError),
        (500, "", RetryError),
        (403, "Authorization failed for sendsms", RetryError),
        (404, "Unknown request.", RetryError),
        (429, "slow down", RetryError),
        (200, "<html>a login page of somebody else</html>", RetryError),
        (400, "Garbage 'to' field, rejected.", DropError),
        (400, "Sender missing and no global set, rejected", DropError),
    ],
)
def test_each_refusal_says_whether_to_try_again(status: int, answer: str, error: type[ServiceError]) -> None:
    with gateway(status, answer) as url:
        transport = KannelTransport(url, username="u", password="p", sender="S")
        with pytest.raises(error, match=f"answered {status}"):
            transport.send(outgoing(Channel.SMS))
        transport.close()

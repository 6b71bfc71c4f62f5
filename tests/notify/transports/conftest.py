from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from iot_service.engines.ports import LOOPBACK, free_port
from iot_service.notify.message import Channel
from iot_service.notify.transports.kannel import KannelTransport
from iot_service.notify.transports.outbox import OutboxTransport
from iot_service.notify.transports.smtp import SmtpTransport
from tests.notify.transports.fake import FakeTransport
from tests.notify.transports.harness import Harness
from tests.servers.kannel import KannelServer
from tests.servers.smtp import SmtpServer

SENDER = "service@example.com"


@pytest.fixture(scope="session")
def kannel(kannel_server: KannelServer) -> Iterator[KannelTransport]:
    transport = KannelTransport(
        kannel_server.url, username=kannel_server.username, password=kannel_server.password, sender="Service"
    )
    yield transport
    transport.close()


@pytest.fixture
def smtp(smtp_server: SmtpServer) -> SmtpTransport:
    smtp_server.reply = "250 OK"
    return SmtpTransport(smtp_server.url, sender=SENDER)


@pytest.fixture(params=["fake sms", "fake email", "kannel", "smtp", "outbox sms", "outbox email"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    kind, _, channel_name = request.param.partition(" ")
    nobody = f"{LOOPBACK}:{free_port()}"
    if kind == "fake":
        fake = FakeTransport()
        yield Harness(
            Channel(channel_name),
            fake,
            FakeTransport(away=True),
            lambda address: [message.text.short for message in fake.sent if message.address == address],
        )
    elif kind == "kannel":
        server: KannelServer = request.getfixturevalue("kannel_server")
        away = KannelTransport(f"http://{nobody}/cgi-bin/sendsms", username="u", password="p", sender="S")
        yield Harness(
            Channel.SMS,
            request.getfixturevalue("kannel"),
            away,
            lambda address: [sms.text for sms in server.wait_for(address)],
        )
        away.close()
    elif kind == "smtp":
        mails: SmtpServer = request.getfixturevalue("smtp_server")
        yield Harness(
            Channel.EMAIL,
            request.getfixturevalue("smtp"),
            SmtpTransport(f"smtp://{nobody}", sender=SENDER),
            lambda address: [mail.get_content() for mail in mails.messages if address in mail["X-RcptTo"]],
        )
    else:
        folder = tmp_path / "outbox"
        (tmp_path / "file").write_text("not a folder")
        yield Harness(
            Channel(channel_name),
            OutboxTransport(folder, mail_sender=SENDER, sms_sender="Service"),
            OutboxTransport(tmp_path / "file" / "outbox", mail_sender=SENDER, sms_sender="Service"),
            lambda address: [text for to, text in map(read_file, sorted(folder.iterdir())) if to == address],
        )


def read_file(path: Path) -> tuple[str, str]:
    """Recipient and text of one file of the outbox."""
    mail = message_from_bytes(path.read_bytes(), policy=policy.default.clone(utf8=True))
    if path.suffix == ".sms":
        head, _, text = path.read_text().partition("\n\n")
        return head.partition("To: ")[2], text.rstrip("\n")
    return str(mail["To"]), str(mail.get_content())

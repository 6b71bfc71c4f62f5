from __future__ import annotations

from pathlib import Path

from iot_service.notify.message import Channel
from iot_service.notify.transports.outbox import OutboxTransport
from tests.notify.transports.harness import outgoing


def test_messages_become_files_named_by_their_delivery(tmp_path: Path) -> None:
    outbox = OutboxTransport(tmp_path / "outbox", mail_sender="a@example.com", sms_sender="Service")
    names = [outbox.send(outgoing(Channel.SMS, delivery_id=7)), outbox.send(outgoing(Channel.EMAIL, delivery_id=8))]
    assert names == ["7.sms", "8.eml"]
    assert sorted(path.name for path in (tmp_path / "outbox").iterdir()) == names
    assert (tmp_path / "outbox" / "7.sms").read_text().startswith("From: Service\nTo: +47")


def test_a_delivery_written_again_is_the_same_file(tmp_path: Path) -> None:
    outbox = OutboxTransport(tmp_path, mail_sender="a@example.com", sms_sender="Service")
    message = outgoing(Channel.EMAIL, calendar="BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n")
    name = outbox.send(message)
    outbox.send(message)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert b"METHOD" not in (tmp_path / name).read_bytes()[:100]


def test_only_this_user_may_read_the_outbox(tmp_path: Path) -> None:
    OutboxTransport(tmp_path / "outbox", mail_sender="a@example.com", sms_sender="S").send(outgoing(Channel.SMS))
    assert (tmp_path / "outbox").stat().st_mode & 0o077 == 0

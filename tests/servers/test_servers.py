"""The real servers do what the tests of the service rely on."""

from __future__ import annotations

import re
import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.servers.kannel import KannelServer
from tests.servers.mosquitto import MosquittoServer
from tests.servers.mqtt import connected
from tests.servers.smtp import SmtpServer
from tests.servers.timescale import TimescaleServer

_PARENT = """
import sys, time
from tests.servers.kannel import KannelServer
from tests.servers.mosquitto import MosquittoServer
from tests.servers.timescale import TimescaleServer
servers = [KannelServer(), MosquittoServer(), TimescaleServer(in_memory=True)]
for server in servers:
    server.start()
pids = [child.pid for child in servers[0]._children] + [servers[1]._child.pid, servers[2]._child.pid]
print("started", *(server._home for server in servers), *pids, flush=True)
time.sleep(60)
"""


def _send(server: KannelServer, text: str, *, coding: int = 0) -> int:
    query = {"username": server.username, "password": server.password, "to": "+4790000001", "text": text}
    return httpx.get(server.url, params={**query, "charset": "UTF-8", "coding": coding}).status_code


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("Fryseren står på -62 C. Ring oss på 22 00 00 00: https://example.test/a?b=1&c=2", 0),
        ("Fryseren står på -62 °C", 2),
        ("Ærlig talt, Åse: 100 % ferdig + klar\npå to linjer", 0),
        ("Fryseren 你 står på -62 °C, æøå", 2),
        ("En lang melding om æøå og mye mer. " * 12, 0),
        ("En lang melding 你 om æøå og mye mer. " * 12, 2),
    ],
)
def test_an_sms_arrives_with_its_norwegian_letters(kannel_server: KannelServer, text: str, coding: int) -> None:
    kannel_server.clear()
    assert _send(kannel_server, text, coding=coding) == 202
    (sms,) = kannel_server.wait_for("+4790000001")
    assert sms.text == text
    assert sms.sender == "IOT"


def test_a_sign_that_the_gsm_alphabet_lacks_is_lost_without_coding_2(kannel_server: KannelServer) -> None:
    kannel_server.clear()
    assert _send(kannel_server, "æøå -62 °C", coding=0) == 202
    assert [sms.text for sms in kannel_server.wait_for()] == ["æøå -62 ?C"]


def test_the_gateway_refuses_a_wrong_password(kannel_server: KannelServer) -> None:
    kannel_server.clear()
    answer = httpx.get(kannel_server.url, params={"username": "iot", "password": "guess", "to": "+4791", "text": "x"})
    assert answer.status_code == 403
    with pytest.raises(TimeoutError, match="1 SMS wanted for anybody"):
        kannel_server.wait_for(timeout=0.2)


def test_an_email_arrives_with_its_attachment(smtp_server: SmtpServer) -> None:
    smtp_server.clear()
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "service@example.test", "aase@example.test", "Time på verkstedet – æøå"
    mail.set_content("Hei Åse")
    mail.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="time.ics")
    with smtplib.SMTP("127.0.0.1", smtp_server.port) as client:
        client.send_message(mail)
    (got,) = smtp_server.wait_for("aase@example.test")
    assert got["Subject"] == "Time på verkstedet – æøå"
    assert [part.get_filename() for part in got.iter_attachments()] == ["time.ics"]


def test_the_smtp_server_can_be_told_to_refuse(smtp_server: SmtpServer) -> None:
    smtp_server.clear()
    smtp_server.reply = "451 come back later"
    try:
        with smtplib.SMTP("127.0.0.1", smtp_server.port) as client, pytest.raises(smtplib.SMTPDataError):
            client.sendmail("a@example.test", ["b@example.test"], "Subject: x\n\nx")
    finally:
        smtp_server.reply = "250 OK"
    assert smtp_server.messages == []


def test_timescale_makes_hypertables(timescale_server: TimescaleServer) -> None:
    with psycopg.connect(timescale_server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE trial")
    with psycopg.connect(timescale_server.url.removesuffix("/iot") + "/trial") as connection:
        connection.execute("CREATE EXTENSION timescaledb")
        connection.execute("CREATE TABLE reading (at timestamptz NOT NULL, value float8)")
        row = connection.execute("SELECT (create_hypertable('reading', by_range('at'))).created").fetchone()
        assert row == (True,)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
    with psycopg.connect(timescale_server.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE trial WITH (FORCE)")


def test_what_mosquitto_has_saved_survives_its_death(mosquitto_server: MosquittoServer) -> None:
    with connected(mosquitto_server.port, "survivor") as service:
        service.subscribe("survivor/#")
    with connected(mosquitto_server.port, "speaker") as device:
        for number in range(30):
            device.publish("survivor/x", str(number).encode())
    mosquitto_server.save()
    time.sleep(0.3)
    port = mosquitto_server.port
    mosquitto_server.kill()
    assert not mosquitto_server.running
    mosquitto_server.restart()
    assert mosquitto_server.port == port
    with connected(port, "survivor") as service:
        assert [int(service.messages.get(timeout=5)[1]) for _ in range(30)] == list(range(30))


def test_with_the_shipped_access_list_a_device_speaks_for_itself_only(mosquitto_server: MosquittoServer) -> None:
    assert mosquitto_server.running
    server = MosquittoServer(passwords={"iot-service": "s", "car-1": "c"})
    server.start()
    try:
        with connected(server.port, "car-1", "wrong") as stranger:
            assert stranger.refused == "Not authorized"
        with connected(server.port, "iot-service", "s") as service, connected(server.port, "car-1", "c") as device:
            service.subscribe("$share/ingest/iot/v1/+/telemetry")
            device.subscribe("iot/v1/car-1/command")
            device.publish("iot/v1/car-2/telemetry", b"forged")
            device.publish("iot/v1/car-1/telemetry", b"own")
            service.publish("iot/v1/car-1/command", b"go")
            assert service.messages.get(timeout=5) == ("iot/v1/car-1/telemetry", b"own")
            assert device.messages.get(timeout=5) == ("iot/v1/car-1/command", b"go")
            assert service.messages.empty()
    finally:
        server.stop()


def test_killed_tests_leave_no_server_and_no_folder_behind(
    kannel_server: KannelServer, mosquitto_server: MosquittoServer, timescale_server: TimescaleServer
) -> None:
    """The fixtures say on machines without these servers why there is nothing to see here."""
    assert all((kannel_server.url, mosquitto_server.url, timescale_server.url))
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", _PARENT], cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        try:
            while not (line := parent.stdout.readline()).startswith("started"):
                assert line, "it ended before the servers had started"
        finally:
            parent.kill()
    _, *folders = line.split()
    left = [Path(f"/proc/{word}") if re.fullmatch(r"\d+", word) else Path(word) for word in folders]
    deadline = time.monotonic() + 30
    while any(path.exists() for path in left) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [path for path in left if path.exists()] == []


@pytest.mark.parametrize("processes", [[], ["-n", "1"]], ids=["in one process", "spread"])
def test_the_plugin_says_what_could_not_be_started_and_fails_when_ci_is_set(
    processes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(kannel_server): assert kannel_server\n")
    (tmp_path / "without.py").write_text("from tests.servers import kannel\nkannel._program = lambda name: None\n")
    (tmp_path / "conftest.py").write_text("import without\n")
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parents[2]}:{tmp_path}")
    plugin = ["-p", "tests.servers.plugin", "--rootdir", str(tmp_path), str(tmp_path)]
    command = [sys.executable, "-m", "pytest", *processes, *plugin]
    for value, code, word in (("", 0, "1 skipped"), ("1", 1, "1 error")):
        monkeypatch.setenv("CI", value)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout
        assert word in done.stdout
        assert "NOT used: Kannel: not installed: bearerbox, smsbox, fakesmsc" in done.stdout

"""Dead letters of one batch."""

from __future__ import annotations

from iot_service.ingest.letters import DeadLetter, DeadLetters
from iot_service.ingest.limits import LETTERS_AN_HOUR, STRANGERS_LETTERS_AN_HOUR
from iot_service.ingest.micros import HOUR
from iot_service.ingest.reasons import Fault, Reason
from iot_service.ingest.source import Message
from tests.ingest.examples import RECEIVED

MESSAGE = Message("iot/v1/freezer-1/telemetry", b"rubbish", RECEIVED)
FAULT = Fault(Reason.NOT_JSON, "not JSON")


def only_letter(message: Message, fault: Fault) -> DeadLetter:
    letters = DeadLetters()
    letters.add(message, fault, device_id="freezer-1", registered=True)
    ((_, (letter,), _),) = letters.buckets()
    return letter


def test_a_letter_holds_the_whole_message_or_the_bad_part_of_it() -> None:
    assert only_letter(MESSAGE, FAULT).payload == b"rubbish"
    part = {"ts": 1, "values": {"x": float("nan")}}
    assert only_letter(MESSAGE, FAULT._replace(part=part)).payload == b'{"ts": 1, "values": {"x": NaN}}'


def test_a_letter_holds_only_what_the_database_can_hold() -> None:
    letter = only_letter(MESSAGE._replace(topic="iot/\x00"), Fault(Reason.WRONG_TYPE, "half \ud800" + "x" * 9999))
    assert letter.topic == "iot/\\0"
    assert letter.detail.startswith("half \\ud800xxx")
    assert len(letter.detail) == 500


def test_of_a_payload_that_is_too_large_the_beginning_is_kept() -> None:
    letter = only_letter(MESSAGE._replace(payload=b"x" * 1_000_000), Fault(Reason.TOO_LARGE, "too large"))
    assert letter.payload == b"x" * 4000


def test_beyond_the_limit_of_the_hour_letters_of_a_device_and_reason_are_only_counted() -> None:
    letters = DeadLetters()
    for _ in range(LETTERS_AN_HOUR + 50):
        letters.add(MESSAGE, FAULT, device_id="freezer-1", registered=True)
    letters.add(MESSAGE, FAULT, device_id="freezer-2", registered=True)
    letters.add(MESSAGE, Fault(Reason.TOO_OLD, "old"), device_id="freezer-1", registered=True)
    letters.add(MESSAGE._replace(received=RECEIVED + HOUR), FAULT, device_id="freezer-1", registered=True)
    found = {(b.device_id, b.reason, b.hour): (len(kept), total) for b, kept, total in letters.buckets()}
    assert found == {
        ("freezer-1", Reason.NOT_JSON, RECEIVED): (LETTERS_AN_HOUR, LETTERS_AN_HOUR + 50),
        ("freezer-2", Reason.NOT_JSON, RECEIVED): (1, 1),
        ("freezer-1", Reason.TOO_OLD, RECEIVED): (1, 1),
        ("freezer-1", Reason.NOT_JSON, RECEIVED + HOUR): (1, 1),
    }
    assert len(letters) == LETTERS_AN_HOUR + 53


def test_all_unknown_devices_share_one_limit_since_anybody_can_make_up_ids() -> None:
    letters = DeadLetters()
    for number in range(STRANGERS_LETTERS_AN_HOUR + 5):
        fault = Fault(Reason.UNKNOWN_DEVICE, "unknown")
        letters.add(MESSAGE, fault, device_id=f"stranger-{number}", registered=False)
    ((_, kept, total),) = letters.buckets()
    assert (len(kept), total) == (STRANGERS_LETTERS_AN_HOUR, STRANGERS_LETTERS_AN_HOUR + 5)
    assert kept[7].device_id == "stranger-7"

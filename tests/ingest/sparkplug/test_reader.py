"""The facade: many nodes, transactions that fail, and what a message on a strange topic becomes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.ingest.reasons import Reason
from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message
from iot_service.ingest.sparkplug.host import rebirth_topic, state_payload, state_topic
from iot_service.ingest.sparkplug.reader import Reading, SparkplugReader
from iot_service.ingest.sparkplug.session import NodeSession
from iot_service.ingest.sparkplug.topics import NodeKey, Verb, parse_topic
from tests.ingest.examples import NOW, RECEIVED
from tests.ingest.sparkplug.edge import KEY, Edge, topic

OTHER = NodeKey("plant", "other")


class Kept:
    """Stands in for the database: sessions by node, and what was asked for."""

    def __init__(self) -> None:
        self.sessions: dict[NodeKey, NodeSession] = {}
        self.asked: list[set[NodeKey]] = []

    def load(self, keys: Collection[NodeKey]) -> Mapping[NodeKey, NodeSession]:
        """The sessions that are known."""
        self.asked.append(set(keys))
        return {key: self.sessions[key] for key in keys if key in self.sessions}

    def save(self, reading: Reading) -> None:
        """Keep what has changed."""
        self.sessions |= {change.session.key: change.session for change in reading.changes}


def births(edge: Edge) -> list[Message]:
    return [edge.node_birth(voltage=12.0), edge.device_birth("pump", temperature=20.0)]


def said(reading: Reading) -> list[Sent]:
    return [sent for _, all_sent in reading.sent for sent in all_sent]


def test_messages_of_many_nodes_are_read_each_in_its_order() -> None:
    reader, one, two = SparkplugReader(Kept().load), Edge(), Edge(OTHER)
    messages = [*births(one), *births(two), one.short_data("pump", a100=1.0), two.short_data("pump", a100=2.0)]
    reading = reader.read(messages)
    assert [message for message, _ in reading.sent] == messages
    assert [sent.device_id for sent in said(reading)] == [
        "plant/edge", "plant/edge/pump", "plant/other", "plant/other/pump", "plant/edge/pump", "plant/other/pump",
    ]  # fmt: skip
    assert reading.rebirths == []


def test_a_reading_whose_transaction_fails_is_read_again_from_the_same_beginning() -> None:
    reader, edge = SparkplugReader(Kept().load), Edge()
    reader.keep(reader.read(births(edge)))
    edge.lose()
    messages = [edge.short_data("pump", a100=1.0)]
    failed = reader.read(messages)
    again = reader.read(messages)
    assert (again.rebirths, again.changes, said(again)) == (failed.rebirths, failed.changes, said(failed))
    assert len(again.rebirths) == 1
    reader.keep(again)
    assert reader.read([edge.short_data("pump", a100=2.0)]).rebirths == []


def test_the_halves_of_a_failed_batch_are_read_one_after_the_other() -> None:
    reader, edge = SparkplugReader(Kept().load), Edge()
    first, second = births(edge), [edge.short_data("pump", a100=1.0)]
    reader.read(first + second)
    reader.keep(reader.read(first))
    reading = reader.read(second)
    assert said(reading)[0].entries[0].values == {"temperature": 1.0}
    assert reading.rebirths == []


def test_after_a_restart_aliases_are_known_and_what_was_missed_is_noticed() -> None:
    kept, edge = Kept(), Edge()
    kept.save(SparkplugReader(kept.load).read(births(edge)))
    edge.lose(3)
    reading = SparkplugReader(kept.load).read([edge.short_data("pump", a100=21.5)])
    assert said(reading)[0].entries[0].values == {"temperature": 21.5}
    assert [address for address, _ in reading.rebirths] == [rebirth_topic(KEY)]


def test_a_node_is_loaded_once() -> None:
    kept, edge = Kept(), Edge()
    reader = SparkplugReader(kept.load)
    reader.keep(reader.read(births(edge)))
    reader.read([edge.data(voltage=1.0)])
    assert kept.asked == [{KEY}]


def test_only_what_has_changed_is_saved_and_births_only_when_they_are_others() -> None:
    reader, edge = SparkplugReader(Kept().load), Edge()
    stranger = Edge(OTHER)
    reading = reader.read([*births(edge), stranger.data(voltage=1.0)])
    assert [(change.session.key, change.births_changed) for change in reading.changes] == [(KEY, True)]
    reader.keep(reading)
    message = edge.data(voltage=1.0)
    reading = reader.read([message])
    assert [change.births_changed for change in reading.changes] == [False]
    reader.keep(reading)
    assert reader.read([message]).changes == []
    assert [change.births_changed for change in reader.read([edge.node_death()]).changes] == [True]


def test_a_topic_that_nobody_agreed_on_is_a_fault() -> None:
    (sent,) = said(SparkplugReader(Kept().load).read([Message("spBv1.0/plant/HELLO/edge", b"", RECEIVED)]))
    assert (sent.device_id, [fault.reason for fault in sent.faults]) == (None, [Reason.UNKNOWN_TOPIC])


def test_a_retained_message_is_a_fault_and_changes_nothing() -> None:
    old = Edge().node_birth(voltage=12.0)._replace(retained=True)
    reading = SparkplugReader(Kept().load).read([old])
    (sent,) = said(reading)
    assert sent.device_id == "plant/edge"
    assert "NBIRTH with the retain flag" in sent.faults[0].detail
    assert (sent.online, reading.changes) == (None, [])


def test_what_hosts_say_comes_to_nothing() -> None:
    state = Message(state_topic("scada"), state_payload(online=True, at=NOW), RECEIVED, retained=True)
    command = Message(topic(Verb.NCMD), b"whatever", RECEIVED)
    reading = SparkplugReader(Kept().load).read([state, command])
    assert reading.sent == [(state, []), (command, [])]
    assert reading.sessions == {}


levels = st.sampled_from(["spBv1.0", "plant", "edge", "pump", "STATE", *Verb]) | st.text(max_size=5)


@settings(max_examples=300, deadline=None)
@given(st.lists(levels, min_size=1, max_size=6), st.binary(max_size=100), st.booleans())
def test_whatever_comes_on_whatever_topic_nothing_breaks_and_nothing_is_passed_over(
    parts: list[str], payload: bytes, retained: bool
) -> None:
    message = Message("/".join(parts), payload, RECEIVED, retained)
    ((read, sent),) = SparkplugReader(Kept().load).read([message]).sent
    assert read is message
    topic = parse_topic(message.topic)
    said_to_somebody = topic is not None and topic.verb in {Verb.NCMD, Verb.DCMD, Verb.STATE}
    assert said_to_somebody or sent
    assert not retained or said_to_somebody or all(each.faults and not each.entries for each in sent)

"""The session of an edge node."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_service.ingest.reasons import Reason
from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message
from iot_service.ingest.sparkplug.session import NodeSession, Outcome
from iot_service.ingest.sparkplug.topics import Verb, parse_topic
from iot_service.ingest.sparkplug.wire import new_payload
from tests.ingest.sparkplug.edge import KEY, MILLIS, SECOND, Edge, metric, topic


class Host:
    """Takes one message after the other and remembers what followed."""

    def __init__(self) -> None:
        self.session = NodeSession(KEY)
        self.said: list[Sent] = []
        self.asked: list[str] = []

    def hear(self, *messages: Message) -> Outcome:
        """Take messages; gives the last one's outcome."""
        for message in messages:
            found = parse_topic(message.topic)
            assert found is not None
            outcome = self.session.receive(found, message.payload, message.received)
            self.session = outcome.session
            self.said += outcome.sent
            self.asked += [outcome.rebirth] if outcome.rebirth else []
        return outcome

    def values(self, address: str) -> list[object]:
        """All values of the first metric of an address, in order."""
        return [
            value for sent in self.said if sent.device_id == address
            for entry in sent.entries for value in entry.values.values()
        ]  # fmt: skip

    def online(self, address: str) -> list[bool]:
        """What was said of an address's connection, in order."""
        return [sent.online for sent in self.said if sent.device_id == address and sent.online is not None]

    def faults(self) -> list[Reason]:
        """The reasons of all faults."""
        return [fault.reason for sent in self.said for fault in sent.faults]


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def edge() -> Edge:
    return Edge()


def born(host: Host, edge: Edge) -> None:
    host.hear(edge.node_birth(voltage=12.0), edge.device_birth("pump", temperature=20.0))


def test_births_give_values_and_say_who_is_online(host: Host, edge: Edge) -> None:
    born(host, edge)
    assert (host.values("plant/edge"), host.values("plant/edge/pump")) == ([12.0], [20.0])
    assert (host.online("plant/edge"), host.online("plant/edge/pump")) == ([True], [True])
    assert (host.asked, host.faults()) == ([], [])


def test_data_is_understood_by_name_and_by_alias(host: Host, edge: Edge) -> None:
    born(host, edge)
    host.hear(edge.data("pump", temperature=21.0), edge.short_data("pump", a100=22.0), edge.short_data(a0=11.5))
    assert host.values("plant/edge/pump") == [20.0, 21.0, 22.0]
    assert host.values("plant/edge") == [12.0, 11.5]
    assert (host.asked, host.faults()) == ([], [])


def test_data_says_nothing_of_the_connection(host: Host, edge: Edge) -> None:
    born(host, edge)
    host.hear(edge.data("pump", temperature=21.0))
    assert host.said[-1].online is None


def test_sequence_numbers_go_round_without_a_gap(host: Host, edge: Edge) -> None:
    born(host, edge)
    for _ in range(600):
        host.hear(edge.data("pump", temperature=1.0))
    assert host.asked == []
    assert len(host.values("plant/edge/pump")) == 601


@pytest.mark.parametrize("missing", [1, 2, 100, 127, 128, 200, 254])
def test_a_missing_message_is_noticed_and_what_came_is_kept(host: Host, edge: Edge, missing: int) -> None:
    born(host, edge)
    edge.lose(missing)
    host.hear(edge.short_data("pump", a100=1.0), edge.short_data("pump", a100=2.0))
    assert host.asked == [f"message 2 is missing before {(2 + missing) % 256}"]
    assert host.values("plant/edge/pump") == [20.0, 1.0, 2.0]


def test_a_rebirth_mends_a_gap(host: Host, edge: Edge) -> None:
    born(host, edge)
    edge.lose()
    host.hear(edge.data("pump", temperature=1.0))
    born(host, edge)
    host.hear(*(edge.short_data("pump", a100=1.0) for _ in range(60)))
    assert len(host.asked) == 1
    assert host.session.waiting == ""


def test_requests_for_a_rebirth_are_ten_seconds_apart_then_ever_longer(host: Host, edge: Edge) -> None:
    times = []
    for _ in range(3000):  # one data message a second, and never a birth
        message = edge.data(temperature=1.0)
        if host.hear(message).rebirth:
            times.append(message.received // SECOND)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_requests_stay_ten_seconds_apart_when_the_node_is_born_in_between(host: Host, edge: Edge) -> None:
    times = []
    for _ in range(15):
        born(host, edge)
        edge.lose()
        message = edge.data(voltage=1.0)
        if host.hear(message).rebirth:
            times.append(message.received // SECOND)
    assert min(later - earlier for earlier, later in pairwise(times)) >= 10


def test_data_before_a_birth_asks_for_it_and_keeps_what_has_a_name(host: Host, edge: Edge) -> None:
    outcome = host.hear(edge.data("pump", temperature=21.0))
    assert outcome.rebirth == "data came before a birth of the edge node"
    assert host.values("plant/edge/pump") == [21.0]
    host.hear(edge.short_data("pump", a100=22.0))
    assert host.faults() == [Reason.UNKNOWN_METRIC]


def test_data_of_a_device_that_was_not_born_asks_for_a_rebirth(host: Host, edge: Edge) -> None:
    host.hear(edge.node_birth(), edge.data("pump", temperature=21.0))
    assert host.asked == ["data came before a birth of its device"]
    assert host.values("plant/edge/pump") == [21.0]


def test_an_unknown_alias_asks_for_a_rebirth(host: Host, edge: Edge) -> None:
    born(host, edge)
    host.hear(edge.short_data("pump", a100=1.0, a999=2.0))
    assert host.asked == ["an alias is unknown"]
    assert host.faults() == [Reason.UNKNOWN_METRIC]
    assert host.values("plant/edge/pump") == [20.0, 1.0]


def test_an_alias_of_another_device_is_unknown(host: Host, edge: Edge) -> None:
    born(host, edge)
    host.hear(edge.device_birth("fan", 200, speed=1.0), edge.short_data("fan", a100=5.0))
    assert host.values("plant/edge/fan") == [1.0]
    assert host.faults() == [Reason.UNKNOWN_METRIC]


def test_the_death_of_the_node_takes_its_devices_with_it(host: Host, edge: Edge) -> None:
    born(host, edge)
    host.hear(edge.node_death())
    assert host.online("plant/edge") == [True, False]
    assert host.online("plant/edge/pump") == [True, False]
    assert not host.session.is_born


def test_a_death_of_an_earlier_connection_counts_for_nothing(host: Host) -> None:
    edge = Edge(bd_seq=7)
    born(host, edge)
    assert host.hear(edge.node_death(6)).sent == []
    assert host.hear(edge.node_death(9)).sent == []
    assert host.session.is_born


@pytest.mark.parametrize(("birth", "death"), [(7, 8), (255, 0)])
def test_the_death_of_the_next_connection_ends_the_one_we_know(host: Host, birth: int, death: int) -> None:
    edge = Edge(bd_seq=birth)
    born(host, edge)
    host.hear(edge.node_death(death))
    assert host.online("plant/edge") == [True, False]


def test_a_death_without_a_number_is_a_fault_and_ends_nothing(host: Host, edge: Edge) -> None:
    born(host, edge)
    host.hear(Message(topic(Verb.NDEATH), b"", MILLIS * 1000))
    assert host.faults() == [Reason.WRONG_SHAPE]
    assert host.session.is_born


def test_after_a_death_aliases_are_not_trusted(host: Host, edge: Edge) -> None:
    born(host, edge)
    host.hear(edge.node_death(), edge.short_data("pump", a100=1.0))
    assert host.values("plant/edge/pump") == [20.0]
    assert host.asked == ["data came before a birth of the edge node"]


def test_the_death_of_a_device_is_its_own(host: Host, edge: Edge) -> None:
    born(host, edge)
    host.hear(edge.device_death("pump"), edge.data(voltage=1.0))
    assert (host.online("plant/edge"), host.online("plant/edge/pump")) == ([True], [True, False])
    assert host.asked == []
    host.hear(edge.device_birth("pump", temperature=1.0))
    assert host.online("plant/edge/pump") == [True, False, True]


def test_a_device_that_is_not_born_again_with_its_node_is_offline_when_data_comes(host: Host, edge: Edge) -> None:
    born(host, edge)
    host.hear(edge.device_birth("fan", 200, speed=1.0))
    born(host, edge)
    assert host.online("plant/edge/fan") == [True]
    host.hear(edge.data("pump", temperature=1.0), edge.data("pump", temperature=2.0))
    assert (host.online("plant/edge/fan"), host.online("plant/edge/pump")) == ([True, False], [True, True])


def test_a_message_that_is_delivered_twice_is_kept_and_makes_no_gap(host: Host, edge: Edge) -> None:
    births = [edge.node_birth(voltage=12.0), edge.device_birth("pump", temperature=20.0)]
    data = [edge.short_data("pump", a100=float(number)) for number in range(5)]
    host.hear(*births, *data)
    before = host.session
    host.hear(data[-1], *births, *data)
    assert host.session == before
    host.hear(edge.short_data("pump", a100=9.0))
    assert host.asked == []
    assert host.faults() == []


def test_a_death_that_is_delivered_after_the_next_birth_ends_nothing(host: Host) -> None:
    edge = Edge(bd_seq=3)
    born(host, edge)
    death = edge.node_death()
    edge.bd_seq = 4
    host.hear(death)
    born(host, edge)
    host.hear(death, edge.data("pump", temperature=1.0))
    assert host.online("plant/edge/pump") == [True, False, True]
    assert host.asked == []


def test_a_node_whose_clock_was_set_back_is_followed(host: Host, edge: Edge) -> None:
    born(host, edge)
    edge.millis -= 86_400_000
    host.hear(*(edge.data("pump", temperature=1.0) for _ in range(5)))
    born(host, edge)
    host.hear(edge.data("pump", temperature=1.0))
    assert host.asked == []


def test_a_node_that_starts_anew_with_a_wrong_clock_is_born(host: Host) -> None:
    edge = Edge(bd_seq=5)
    born(host, edge)
    fresh = Edge(bd_seq=0, millis=1000)
    born(host, fresh)
    host.hear(fresh.short_data("pump", a100=1.0))
    assert host.session.bd_seq == 0
    assert host.asked == []


def test_what_cannot_be_read_is_a_fault_and_shows_as_a_gap_later(host: Host, edge: Edge) -> None:
    born(host, edge)
    edge.lose()
    host.hear(Message(topic(Verb.DDATA, "pump"), b"\xff\xff", MILLIS * 1000))
    assert (host.faults(), host.said[-1].device_id) == ([Reason.WRONG_SHAPE], "plant/edge/pump")
    host.hear(edge.data("pump", temperature=1.0))
    assert len(host.asked) == 1


def test_a_node_cannot_define_metrics_without_end(host: Host, edge: Edge) -> None:
    host.hear(edge.node_birth())
    for device in range(5):
        payload = new_payload(timestamp=edge.millis, seq=device + 1)
        for number in range(6000):
            metric(payload, f"metric {number}", None)
        host.hear(Message(topic(Verb.DBIRTH, f"d{device}"), payload.SerializeToString(), MILLIS * 1000))
    assert host.faults() == [Reason.TOO_LARGE, Reason.TOO_LARGE]
    assert sum(len(birth.metrics) for birth in host.session.births.values()) <= 20_000


def test_commands_and_states_say_nothing(host: Host, edge: Edge) -> None:
    born(host, edge)
    command = Message(topic(Verb.NCMD), edge.data(voltage=1.0).payload, MILLIS * 1000)
    before = host.session
    assert host.hear(command) == Outcome(before, [])


steps = st.lists(
    st.sampled_from(["birth", "pump", "fan", "node", "short", "lose", "again", "death", "late death", "fan death"]),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(0, 255), st.integers(0, 300))
def test_whatever_happens_every_value_comes_out_or_is_told_and_only_a_loss_asks_for_births(
    history: list[str], bd_seq: int, warm: int
) -> None:
    host, edge = Host(), Edge(bd_seq=bd_seq)
    host.hear(edge.node_birth(v=0.0), edge.device_birth("pump", t=0.0), edge.device_birth("fan", 200, s=0.0))
    for _ in range(warm):
        host.hear(edge.short_data("pump", a100=0.0))
    sent, lost, last = 3 + warm, False, edge.data("pump", t=0.0)
    host.hear(last)
    sent += 1
    for step in history:
        if step == "lose":
            edge.lose()
            lost = True
        elif step == "again":
            host.hear(last)
            sent += 1
        elif step == "late death":
            host.hear(edge.node_death((edge.bd_seq - 1) % 256))
        elif step == "fan death":
            host.hear(edge.device_death("fan"), edge.device_birth("fan", 200, s=1.0))
            sent += 1
        elif step == "death":
            host.hear(edge.node_death())
            edge.bd_seq = (edge.bd_seq + 1) % 256
            last = edge.node_birth(v=2.0)
            host.hear(last, edge.device_birth("pump", t=2.0), edge.device_birth("fan", 200, s=2.0))
            sent += 3
        else:
            made = {
                "birth": lambda: edge.node_birth(v=1.0),
                "pump": lambda: edge.short_data("pump", a100=1.0),
                "fan": lambda: edge.data("fan", s=1.0),
                "node": lambda: edge.data(v=1.0),
                "short": lambda: edge.short_data(a0=1.0),
            }[step]()
            if step == "birth":  # births of the devices follow at once, as they must
                host.hear(made, edge.device_birth("pump", t=3.0), edge.device_birth("fan", 200, s=3.0))
                sent += 3
            else:
                host.hear(made)
                sent += 1
            last = made
    came = sum(len(entry.values) for said in host.said for entry in said.entries)
    assert came == sent
    assert host.faults() == []
    assert lost or host.asked == []


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([Verb.NBIRTH, Verb.DBIRTH, Verb.NDATA, Verb.DDATA, Verb.NDEATH, Verb.DDEATH]),
    st.binary(max_size=200),
    st.integers(0, 60),
    st.integers(0, 255),
)
def test_no_payload_breaks_a_session(verb: Verb, rubbish: bytes, place: int, byte: int) -> None:
    host, edge = Host(), Edge()
    born(host, edge)
    device = "pump" if verb.startswith("D") else ""
    payload = bytearray(edge.data(device, temperature=1.0).payload)
    payload[place % len(payload)] = byte
    for data in (rubbish, bytes(payload), bytes(payload[:place])):
        outcome = host.hear(Message(topic(verb, device), data, MILLIS * 1000))
        assert all(fault.detail for sent in outcome.sent for fault in sent.faults)
    assert replace(host.session, waiting="").key == KEY

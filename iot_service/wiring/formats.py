"""`formats list` and `formats try`: what a person who connects devices sees."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from iot_service import clock
from iot_service.config import Settings
from iot_service.errors import StopError
from iot_service.ingest.fields import ProductFields, compile_fields
from iot_service.ingest.formats.format import acl_lines
from iot_service.ingest.formats.router import SPARKPLUG, Router, load_formats
from iot_service.ingest.formats.sources import shipped_sources
from iot_service.ingest.formats.thingsboard import ThingsBoard
from iot_service.ingest.limits import TimeLimits
from iot_service.ingest.micros import from_micros, to_micros
from iot_service.ingest.occurrences import check_occurrences
from iot_service.ingest.payloads import Telemetry, check_sent, read_telemetry
from iot_service.ingest.reasons import Fault
from iot_service.ingest.sent import Sent
from iot_service.ingest.source import Message
from iot_service.ingest.topics import TopicKind, parse_topic
from iot_service.products.catalog import load_catalog
from iot_service.products.documents import suggestion


@dataclass(frozen=True, slots=True)
class Report:
    """What to print, and whether all was well."""

    text: str
    passed: bool


def list_formats(settings: Settings) -> str:
    """Return the formats that are on, each with its lines of an access list, and the names of those that are off.

    Raises StopError with all that is wrong with the settings and the files of sources.
    """
    formats = load_formats(settings, load_catalog(settings.products_dir))
    Router(formats)
    lines = ["always on: the JSON of the contract and SenML, on iot/v1/{device}/telemetry"]
    for one in formats:
        lines += [f"{one.name}: on; the broker grants", *(f"    {line}" for line in acl_lines(one))]
    on = {one.name for one in formats}
    if SPARKPLUG in settings.formats:
        on.add(SPARKPLUG)
        lines.append(f"{SPARKPLUG}: on; see docs/sparkplug.md")
    off = sorted({ThingsBoard.name, SPARKPLUG, *shipped_sources()} - on)
    return "\n".join([*lines, *([f"off: {', '.join(off)}"] if off else [])])


def try_message(settings: Settings, topic: str, payload: str, *, product: str) -> Report:
    """Return what a message received now would leave in the database, were its devices of ``product``.

    Raises StopError for a product or a topic that does not exist, and for what is wrong with the settings.
    """
    catalog = load_catalog(settings.products_dir)
    limits = TimeLimits.of(settings)
    all_fields = compile_fields(catalog, limits)
    if product not in all_fields:
        raise StopError(f"--product {product}: there is no such product{suggestion(product, sorted(all_fields))}")
    fields = all_fields[product]
    message = Message(topic, payload.encode(), to_micros(clock.now()))
    contract = parse_topic(topic)
    if contract is not None and contract.kind is TopicKind.TELEMETRY:
        found = read_telemetry(message.payload, fields, received=message.received, retained=False)
        return _report([f"device {contract.device_id}", *_telemetry(found)], found.faults)
    router = Router(load_formats(settings, catalog))
    said = router.read(message)
    if said is None:
        known = ", ".join(["iot/v1/+/telemetry", *router.subscriptions()])
        raise StopError(f"{topic} is no topic of a format that is on; the topics are {known}")
    lines: list[str] = []
    faults: list[Fault] = []
    for sent in said:
        part, wrong = _of_device(sent, fields, limits, message.received)
        lines += part
        faults += wrong
    return _report(lines, faults)


def _of_device(sent: Sent, fields: ProductFields, limits: TimeLimits, received: int) -> tuple[list[str], list[Fault]]:
    telemetry = check_sent(sent, fields, received=received, retained=False)
    events = check_occurrences(sent.occurrences, received=received, retained=False, limits=limits)
    lines = [f"device {sent.device_id}"] if sent.device_id is not None else []
    if sent.online is not None:
        lines.append(f"  is {'online' if sent.online else 'offline'}")
    lines += _telemetry(telemetry)
    lines += [f"  {_at(micros)} event {name} {data}" for name, micros, data in events.events]
    return lines, [*telemetry.faults, *events.faults]


def _telemetry(found: Telemetry) -> Iterator[str]:
    for metric, micros, value, assumed in found.readings:
        yield f"  {_at(micros)} {metric} = {value:g}{' (time of receipt)' if assumed else ''}"
    for name, micros, text in found.attributes:
        yield f"  {_at(micros)} {name} = {json.dumps(text, ensure_ascii=False)}"


def _at(micros: int) -> str:
    return from_micros(micros).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _report(lines: Iterable[str], faults: Iterable[Fault]) -> Report:
    dead = [f"dead letter {fault.reason}: {fault.detail}" for fault in faults]
    text = "\n".join([*lines, *dead])
    return Report(text or "nothing in it is of interest", not dead)

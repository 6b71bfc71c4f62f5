"""What `doctor` finds about telemetry in: formats, the sessions at the broker, and who may log in there."""

from __future__ import annotations

from datetime import datetime, timedelta

from iot_service import clock
from iot_service.config import Settings
from iot_service.errors import StopError
from iot_service.ingest.formats.router import SPARKPLUG, Router, load_formats
from iot_service.ingest.store import Slot
from iot_service.ingest.topics import client_id
from iot_service.products.catalog import Catalog
from iot_service.wiring.broker_files import files_state
from iot_service.wiring.finding import Finding

_STANDS_STILL = timedelta(seconds=60)  # of life; the marker comes twice a second


def formats_finding(settings: Settings, catalog: Catalog) -> Finding:
    """Return which formats are on, or everything that is wrong with their names and the files of sources."""
    try:
        formats = load_formats(settings, catalog)
        Router(formats)
    except StopError as error:
        return Finding("formats", False, str(error))
    names = [one.name for one in formats] + [SPARKPLUG] * (SPARKPLUG in settings.formats)
    return Finding("formats", True, ", ".join(["JSON and SenML on iot/v1/{device}/telemetry", *names]))


def slot_finding(slot: Slot, now: datetime) -> Finding:
    """Return who holds an ingest slot at ``now`` (UTC), and whether everything that comes for it is stored."""
    what = f"ingest slot {slot.client_id.removeprefix(client_id(''))}"
    age = now - slot.caught_up_at
    stored = f"everything up to {max(0.0, age.total_seconds()):.0f} s ago is stored"
    held = slot.holder is not None and slot.leased_until is not None and slot.leased_until > now
    holder = _process(slot.holder) if slot.holder is not None and held else "nobody"
    if age <= clock.during(_STANDS_STILL):
        return Finding(what, True, f"{holder} holds it, {stored}")
    if held:
        to_do = "look into the log of that process: does it reach the broker, and is its disk full?"
        return Finding(what, False, f"{holder} holds it, but stands still: only {stored}; {to_do}")
    to_do = "start `iot-service ingest`, which takes it over; what waits for it waits at the broker"
    return Finding(what, False, f"nobody holds it, only {stored}; {to_do}")


def logins_finding(settings: Settings, secrets: int) -> Finding | None:
    """Return how a broker of one's own learns who may connect; ``secrets`` is how many devices and gateways have one.

    None where there is nothing to say: the broker is the embedded one, or nobody has a secret.
    """
    if settings.broker_files_dir is not None:
        return Finding("broker files", *files_state(settings.broker_files_dir))
    if settings.broker_hook_secret is not None:
        by_certificate = settings.mqtt_certificate_file is not None
        if settings.mqtt_password is None and not by_certificate:
            to_do = "IOT_MQTT_PASSWORD is not set: a broker that asks us would refuse the service itself"
            return Finding("broker logins", False, to_do)
        return Finding("broker logins", True, "a broker that shows IOT_BROKER_HOOK_SECRET may ask the API")
    if settings.mqtt_url is None or secrets == 0:
        return None
    to_do = (
        f"{secrets} devices and gateways have secrets that no broker learns of: set IOT_BROKER_HOOK_SECRET "
        "for a broker that asks, or IOT_BROKER_FILES_DIR for Mosquitto"
    )
    return Finding("broker logins", False, to_do)


def _process(holder: str) -> str:
    """Return the holder of a lease for people: its host, and its process there."""
    words = holder.split(" ")
    return f"process {words[-1].partition(':')[0]} on {words[0]}"

"""Metric names with folders: ``Inputs/temperature`` is ``temperature`` where the product knows no longer name."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from iot_service.ingest.sent import Entry, Sent


def with_known_names(sent: Sent, known: Container[str]) -> Sent:
    """Return ``sent`` with names that a product knows where that is possible.

    A name that is in ``known`` stays; else its part after the last slash stands for it where that is known; else it
    stays, to be told as unknown. Where two names of one instant come to the same, the later ones stay as they are.
    """
    if all(name in known for entry in sent.entries for name in entry.values):
        return sent
    return replace(sent, entries=[_renamed(entry, known) for entry in sent.entries])


def _renamed(entry: Entry, known: Container[str]) -> Entry:
    values: dict[str, object] = {name: value for name, value in entry.values.items() if name in known}
    units: dict[str, str] = {name: unit for name, unit in entry.units.items() if name in known}
    for name, value in entry.values.items():
        if name in known:
            continue
        last = name.rpartition("/")[2]
        chosen = last if last in known and last not in values else name
        values[chosen] = value
        if name in entry.units:
            units[chosen] = entry.units[name]
    return entry._replace(values=values, units=units)

"""The tracks of one device: what its lets must remember, taken up from what was kept and fed at each instant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from iot_service.model.device import ServiceState
from iot_service.rules.compiled import CompiledProduct
from iot_service.rules.lets.base import Moment, Track, value_of
from iot_service.rules.state import track_json


def new_tracks(product: CompiledProduct, kept: Mapping[str, Any]) -> dict[str, Track]:
    """Return the tracks of a device by name, each going on from where it was ``kept``, if it was."""
    return {
        key: tracked.let.new_track(track_json(kept[key]) if key in kept else None)
        for key, tracked in product.tracks.items()
    }


def feed_tracks(
    product: CompiledProduct, moment: Moment, names: Iterable[str], service_state: ServiceState
) -> tuple[set[int], datetime | None]:
    """Let the tracks take in ``moment``, at which ``names`` were sampled or changed.

    Returns the places of the rules that read those that did, and when the first of them falls due (None for never).
    """
    by_input = product.tracks_by_input
    places: set[int] = set()
    soonest: datetime | None = None
    for key in {key for name in names for key in by_input.get(name, ())}:
        tracked, track = product.tracks[key], moment.tracks[key]
        if service_state not in tracked.states:
            track.take({}, moment)  # nothing is known then, so that nothing is counted
            continue
        scope = moment.values
        if tracked.lets:
            scope = dict(scope)
            for name, let in tracked.lets:
                if (value := value_of(let, scope, moment)) is not None:
                    scope[name] = value
        track.take(scope, moment)
        if (at := track.due()) is not None and (soonest is None or at < soonest):
            soonest = at
        places.update(product.by_track.get(key, ()))
    return places, soonest

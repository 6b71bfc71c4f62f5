"""What is known of edge nodes, kept over restarts; everything happens in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from iot_service.db import Connection, Jsonb, load_queries
from iot_service.ingest.sparkplug.metrics import Birth, Definition
from iot_service.ingest.sparkplug.reader import Change
from iot_service.ingest.sparkplug.session import NodeSession
from iot_service.ingest.sparkplug.topics import NodeKey

_QUERIES = load_queries("iot_service.ingest.sparkplug")


def find_nodes(connection: Connection, keys: Collection[NodeKey]) -> dict[NodeKey, NodeSession]:
    """Return the sessions of those edge nodes that are known."""
    asked = sorted(keys)
    groups, nodes = [key.group for key in asked], [key.node for key in asked]
    sessions = [_session(row) for row in _QUERIES["find_nodes"].all(connection, groups=groups, nodes=nodes)]
    return {session.key: session for session in sessions}


def save_nodes(connection: Connection, changes: Sequence[Change], *, now: datetime) -> None:
    """Keep the sessions that have changed; the births of one are written only when they are others than before."""
    whole = [change.session for change in changes if change.births_changed]
    if whole:
        _QUERIES["save_node"].many(connection, [_row(session, now) for session in whole])
    come = [change.session for change in changes if not change.births_changed]
    if come:
        _QUERIES["save_progress"].run(
            connection,
            groups=[session.key.group for session in come],
            nodes=[session.key.node for session in come],
            seqs=[session.seq for session in come],
            sent=[session.sent_at for session in come],
            now=now,
        )


def _row(session: NodeSession, now: datetime) -> dict[str, object]:
    births = {
        device: {"metrics": birth.metrics, "aliases": {str(alias): name for alias, name in birth.names.items()}}
        for device, birth in session.births.items()
    }
    return {
        "group_id": session.key.group,
        "node_id": session.key.node,
        "bd_seq": session.bd_seq,
        "seq": session.seq,
        "born_at": session.born_at,
        "sent_at": session.sent_at,
        "awaited": sorted(session.awaited),
        "births": Jsonb(births),
        "now": now,
    }


def _session(row: Mapping[str, Any]) -> NodeSession:
    births = {
        device: Birth(
            metrics={name: Definition(*defined) for name, defined in birth["metrics"].items()},
            names={int(alias): name for alias, name in birth["aliases"].items()},
        )
        for device, birth in row["births"].items()
    }
    return NodeSession(
        key=NodeKey(row["group_id"], row["node_id"]),
        bd_seq=row["bd_seq"],
        seq=row["seq"],
        born_at=row["born_at"],
        sent_at=row["sent_at"],
        births=births,
        awaited=frozenset(row["awaited"]),
    )

"""The folder of a server that may be killed and started again: removed when the tests end, however they end."""

from __future__ import annotations

from pathlib import Path

from iot_service.engines.child import Child


def keeper_of(home: Path, *, grace: float = 2.0) -> Child:
    """Start a process whose only task is that ``home`` is removed when this one is gone, a moment after the server.

    ``grace`` is how many seconds that moment lasts, and (with five more) how long removing may take.
    """
    keeper = Child(
        ["sleep", "infinity"], folder=Path("/"), log=home / "keeper.log", signals=("CONT",), grace=grace, remove=home
    )
    keeper.start()
    return keeper

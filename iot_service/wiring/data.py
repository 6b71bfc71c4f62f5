"""`import` and `dead-letters`: telemetry from files, and a second look at what was not understood."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from iot_service import logs
from iot_service.config import Settings
from iot_service.db import Database
from iot_service.errors import InvalidInputError, NotFoundError
from iot_service.ingest.batches import Context
from iot_service.ingest.formats.router import Router, load_formats
from iot_service.ingest.importing.files import FileFormat, format_of, identity, open_reader
from iot_service.ingest.importing.runner import Importer, ImportReport
from iot_service.ingest.replaying import store as replaying
from iot_service.ingest.replaying.replay import Outcome, Reader, Replayed
from iot_service.ingest.replaying.runner import replay_all
from iot_service.ingest.replaying.store import Search
from iot_service.wiring.at_work import ACTOR
from iot_service.wiring.installation import engines, open_catalog, open_database

_log = logs.get(__name__)
STDIN = "-"


def import_command(
    settings: Settings,
    file: str,
    *,
    file_format: str | None,
    device_id: str | None,
    judge: bool,
    restart: bool,
    stop: threading.Event,
) -> str:
    """Import ``file`` ("-" for the standard input) and return what was done in one sentence."""
    path = None if file == STDIN else Path(file)
    if path is not None and not path.is_file():
        raise InvalidInputError("there is no such file", field=file)
    chosen = FileFormat(file_format) if file_format else format_of(path) if path else FileFormat.NDJSON
    if path is None:
        _log.info("a stream cannot be taken up where it ends: send all of it again", action="import.stream")
    context = Context.of(open_catalog(settings), settings)
    import_id = identity(path, file_format=chosen, device_id=device_id, judge=judge) if path else None
    name = path.name if path else "stdin"
    with (
        engines(settings, broker=False) as complete,
        open_database(complete, max_size=3, application="iot-service import") as database,
        open_reader(path, sys.stdin.buffer, file_format=chosen, device_id=device_id) as reader,
        _progress(name, reader.total) as tell,
    ):
        importer = Importer(database, context, judge=judge)
        report = importer.run(reader, import_id=import_id, name=name, stop=stop, restart=restart, tell=tell)
    return _sentence(report, file, resumable=path is not None)


def _sentence(report: ImportReport, file: str, *, resumable: bool) -> str:
    if report.finished_before is not None:
        at = report.finished_before.isoformat(timespec="seconds")
        return f"{file} was imported already, at {at}; --restart imports it anew (which does no harm)"
    faults = f", {report.faults} faults: see `iot-service dead-letters list`" if report.faults else ""
    done = f"{file}: {report.readings} readings{faults}"
    if report.done:
        return done
    return f"{done}; stopped before the end" + (": the same command goes on from there" if resumable else "")


@contextmanager
def _progress(name: str, total: int | None) -> Iterator[Callable[[ImportReport], None]]:
    """Show how far an import is, where people look on."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=total, said="")

        def tell(report: ImportReport) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            rate = f"{report.readings / elapsed:,.0f} readings/s" if elapsed else ""
            faults = f", {report.faults:,} faults" if report.faults else ""
            progress.update(task, completed=report.position, said=f"{rate}{faults}")

        yield tell


def letters_table(settings: Settings, search: Search, *, limit: int) -> str:
    """Return the letters that ``search`` finds, newest first, one a line."""
    with _letters(settings) as database, database.transaction() as connection:
        letters = replaying.find(connection, search, limit=limit)
        total = replaying.count(connection, search) if search.ids is None else len(letters)
    if not letters:
        return "no dead letters"
    lines = [
        f"{letter.id:>8}  {letter.received_at:%Y-%m-%d %H:%M:%S}  {letter.reason:<16} {letter.device_id or '-':<20} "
        f"{letter.detail}"
        for letter in letters
    ]
    if total > len(letters):
        lines.append(f"… and {total - len(letters)} more; --limit shows more of them")
    return "\n".join(lines)


def letter_text(settings: Settings, letter_id: int) -> str:
    """Return one letter in full; raises NotFoundError."""
    with _letters(settings) as database, database.transaction() as connection:
        letter = replaying.get(connection, letter_id)
    if letter is None:
        raise NotFoundError(f"there is no dead letter {letter_id}")
    payload = letter.payload.decode(errors="backslashreplace")
    shown = "".join(sign if sign.isprintable() or sign == "\n" else f"\\u{ord(sign):04x}" for sign in payload)
    return (
        f"received  {letter.received_at.isoformat()}\ntopic     {letter.topic}\ndevice    {letter.device_id or '-'}\n"
        f"reason    {letter.reason}\ndetail    {letter.detail}\n\n{shown}"
    )


def replay_letters(settings: Settings, search: Search, *, dry_run: bool, stop: threading.Event) -> str:
    """Replay the letters that ``search`` finds, and return what came of it in one sentence."""
    if search == Search():
        raise InvalidInputError("say which: --id, --device, --reason or --since", field="dead-letters replay")
    catalog = open_catalog(settings)
    reader = Reader(Context.of(catalog, settings), Router(load_formats(settings, catalog)))
    advice: dict[str, None] = {}

    def tell(replayed: Replayed) -> None:
        if replayed.outcome is Outcome.UNREADABLE:
            advice.update(dict.fromkeys(detail for _, detail in replayed.failures))

    with _letters(settings) as database:
        outcomes = replay_all(database, reader, search, actor=ACTOR, stop=stop, dry_run=dry_run, tell=tell)
    if not outcomes:
        return "no such dead letters"
    said = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in Outcome if outcomes[outcome])
    return "\n".join([f"{said} (nothing was changed: --dry-run)" if dry_run else said, *advice])


@contextmanager
def _letters(settings: Settings) -> Iterator[Database]:
    """Open the database, to look at dead letters."""
    with (
        engines(settings, broker=False) as complete,
        open_database(complete, max_size=2, application="iot-service dead-letters") as database,
    ):
        yield database

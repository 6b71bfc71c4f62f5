"""Commands that bring telemetry in without MQTT."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from iot_service.cli.app import app, settings_of_this_process

letters_app = typer.Typer(no_args_is_help=True, help="Messages that were not understood: see them, and try again.")
app.add_typer(letters_app, name="dead-letters")
_Device = Annotated[str | None, typer.Option("--device", help="Only those of this device.")]
_Reason = Annotated[str | None, typer.Option("--reason", help="Only those with this reason, such as unknown_metric.")]
_Since = Annotated[datetime | None, typer.Option("--since", help="Only those that came since then (UTC).")]


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="NDJSON, CSV or Parquet; - reads the standard input.")],
    file_format: Annotated[
        Literal["ndjson", "csv", "parquet"] | None,
        typer.Option("--format", help="Without it: what the file's name says; ndjson for the standard input."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Id of the device, where the file names none.")] = None,
    judge: Annotated[bool, typer.Option(help="Let the rules judge it, and act on what they find.")] = False,
    restart: Annotated[bool, typer.Option(help="Begin anew, also where the file was imported before.")] = False,
) -> None:
    """Bring readings of the past in from a file, at the database's speed, without acting on them.

    Stopped or broken off, the same command goes on from there. What is stored already stays as it is.

    Example: `iot-service import readings-2025.csv --device freezer-1`
    """
    from iot_service.processes import stop_event
    from iot_service.wiring.data import import_command

    typer.echo(
        import_command(
            settings_of_this_process(), file, file_format=file_format, device_id=device, judge=judge, restart=restart,
            stop=stop_event(),
        )
    )  # fmt: skip


@letters_app.command("list")
def list_letters(
    device: _Device = None,
    reason: _Reason = None,
    since: _Since = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest.")] = 50,
) -> None:
    """List messages that were not understood, newest first, with what would have been right.

    Example: `iot-service dead-letters list --reason unknown_metric`
    """
    from iot_service.ingest.replaying.store import Search
    from iot_service.wiring.data import letters_table

    search = Search(device_id=device, reason=reason, since=_utc(since))
    typer.echo(letters_table(settings_of_this_process(), search, limit=limit))


@letters_app.command("show")
def show_letter(letter_id: Annotated[int, typer.Argument(metavar="ID", help="As the list shows it.")]) -> None:
    """Show one message that was not understood, with its whole payload.

    Example: `iot-service dead-letters show 17`
    """
    from iot_service.wiring.data import letter_text

    typer.echo(letter_text(settings_of_this_process(), letter_id))


@letters_app.command("replay")
def replay_letters(
    letter_id: Annotated[list[int] | None, typer.Option("--id", help="This one; may be given several times.")] = None,
    device: _Device = None,
    reason: _Reason = None,
    since: _Since = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would come of it.")] = False,
) -> None:
    """Read messages again that were not understood, after a fix: what can be stored now is stored, and no letter more.

    Example: `iot-service dead-letters replay --device freezer-1 --reason unknown_metric --dry-run`
    """
    from iot_service.ingest.replaying.store import Search
    from iot_service.processes import stop_event
    from iot_service.wiring import data

    search = Search(ids=letter_id or None, device_id=device, reason=reason, since=_utc(since))
    typer.echo(data.replay_letters(settings_of_this_process(), search, dry_run=dry_run, stop=stop_event()))


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None else None

"""The command line's root, and what every command does first."""

from __future__ import annotations

import typer

from iot_service.config import Settings, load_settings

app = typer.Typer(
    name="iot-service",
    help="Serves the customers of connected products before they ask.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def settings_of_this_process(**overrides: object) -> Settings:
    """Read the settings and set logs and clock by them; an override that is None was not given. Raises StopError."""
    from iot_service.wiring.installation import set_up

    settings = load_settings(**given(**overrides))
    set_up(settings)
    return settings


def given(**values: object) -> dict[str, object]:
    """Return those options that were given on the command line."""
    return {name: value for name, value in values.items() if value is not None}

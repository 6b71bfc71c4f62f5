"""Commands about versions of rules: who changed what, and switching rules between live, shadow and off."""

from __future__ import annotations

from typing import Annotated

import typer

from iot_service.cli.app import settings_of_this_process
from iot_service.cli.rules import rules_app

RuleArgument = Annotated[str, typer.Argument(help="Which rule, as PRODUCT/RULE.")]


@rules_app.command("reload")
def rules_reload() -> None:
    """Take in what has changed in the rule files; the running service goes on with it, without a restart.

    Where anything is wrong with a file, all that is wrong is listed, and everything stays as it was.

    Example: `iot-service rules reload`
    """
    from iot_service.wiring.rule_versions import reload_rules_command

    typer.echo(reload_rules_command(settings_of_this_process()))


@rules_app.command("list")
def rules_list() -> None:
    """List the rules: mode, version in force, and where it came from.

    Example: `iot-service rules list`
    """
    from iot_service.wiring.rule_versions import list_rules_command

    typer.echo(list_rules_command(settings_of_this_process()))


@rules_app.command("history")
def rules_history(rule: RuleArgument) -> None:
    """List every version of a rule: what changed, when, and by whom.

    Example: `iot-service rules history freezer/temperature_high`
    """
    from iot_service.wiring.rule_versions import rule_history_command

    typer.echo(rule_history_command(settings_of_this_process(), rule))


@rules_app.command("shadow")
def rules_shadow(rule: RuleArgument) -> None:
    """Put a rule into shadow: it only writes down what it would do. Its open needs are withdrawn.

    Example: `iot-service rules shadow freezer/temperature_high`
    """
    _switch(rule, "shadow")


@rules_app.command("live")
def rules_live(rule: RuleArgument) -> None:
    """Switch a rule on: where its condition holds, its need opens at once.

    Example: `iot-service rules live freezer/temperature_high`
    """
    _switch(rule, "live")


@rules_app.command("off")
def rules_off(rule: RuleArgument) -> None:
    """Switch a rule off: it is not judged. Its open needs are withdrawn.

    Example: `iot-service rules off freezer/temperature_high`
    """
    _switch(rule, "off")


@rules_app.command("shadowed")
def rules_shadowed(rule: RuleArgument) -> None:
    """List what a rule found while it was in shadow.

    Example: `iot-service rules shadowed freezer/temperature_high`
    """
    from iot_service.wiring.rule_versions import shadowed_command

    typer.echo(shadowed_command(settings_of_this_process(), rule))


def _switch(rule: str, mode: str) -> None:
    from iot_service.rules.versions.version import Mode
    from iot_service.wiring.rule_versions import switch_rule_command

    typer.echo(switch_rule_command(settings_of_this_process(), rule, Mode(mode)))

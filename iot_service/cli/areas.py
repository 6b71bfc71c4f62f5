"""Commands about areas of customers, which rules may ask about."""

from __future__ import annotations

from typing import Annotated

import typer

from iot_service.cli.app import app, settings_of_this_process

area_app = typer.Typer(no_args_is_help=True, help="Areas of a customer's own that rules ask about, under her consent.")
app.add_typer(area_app, name="area")

CustomerArgument = Annotated[str, typer.Argument(help="Id of the customer.")]
NameArgument = Annotated[str, typer.Argument(help="Name of an area of a product model, or site.")]


@area_app.command("set")
def area_set(
    customer: CustomerArgument,
    name: NameArgument,
    circle: Annotated[list[str], typer.Argument(help="LATITUDE,LONGITUDE,METRES; several make one area together.")],
) -> None:
    """Give a customer an area in the place of the product model's.

    Example: `iot-service area set kari mountains 61.15,10.7,2000`
    """
    from iot_service.wiring.areas import set_customer_area

    typer.echo(set_customer_area(settings_of_this_process(), customer, name, circle))


@area_app.command("list")
def area_list(customer: CustomerArgument) -> None:
    """List a customer's own areas.

    Example: `iot-service area list kari`
    """
    from iot_service.wiring.areas import list_customer_areas

    typer.echo(list_customer_areas(settings_of_this_process(), customer))


@area_app.command("remove")
def area_remove(customer: CustomerArgument, name: NameArgument) -> None:
    """Take an area from a customer; the product model's counts again.

    Example: `iot-service area remove kari mountains`
    """
    from iot_service.wiring.areas import remove_customer_area

    typer.echo(remove_customer_area(settings_of_this_process(), customer, name))

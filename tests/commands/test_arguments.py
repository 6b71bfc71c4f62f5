"""Arguments of commands."""

from __future__ import annotations

import math

import pytest

from iot_service.commands.arguments import check_arguments
from iot_service.errors import InvalidInputError
from iot_service.products.model import Argument, CommandSpec, Text

SPEC = CommandSpec(
    name=Text(nb="x", en="x"),
    args={
        "level": Argument(type="number", unit="°C", minimum=-90, maximum=-10),
        "count": Argument(type="integer", minimum=0, required=False),
        "on": Argument(type="boolean", required=False),
        "mode": Argument(type="text", choices=("eco", "full"), required=False),
        "note": Argument(type="text", required=False),
        "factor": Argument(type="number", maximum=2, required=False),
        "free": Argument(type="number", required=False),
    },
)


def test_what_fits_is_sent_as_it_is() -> None:
    args = {"level": -90, "count": 3, "on": False, "mode": "eco", "note": "æ", "factor": 1.5, "free": -1e9}
    assert check_arguments(SPEC, args) == args


@pytest.mark.parametrize(
    ("args", "field", "said"),
    [
        ({}, "args.level", "a number from -90 to -10 °C"),
        ({"level": -91}, "args.level", "must be a number from -90 to -10 °C"),
        ({"level": "-80"}, "args.level", "must be a number"),
        ({"level": True}, "args.level", "must be a number"),
        ({"level": math.nan}, "args.level", "must be a number"),
        ({"level": -80, "count": 1.5}, "args.count", "a whole number of at least 0"),
        ({"level": -80, "count": -1}, "args.count", "at least 0"),
        ({"level": -80, "on": 1}, "args.on", "true or false"),
        ({"level": -80, "mode": "fast"}, "args.mode", "one of eco, full"),
        ({"level": -80, "note": "x" * 201}, "args.note", "a text of up to 200 characters"),
        ({"level": -80, "note": "a\x00"}, "args.note", "a text"),
        ({"level": -80, "factor": 3}, "args.factor", "a number of at most 2"),
        ({"level": -80, "free": None}, "args.free", "must be a number"),
        ({"level": -80, "levle": 1}, "args.levle", "did you mean 'level'"),
    ],
)
def test_what_does_not_fit_names_the_argument_and_what_would_be_right(
    args: dict[str, object], field: str, said: str
) -> None:
    with pytest.raises(InvalidInputError, match=field) as error:
        check_arguments(SPEC, args)
    assert error.value.field == field
    assert said in error.value.detail

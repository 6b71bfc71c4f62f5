"""How much is ordered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_service.commerce.replenishment import order_quantity


@pytest.mark.parametrize(
    ("said", "stock", "on_order", "packs"),
    [
        ("an empty machine is filled up to its target", 0, 0, 5),
        ("packs are whole", 30, 0, 4),
        ("exactly one pack fits", 160, 0, 1),
        ("less than a pack does not", 161, 0, 0),
        ("what is on its way counts", 30, 120, 1),
        ("more than the target orders nothing", 250, 0, 0),
        ("nobody holds less than nothing", -15, 0, 5),
        ("half a portion is rounded to the safe side", 0.5, 0, 4),
    ],
)
def test_packs_of_forty_up_to_a_target_of_two_hundred(said: str, stock: float, on_order: float, packs: int) -> None:
    assert order_quantity(stock=stock, on_order=on_order, target_level=200, pack=40) == packs, said


@given(
    stock=st.floats(0, 10_000), on_order=st.floats(0, 10_000), target=st.integers(1, 10_000), pack=st.integers(1, 1_000)
)
def test_an_order_never_lifts_the_stock_above_the_target(stock: float, on_order: float, target: int, pack: int) -> None:
    packs = order_quantity(stock=stock, on_order=on_order, target_level=target, pack=pack)
    assert packs >= 0
    assert packs == 0 or stock + on_order + packs * pack <= target + 1e-9
    assert stock + on_order + (packs + 1) * pack > target - 1e-9

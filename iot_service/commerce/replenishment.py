"""How much to order: whole packs, up to the target level, counting what is on its way."""

from __future__ import annotations

from math import floor


def order_quantity(*, stock: float, on_order: float, target_level: float, pack: int) -> int:
    """Return how many whole packs fit under ``target_level``, all in units of the consumable; 0 where none does.

    What will be used before the delivery is not counted, so that the level never exceeds the target, even if nothing
    is used meanwhile. A stock below zero counts as zero: nobody holds less than nothing. ``pack`` is above 0.
    """
    room = target_level - max(stock, 0.0) - on_order
    return max(0, floor(room / pack))

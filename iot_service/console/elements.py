"""Plain HTML elements with text that is never markup, and lists that change in place."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from iot_service.console.times import Zone, utc

T = TypeVar("T")


def tag(name: str, text: str = "", /, classes: str = "", **attributes: str) -> TextElement:
    """Add an HTML element to the page; ``text`` and ``attributes`` are escaped by the browser's own means.

    ``classes`` are CSS classes with spaces between. An underscore in an attribute's name stands for a dash.
    """
    element = TextElement(tag=name, text=text)
    if classes:
        element.classes(classes)
    for key, value in attributes.items():
        element.props[key.replace("_", "-")] = value
    return element


def moment(at: datetime, *, zone: Zone, now: datetime, classes: str = "") -> TextElement:
    """Add a time in the operator's zone, with UTC on hover."""
    return tag("time", zone.short(at, now=now), classes, datetime=at.isoformat(), title=utc(at))


class KeyedList(Generic[T]):
    """The children of one element, kept in step with a list: what has not changed keeps its focus and its place."""

    def __init__(
        self,
        container: Element,
        *,
        key: Callable[[T], Hashable],
        version: Callable[[T], Hashable],
        build: Callable[[T], Element],
    ) -> None:
        """``key`` says which item it is, ``version`` changes with what is shown of it, ``build`` adds its element."""
        self._container = container
        self._key = key
        self._version = version
        self._build = build
        self._shown: dict[Hashable, tuple[Hashable, Element]] = {}

    def show(self, items: Sequence[T]) -> None:
        """Show ``items`` in this order: new ones are built, changed ones built anew, others left alone."""
        wanted = {self._key(item): self._version(item) for item in items}
        for key, (version, element) in list(self._shown.items()):
            if wanted.get(key) != version:
                element.delete()
                del self._shown[key]
        for index, item in enumerate(items):
            key = self._key(item)
            if key not in self._shown:
                with self._container:
                    self._shown[key] = (wanted[key], self._build(item))
            element = self._shown[key][1]
            children = self._container.default_slot.children
            if children[index] is not element:
                element.move(self._container, target_index=index)

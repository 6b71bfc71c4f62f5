"""The exception tree: the class of an error says what the runner does with the work at hand."""

from __future__ import annotations

from collections.abc import Sequence


class ServiceError(Exception):
    """Base of all errors of this service. The message is for people: what is wrong, and what would be right."""


class RetryError(ServiceError):
    """The work may succeed later (a gateway is away, a lock is held): keep it and try again."""


class DropError(ServiceError):
    """The work can never succeed (a number that does not exist, a payload nobody understands): record it and go on."""


class StopError(ServiceError):
    """The process cannot go on (a wrong setting, no database): say so and end."""


class InvalidInputError(ServiceError):
    """A person or program sent something wrong.

    ``field`` names where (dotted path, empty when it is the whole), the message says what would be right.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.detail = message


class InvalidFieldsError(InvalidInputError):
    """Several things are wrong at once: ``problems`` are fields (dotted path) with what would be right."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" if field else message for field, message in problems))
        self.problems = tuple(problems)


class NotFoundError(ServiceError):
    """There is no such thing, or none that this caller may see."""


class ConflictError(ServiceError):
    """The thing has moved on: the change asked for does not fit the state it is in now."""

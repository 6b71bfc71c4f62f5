"""Logs: a sentence, an ``action`` key and ids; secrets and personal data never reach them."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

REDACTED = frozenset({
    "password", "secret", "token", "authorization", "cookie", "csrf_token", "link",
    "email", "phone", "address", "body", "text",
})  # fmt: skip
"""Keys whose values are replaced before a log line is written, at any depth."""


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of sensitive keys (structlog processor)."""
    for key, value in event.items():
        event[key] = "[redacted]" if key in REDACTED else _redacted(value)
    return event


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "[redacted]" if key in REDACTED else _redacted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(inner) for inner in value]
    return value


def configure(*, level: str = "INFO", json: bool = False) -> None:
    """Set up logging for this process: text for people or JSON for machines, on standard error."""
    renderer: Any = structlog.processors.JSONRenderer() if json else _text()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelNamesMapping()[level]), stream=sys.stderr)


def _text() -> structlog.dev.ConsoleRenderer:
    """Tracebacks stay plain: the pretty ones of the library show local variables, which hold secrets."""
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of one module."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return logger

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
        if key in REDACTED:
            event[key] = "[redacted]"
        elif isinstance(value, dict):
            event[key] = dict(redact(_logger, _method, dict(value)))
    return event


def configure(*, level: str = "INFO", json: bool = False) -> None:
    """Set up logging for this process: text for people or JSON for machines, on standard error."""
    renderer: Any = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
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


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of one module."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return logger

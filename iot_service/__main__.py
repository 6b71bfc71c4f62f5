"""The program: `iot-service`, or `python -m iot_service`."""

from __future__ import annotations

import sys

from iot_service.cli import app
from iot_service.errors import ServiceError
from iot_service.processes import EXIT_STOP


def main() -> None:
    """Run the command line; an error for people is one line on standard error, and exit code 2."""
    try:
        app()
    except ServiceError as error:
        print(f"iot-service: {error}", file=sys.stderr)
        sys.exit(EXIT_STOP)


if __name__ == "__main__":
    main()

"""A small HTTP listener for processes that serve nothing else: ``/metrics``, ``/health/live`` and ``/health/ready``."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from iot_service.errors import StopError
from iot_service.metrics.exposition import CONTENT_TYPE, page
from iot_service.metrics.pulse import Pulse

_TIMEOUT = 5.0  # seconds that a caller may take to send its request


@contextmanager
def listening(host: str, port: int, pulse: Pulse) -> Iterator[int]:
    """Serve while the block lasts, in threads of its own; yields the port. Raises StopError where it is taken."""
    try:
        server = ThreadingHTTPServer((host, port), _handler(pulse))
    except OSError as error:
        raise StopError(
            f"cannot listen on {host}:{port} for metrics ({error.strerror}): choose another IOT_METRICS_PORT; "
            "every process on this machine needs one of its own"
        ) from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.2,), name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(pulse: Pulse) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET for three paths."""

        timeout = _TIMEOUT
        server_version = "iot-service"
        sys_version = ""

        def do_GET(self) -> None:
            """Answer one request."""
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, CONTENT_TYPE, page())
            elif path == "/health/live":
                self._say("alive", "stuck", pulse.not_live())
            elif path == "/health/ready":
                self._say("ready", "waiting", pulse.not_ready())
            else:
                self._answer(404, "text/plain", b"/metrics, /health/live, /health/ready\n")

        def _say(self, well: str, ill: str, why: list[str]) -> None:
            body: dict[str, object] = {"status": ill, "why": why} if why else {"status": well}
            self._answer(503 if why else 200, "application/json", json.dumps(body).encode())

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
            """Probes come every few seconds; they are not worth a line."""

    return Handler

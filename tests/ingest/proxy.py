"""A TCP proxy that can be cut or stalled, so that a server is away without stopping it."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_RESET = struct.pack("ii", 1, 0)  # close without a farewell: the peer gets "connection reset"


class Proxy:
    """Passes connections on to ``port`` on loopback while it is neither cut nor stalled."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: set[socket.socket] = set()
        self._cut = False
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut(self) -> None:
        """End all connections and let none through."""
        self._end_all(socket.SHUT_RDWR)

    def stall(self) -> None:
        """Take what is sent and pass nothing on: connections stay open, and nobody notices. See :meth:`reset`."""
        self._flowing.clear()

    def reset(self) -> None:
        """Reset all connections, as a network does that has forgotten them, and let none through."""
        for end in list(self._open):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._end_all(socket.SHUT_RD)  # tells the peer nothing, but wakes our thread, whose close() is the reset

    def mend(self) -> None:
        """Let connections through again."""
        self._cut = False
        self._flowing.set()

    def _end_all(self, how: int) -> None:
        self._cut = True
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(how)
        self._flowing.set()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._cut:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            self._open |= {near, far}
            threading.Thread(target=self._pass, args=(near, far), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                if self._cut:
                    break
                target.sendall(data)
        if not self._cut:
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)
        source.close()

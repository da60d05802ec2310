"""A connection that several threads send on and one thread reads. Standard library only."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .frames import FrameReader, Kind, send_frame

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Channel:
    """Frames over one connected socket, after the handshake.

    Args:
        sock: connected, blocking; the channel closes it.
        wait: called by the reading thread before every read from the socket, see `FrameReader`.
    """

    def __init__(self, sock: socket.socket, wait: Callable[[], None] | None = None) -> None:
        self._sock = sock
        self._sending = threading.Lock()
        self.reader = FrameReader(sock, wait)
        if sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, kind: Kind, header: dict[str, Any], body: Sequence[ReadableBuffer] = ()) -> None:
        """Sends one frame, whole; from any thread. Errors as in `send_frame`."""
        with self._sending:
            send_frame(self._sock, kind, header, body)

    def shutdown(self) -> None:
        """Ends the connection, from any thread: whoever reads or sends on it gets an OSError. Can be called twice."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends the connection and frees its descriptor. For the reading thread: a descriptor that is freed under a
        blocked read may already belong to another file when the read returns."""
        self.shutdown()
        with self._sending:
            self._sock.close()

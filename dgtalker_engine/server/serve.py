"""`python -m dgtalker_engine serve`: the connection to the Blender that started this process."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
import sys
import threading

from ..wire import Channel, HandshakeError, shake_hands
from ..wire.handshake import TIMEOUT, TOKEN_LENGTH
from .operations import APART, Operations
from .session import Session

STARTED_BY_BLENDER = "Blender starts `serve`; it is of no use by itself."


def serve(
    *,
    descriptor: int | None = None,
    port: int | None = None,
    loaded: threading.Event,
    speech_on_demand: bool = False,
) -> int:
    """Serves one connection, and ends the process with it.

    Args:
        descriptor: an inherited socket (POSIX).
        port: of 127.0.0.1, to connect back to (Windows).
        loaded: set as the connection begins to be read: `owner.watch`.
        speech_on_demand: the process that listens starts when it is first asked, not beforehand.

    Returns:
        Exit code, when the handshake fails.
    """
    # Ctrl-C in the terminal that Blender was started from reaches the engine too; Blender decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    log = logging.getLogger(__name__)
    try:
        token = _read_token()
        sock = _connect(descriptor, port)
        loaded.set()
        shake_hands(sock, token, "engine")
    except (HandshakeError, OSError) as error:
        log.error("no connection: %s", error)
        return 1
    log.info("connected; process %d", os.getpid())
    operations = Operations(speech_on_demand=speech_on_demand)
    Session(Channel(sock), operations.handle, operations.warm_up, APART).run()
    return 0


def _read_token() -> bytes:
    """One line of stdin; a process that nobody talks to does not stay."""
    deadline = threading.Timer(TIMEOUT, os._exit, (1,))
    deadline.daemon = True
    deadline.start()
    token = b""
    while len(token) < TOKEN_LENGTH + 1 and not token.endswith(b"\n"):
        chunk = os.read(sys.stdin.fileno(), TOKEN_LENGTH + 1 - len(token))
        if not chunk:
            break
        token += chunk
    deadline.cancel()
    if len(token) != TOKEN_LENGTH + 1 or not token.endswith(b"\n"):
        raise HandshakeError("No token arrived on stdin.", STARTED_BY_BLENDER)
    return token[:-1]


def _connect(descriptor: int | None, port: int | None) -> socket.socket:
    if descriptor is not None:
        sock = socket.socket(fileno=descriptor)
        sock.set_inheritable(False)
        return sock
    if port is None:
        raise HandshakeError("`serve` needs --fd or --port.", STARTED_BY_BLENDER)
    return socket.create_connection(("127.0.0.1", port), TIMEOUT)

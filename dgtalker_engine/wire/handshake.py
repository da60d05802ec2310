"""The handshake: both sides prove that they hold the token before anything else is read. Standard library only.

Blender makes the token and writes it to the engine's stdin. Each side sends a hello of fixed size (magic, protocol
major and minor, nonce). Then the engine, then Blender, proves itself with HMAC-SHA256 over its role and both hellos.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import struct
import time
from typing import Literal

from ..errors import DGTalkerError

PROTOCOL = (1, 0)
"""Major and minor version of what is said over the wire; majors must match."""

TIMEOUT = 5.0
TOKEN_LENGTH = 64

_MAGIC = b"DGTH"
_HELLO = struct.Struct("<4sHH32s")
_PROOF_BYTES = 32

Role = Literal["engine", "owner"]


class HandshakeError(DGTalkerError):
    """The other side is not who it should be, is too slow, or speaks another protocol."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint, code="handshake")


def new_token() -> bytes:
    """A token for one connection: printable, so that it can be written as a line."""
    return secrets.token_hex(TOKEN_LENGTH // 2).encode()


def shake_hands(sock: socket.socket, token: bytes, role: Role, *, timeout: float = TIMEOUT) -> None:
    """Proves to the other side that this one holds `token`, and checks that the other does.

    Args:
        sock: connected socket; blocking without a timeout afterwards.
        token: from `new_token`.
        role: "engine" for the child process, "owner" for Blender.
        timeout: seconds for the whole handshake.

    Raises:
        HandshakeError: the other side failed; close the socket.
    """
    deadline = time.monotonic() + timeout
    try:
        ours = _HELLO.pack(_MAGIC, *PROTOCOL, secrets.token_bytes(32))
        sock.settimeout(timeout)
        sock.sendall(ours)
        theirs = _read(sock, _HELLO.size, deadline)
        magic, major, _minor, _nonce = _HELLO.unpack(theirs)
        if magic != _MAGIC:
            raise HandshakeError("What answered is not DGTalker.")
        if major != PROTOCOL[0]:
            raise HandshakeError(
                f"One side speaks version {major} of the protocol, this one version {PROTOCOL[0]}.",
                "Update the engine and the extension together.",
            )
        if role == "engine":
            sock.sendall(_proof(token, "engine", ours, theirs))
            _check(_read(sock, _PROOF_BYTES, deadline), _proof(token, "owner", ours, theirs))
        else:
            _check(_read(sock, _PROOF_BYTES, deadline), _proof(token, "engine", theirs, ours))
            sock.sendall(_proof(token, "owner", theirs, ours))
        sock.settimeout(None)
    except TimeoutError as error:
        raise HandshakeError(f"The handshake took longer than {timeout:g} s.") from error
    except OSError as error:
        raise HandshakeError(f"The connection broke during the handshake: {error}.") from error


def _proof(token: bytes, role: Role, engine_hello: bytes, owner_hello: bytes) -> bytes:
    return hmac.digest(token, role.encode() + engine_hello + owner_hello, "sha256")


def _check(proof: bytes, expected: bytes) -> None:
    if not hmac.compare_digest(proof, expected):
        raise HandshakeError("The other side does not hold the right token.")


def _read(sock: socket.socket, count: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < count:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        part = sock.recv(count - len(data))
        if not part:
            raise ConnectionResetError("closed by the other side")
        data += part
    return bytes(data)

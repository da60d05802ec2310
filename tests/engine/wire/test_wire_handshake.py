"""The handshake over real sockets."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from dgtalker_engine.wire import PROTOCOL, HandshakeError, new_token, shake_hands
from dgtalker_engine.wire import handshake as module


@pytest.fixture
def pair():
    left, right = socket.socketpair()
    with left, right:
        yield left, right


def both(pair, owner_token, engine_token):
    """What each side raised, owner first."""
    raised = {}

    def one(role, sock, token):
        try:
            shake_hands(sock, token, role, timeout=2)
            raised[role] = None
        except HandshakeError as error:
            raised[role] = error
            sock.close()

    engine = threading.Thread(target=one, args=("engine", pair[1], engine_token))
    engine.start()
    one("owner", pair[0], owner_token)
    engine.join()
    return raised["owner"], raised["engine"]


def test_two_sides_with_the_same_token_agree_and_can_talk(pair):
    token = new_token()
    assert both(pair, token, token) == (None, None)
    pair[0].sendall(b"after")
    assert pair[1].recv(10) == b"after"
    assert pair[0].gettimeout() is None


def test_tokens_are_long_and_never_the_same():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {module.TOKEN_LENGTH}


def test_another_token_is_refused_by_both_sides(pair):
    owner, engine = both(pair, new_token(), new_token())
    assert "token" in str(owner)
    assert engine is not None


@pytest.mark.parametrize("role", ["owner", "engine"])
def test_garbage_is_refused(pair, role):
    pair[1].sendall(b"GET / HTTP/1.1\r\n" * 20)
    with pytest.raises(HandshakeError, match="not DGTalker"):
        shake_hands(pair[0], new_token(), role)


@pytest.mark.parametrize("role", ["owner", "engine"])
def test_silence_ends_after_the_timeout(pair, role):
    started = time.monotonic()
    with pytest.raises(HandshakeError, match="longer than"):
        shake_hands(pair[0], new_token(), role, timeout=0.3)
    assert time.monotonic() - started > 0.25


def test_a_peer_that_drips_bytes_does_not_prolong_the_handshake(pair):
    over = threading.Event()

    def drip():
        while not over.wait(0.1):
            try:
                pair[1].send(b"D")
            except OSError:
                return

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(HandshakeError, match="longer than"):
        shake_hands(pair[0], new_token(), "owner", timeout=0.5)
    over.set()
    thread.join()


@pytest.mark.parametrize("role", ["owner", "engine"])
def test_a_peer_that_only_echoes_is_refused(pair, role):
    def echo():
        try:
            while data := pair[1].recv(4096):
                pair[1].sendall(data)
        except OSError:
            return

    thread = threading.Thread(target=echo)
    thread.start()
    with pytest.raises(HandshakeError):
        shake_hands(pair[0], new_token(), role, timeout=0.5)
    pair[0].close()
    thread.join()


def test_another_major_version_is_refused_with_advice(pair):
    pair[1].sendall(module._HELLO.pack(module._MAGIC, PROTOCOL[0] + 1, 0, bytes(32)))
    with pytest.raises(HandshakeError, match="version") as caught:
        shake_hands(pair[0], new_token(), "owner")
    assert "Update" in caught.value.hint


def test_another_minor_version_is_accepted(pair, monkeypatch):
    token = new_token()
    hello = module._HELLO.pack(module._MAGIC, PROTOCOL[0], PROTOCOL[1] + 1, bytes(32))

    def newer_engine():
        pair[1].sendall(hello)
        theirs = pair[1].recv(module._HELLO.size, socket.MSG_WAITALL)
        pair[1].sendall(module._proof(token, "engine", hello, theirs))

    thread = threading.Thread(target=newer_engine)
    thread.start()
    shake_hands(pair[0], token, "owner")
    thread.join()

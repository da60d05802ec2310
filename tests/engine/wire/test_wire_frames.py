"""Frames over real sockets."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
import threading
import tracemalloc

import numpy as np
import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import MAX_BODY, MAX_HEADER, FrameReader, Kind, WireError, send_frame
from dgtalker_engine.wire.frames import MAGIC, PREFIX, VERSION


@pytest.fixture
def pair():
    left, right = socket.socketpair()
    left.settimeout(10)
    right.settimeout(10)
    with left, right:
        yield left, right


def announce(kind=Kind.REQUEST, flags=0, header=0, body=0, magic=MAGIC, version=VERSION):
    return PREFIX.pack(magic, version, kind, flags, header, body)


def read(sock):
    reader = FrameReader(sock)
    head = reader.head()
    return head.kind, head.header, reader.body(head)


def test_a_frame_arrives_as_it_was_sent(pair):
    parts = [b"abc", b"", np.arange(6, dtype="f4").reshape(2, 3), bytearray(b"xyz"), np.zeros((0, 4), "f4")]
    send_frame(pair[0], Kind.RESPONSE, {"id": 7, "text": "Zoë"}, parts)
    kind, header, body = read(pair[1])
    assert (kind, header) == (Kind.RESPONSE, {"id": 7, "text": "Zoë"})
    assert body == b"abc" + np.arange(6, dtype="f4").tobytes() + b"xyz"


def test_a_large_body_in_many_parts_crosses_a_small_socket_buffer(pair):
    pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    parts = [random.Random(i).randbytes(1 + 37 * i) for i in range(1500)]
    sender = threading.Thread(target=send_frame, args=(pair[0], Kind.REQUEST, {"id": 1}, parts))
    sender.start()
    assert read(pair[1])[2] == b"".join(parts)
    sender.join()


def test_frames_follow_each_other_and_a_skipped_body_is_gone(pair):
    for number in range(3):
        send_frame(pair[0], Kind.REQUEST, {"id": number}, [bytes([number]) * 1000])
    reader = FrameReader(pair[1])
    reader.skip_body(reader.head())
    reader.skip_body(reader.head())
    head = reader.head()
    assert (head.header, reader.body(head)) == ({"id": 2}, b"\2" * 1000)


@pytest.mark.parametrize(
    ("header", "body"),
    [({"text": "x" * MAX_HEADER}, []), ({}, [np.zeros(MAX_BODY // 2, "u1")] * 3)],
    ids=["header", "body"],
)
def test_what_is_too_large_is_not_sent_at_all(pair, header, body):
    with pytest.raises(DGTalkerError, match="too large"):
        send_frame(pair[0], Kind.REQUEST, header, body)
    send_frame(pair[0], Kind.PING, {"id": 1})
    assert read(pair[1])[1] == {"id": 1}


@pytest.mark.parametrize(
    "prefix",
    [
        announce(header=MAX_HEADER + 1),
        announce(body=MAX_BODY + 1),
        announce(body=2**63),
        announce(magic=b"HTTP"),
        announce(version=VERSION + 1),
        announce(flags=1),
        announce(kind=0),
        announce(kind=99),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_a_prefix_that_breaks_the_rules_is_refused_before_anything_is_allocated(pair, prefix):
    pair[0].sendall(prefix)
    reader = FrameReader(pair[1])
    tracemalloc.start()
    with pytest.raises(WireError):
        reader.head()
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * MAX_HEADER, b"9" * MAX_HEADER])
def test_a_header_that_is_no_json_object_is_refused(pair, text):
    pair[0].sendall(announce(header=len(text)) + text)
    with pytest.raises(WireError):
        FrameReader(pair[1]).head()


@pytest.mark.parametrize("cut", [0, 5, PREFIX.size, PREFIX.size + 3])
def test_a_connection_that_ends_inside_a_frame_is_noticed(pair, cut):
    text = json.dumps({"id": 1}).encode()
    pair[0].sendall((announce(header=len(text), body=10) + text)[:cut])
    pair[0].close()
    with pytest.raises(ConnectionError):
        read(pair[1])


def test_noise_never_does_worse_than_an_error(pair):
    noise = random.Random(4)
    for _ in range(300):
        left, right = socket.socketpair()
        with left, right:
            frame = bytearray(announce(header=2, body=4) + b"{}" + b"body")
            for _ in range(noise.randrange(1, 4)):
                frame[noise.randrange(len(frame))] = noise.randrange(256)
            left.sendall(frame)
            left.close()
            with contextlib.suppress(WireError, ConnectionError):
                read(right)


def test_the_prefix_has_twenty_bytes_in_the_documented_order():
    assert announce(Kind.BYE, header=3, body=5) == b"DGTW" + struct.pack("<HBBIQ", 1, 8, 0, 3, 5)

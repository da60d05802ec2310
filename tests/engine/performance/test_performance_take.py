"""Takes are kept in .blend files: they come back as they were, and what is damaged is told."""

from __future__ import annotations

import dataclasses
import json
import zlib

import numpy as np
import pytest
from take_tools import make_take

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Phone, Take, perform

MAGIC = b"DGTAKE1\n"


def parts(data):
    """Header and buffers of a take."""
    content = zlib.decompress(data[len(MAGIC) :])
    body = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:body]), content[body:]


def whole(header, buffers):
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    return MAGIC + zlib.compress(len(text).to_bytes(8, "little") + text + buffers)


def test_a_take_comes_back_as_it_was():
    take = make_take(30.0, 23.976)
    back = Take.from_bytes(take.to_bytes())
    assert (back.fps, back.duration, back.names, back.seed) == (take.fps, take.duration, take.names, take.seed)
    np.testing.assert_allclose(back.weights, take.weights, atol=1 / 16384)
    assert [phone.name for phone in back.phones] == [phone.name for phone in take.phones]
    for name in ("utterances", "pauses", "syllables", "closures", "bites"):
        np.testing.assert_allclose(getattr(back, name), getattr(take, name), atol=1e-4)
    assert Take.from_bytes(back.to_bytes()).to_bytes() == back.to_bytes()
    difference = np.abs(perform(back).weights - perform(take).weights)
    assert np.percentile(difference, 99) < 0.01


def test_an_empty_take_comes_back():
    take = make_take(0.0)
    assert Take.from_bytes(take.to_bytes()).frames == 0


def test_a_minute_is_small():
    assert len(make_take(60.0).to_bytes()) < 60_000


def test_every_cut_and_every_flipped_byte_is_told():
    data = make_take(8.0).to_bytes()
    for end in range(len(data)):
        with pytest.raises(DGTalkerError):
            Take.from_bytes(data[:end])
    for i in range(0, len(data), 3):
        broken = bytearray(data)
        broken[i] ^= 0xFF
        with pytest.raises(DGTalkerError) as caught:
            Take.from_bytes(broken)
        assert caught.value.hint


def changed(**values):
    header, buffers = parts(make_take(8.0).to_bytes())
    return whole({**header, **values}, buffers)


def missing(name):
    header, buffers = parts(make_take(8.0).to_bytes())
    return whole({key: value for key, value in header.items() if key != name}, buffers)


BROKEN = {
    "nothing": b"",
    "another file": b"PK\x03\x04" * 20,
    "deep header": whole(b"[" * 100_000, b""),
    "a list": whole(b"[]", b""),
    "no fps": missing("fps"),
    "no arrays": missing("arrays"),
    "fps of 0": changed(fps=0),
    "fps of nothing": changed(fps=None),
    "endless": changed(duration=float("inf")),
    "names that are none": changed(names=3),
    "too few names": changed(names=["jawOpen"]),
    "a name twice": changed(names=["jawOpen"] * 6),
    "too few phones": changed(alphabet=["AA"]),
    "a seed below 0": changed(seed=-1),
    "an endless seed": changed(seed=float("inf")),
    "a bomb": MAGIC + zlib.compress(bytes(1 << 29), 9),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_takes_are_told(name):
    with pytest.raises(DGTalkerError):
        Take.from_bytes(BROKEN[name])


@pytest.mark.parametrize(
    "values",
    [
        {"weights": np.full((200, 6), np.nan, "f4")},
        {"weights": np.zeros((200, 5), "f4")},
        {"closures": np.zeros((2, 3))},
        {"syllables": np.full((2, 3), np.inf)},
        {"phones": (Phone("AA", 0.0, float("nan")),)},
        {"fps": float("nan")},
        {"duration": -1.0},
    ],
)
def test_impossible_takes_are_refused(values):
    with pytest.raises(DGTalkerError):
        dataclasses.replace(make_take(8.0), **values)

"""Named arrays in a body."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dgtalker_engine.wire import WireError, pack, unpack


def through(arrays):
    specs, buffers = pack(arrays)
    body = b"".join(bytes(np.asarray(buffer)) for buffer in buffers)
    return unpack(json.loads(json.dumps(specs)), body)


def test_numpy_arrays_come_back_with_their_types_and_shapes():
    random = np.random.default_rng(1)
    sent = {
        "vertices": random.normal(size=(7, 3)).astype("f4"),
        "faces": random.integers(-1, 7, (5, 4)).astype("i4"),
        "deltas": np.zeros((0, 7, 3), "f4"),
        "file": np.frombuffer(b"odd", "u1"),
        "double": random.normal(size=3),
        "numbers": np.arange(4),
        "scalar": np.array(2.5, "f4"),
    }
    received = through(sent)
    assert list(received) == list(sent)
    for name, array in sent.items():
        back = np.asarray(received[name])
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(back, array)
        assert back.flags.aligned


def test_bytes_come_back_without_numpy():
    received = through({"file": b"dgt bytes"})["file"]
    assert (received.dtype, received.shape, bytes(received.data)) == ("u1", (9,), b"dgt bytes")


def test_unpacking_copies_nothing():
    specs, _ = pack({"a": np.zeros(4, "f4")})
    body = bytearray(16)
    array = np.asarray(unpack(specs, body)["a"])
    body[:4] = np.float32(3).tobytes()
    assert array[0] == 3


@pytest.mark.parametrize("array", [np.zeros(3, "c8"), np.zeros((4, 4), "f4").T[1:], np.zeros(2, "f2")])
def test_arrays_that_the_format_does_not_have_are_refused(array):
    with pytest.raises(ValueError, match="cannot be sent"):
        pack({"a": array})


@pytest.mark.parametrize(
    "specs",
    [
        None,
        {},
        [3],
        [{}],
        [{"name": "a", "dtype": "f4", "shape": [5], "offset": 0}],
        [{"name": "a", "dtype": "f4", "shape": [4], "offset": 8}],
        [{"name": "a", "dtype": "f4", "shape": [-1], "offset": 0}],
        [{"name": "a", "dtype": "f4", "shape": [1], "offset": -4}],
        [{"name": "a", "dtype": "f4", "shape": [1.0], "offset": 0}],
        [{"name": "a", "dtype": "f4", "shape": [True], "offset": 0}],
        [{"name": "a", "dtype": "O", "shape": [1], "offset": 0}],
        [{"name": "a", "dtype": [], "shape": [1], "offset": 0}],
        [{"name": "a", "dtype": "f4", "shape": [2**28] * 8, "offset": 0}],
        [{"name": "a", "dtype": "f4", "shape": [1] * 9, "offset": 0}],
        [{"name": [], "dtype": "f4", "shape": [1], "offset": 0}],
        [{"name": "a", "dtype": "f4", "shape": [1], "offset": 0}] * 2,
        [{"name": str(i), "dtype": "u1", "shape": [0], "offset": 0} for i in range(1000)],
    ],
)
def test_specs_that_do_not_fit_the_body_are_refused(specs):
    with pytest.raises(WireError):
        unpack(specs, bytes(16))

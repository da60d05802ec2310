"""The .dgt file: what is written is read back, and whatever is wrong with a file is one clear message."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from dgtalker_engine import avatar
from dgtalker_engine.avatar import dgt
from dgtalker_engine.avatar.kinds.linear import model
from dgtalker_engine.avatar.sparse import SparseDeltas
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians.cloud import FIELDS

COUNT, CONTROLS, VERTICES = 40, 2, 5


def document(**changes):
    control = {"group": "lip", "minimum": 0.0, "maximum": 1.0, "default": 0.0}
    consent = {"subject": "Nobody", "scope": "Any", "granted_by": "Test", "date": "", "status": "synthetic"}
    return {
        "format_version": 1,
        "kind": "linear",
        "name": "Tester",
        "rig": [{"name": "jawOpen", **control}, {"name": "mouthClose", **control}],
        "consent": consent,
        "licence": "CC0-1.0",
        **changes,
    }


def tensors():
    rng = np.random.default_rng(5)
    quats = rng.normal(size=(COUNT, 4))
    return {
        "means": rng.normal(size=(COUNT, 3)).astype("f4"),
        "quats": (quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype("f2"),
        "scales": rng.uniform(0.001, 0.01, (COUNT, 3)).astype("f2"),
        "opacities": rng.uniform(0, 1, COUNT).astype("f2"),
        "sh": rng.normal(size=(COUNT, 1, 3)).astype("f2"),
        "delta.means.offsets": np.array([0, 3, 5], "u4"),
        "delta.means.index": np.array([1, 4, 9, 4, 39], "u2"),
        "delta.means.value": rng.normal(size=(5, 3)).astype("f2"),
        "proxy.vertices": rng.normal(size=(VERTICES, 3)).astype("f4"),
        "proxy.faces": np.array([[0, 1, 2, -1], [1, 2, 3, 4]], "i4"),
        "proxy.uv": rng.uniform(size=(VERTICES, 2)).astype("f4"),
        "proxy.colours": np.ones((VERTICES, 4), "f4"),
        "proxy.delta.offsets": np.array([0, 1, 1], "u4"),
        "proxy.delta.index": np.array([2], "u2"),
        "proxy.delta.value": np.ones((1, 3), "f4"),
    }


def by_the_book(doc, arrays, order):
    """A file as docs/dgt.md describes it, without any of the package's code."""
    names = {"f4": "F32", "f2": "F16", "u4": "U32", "u2": "U16", "i4": "I32"}
    digest = hashlib.sha256(json.dumps(doc, sort_keys=True, separators=(",", ":")).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"\n{name} {names[array.dtype.str[1:]]} {list(array.shape)}\n".encode() + array.tobytes())
    text = json.dumps({**doc, "hash": digest.hexdigest()})
    header, body = {"__metadata__": {"dgt": text}}, b""
    for name in order:
        array = arrays[name]
        data = array.tobytes()
        header[name] = {
            "dtype": names[array.dtype.str[1:]],
            "shape": list(array.shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    return with_header(header, body)


def with_header(header, body):
    packed = json.dumps(header).encode()
    packed += b" " * (-len(packed) % 8)
    return struct.pack("<Q", len(packed)) + packed + body


def split(data):
    (length,) = struct.unpack_from("<Q", data)
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def file(doc=None, **changes):
    arrays = tensors() | changes
    return dgt.dump({**(doc or document()), "hash": ""}, {name: a for name, a in arrays.items() if a is not None})


def refused(data, message):
    with pytest.raises(DGTalkerError, match=message) as caught:
        avatar.load(data)
    return caught.value


def test_a_file_written_by_the_book_in_any_order_is_the_same_avatar():
    arrays = tensors()
    ours = avatar.load(file())
    theirs = avatar.load(by_the_book(document(), arrays, reversed(list(arrays))))
    assert ours.metadata == theirs.metadata
    assert ours.metadata.name == "Tester"
    weights = np.array([0.5, -1.0], "f4")
    means = arrays["means"].copy()
    means[[1, 4, 9]] += 0.5 * arrays["delta.means.value"][:3]
    means[[4, 39]] -= arrays["delta.means.value"][3:]
    for one in (ours, theirs):
        np.testing.assert_allclose(one.pose(weights).means.numpy(), means, atol=1e-6)
    assert theirs.proxy.deltas.shape == (CONTROLS, VERTICES, 3)
    np.testing.assert_array_equal(theirs.proxy.deltas[0, 2], [1, 1, 1])
    np.testing.assert_array_equal(theirs.proxy.deltas[1], 0)


def test_plain_safetensors_writes_a_file_that_loads():
    theirs = by_the_book(document(), tensors(), list(tensors()))
    text = split(theirs)[0]["__metadata__"]
    data = safetensors.numpy.save({name: tensors()[name] for name in sorted(tensors(), reverse=True)}, metadata=text)
    assert avatar.load(data).metadata.hash == avatar.load(theirs).metadata.hash


def test_saving_replaces_the_file_whole(tmp_path: Path):
    path = tmp_path / "head.dgt"
    path.write_bytes(b"older")
    head = avatar.load(file())
    avatar.save(head, path)
    again = avatar.load(path)
    assert again.rig == head.rig
    np.testing.assert_allclose(again.pose(head.rig.defaults).means, head.pose(head.rig.defaults).means, atol=1e-4)
    assert [entry.name for entry in tmp_path.iterdir()] == ["head.dgt"]
    with pytest.raises(DGTalkerError, match="cannot be written"):
        avatar.save(head, tmp_path / "missing" / "head.dgt")


def test_every_truncation_is_reported():
    data = file()
    for length in (0, 7, 8, 100, len(data) // 2, len(data) - 1):
        error = refused(data[:length], "truncated|header")
        assert error.hint


def test_a_changed_byte_is_noticed():
    data = bytearray(file())
    data[-40] ^= 1
    refused(bytes(data), "does not match its hash")
    header, body = split(file())
    text = header["__metadata__"]["dgt"].replace("synthetic", "signed")
    header["__metadata__"]["dgt"] = text
    refused(with_header(header, body), "does not match its hash")


def test_absurd_headers_are_refused():
    refused(struct.pack("<Q", 1 << 62) + b"x" * 100, "header of")
    refused(struct.pack("<Q", 92) + b"x" * 92, "header cannot be read")
    refused(b"PK\x03\x04" + bytes(200), "header")
    refused(with_header({"__metadata__": {}}, b""), "header cannot be read")
    refused(with_header({"__metadata__": {"dgt": "[" * 100_000}}, b""), "document cannot be read")


def test_a_billion_gaussians_are_refused_before_anything_is_allocated():
    header, body = split(file())
    header["means"]["shape"] = [1_000_000_000, 3]
    refused(with_header(header, body), "means does not lie")
    header["means"]["data_offsets"] = [0, 12_000_000_000]
    refused(with_header(header, body), r"does not lie|not complete")


def test_too_many_gaussians_controls_and_vertices_are_refused(monkeypatch):
    monkeypatch.setattr(dgt, "MAX_GAUSSIANS", COUNT - 1)
    refused(file(), "claims 40 Gaussians")
    monkeypatch.undo()
    monkeypatch.setattr(dgt, "MAX_PROXY_DELTAS", CONTROLS * VERTICES - 1)
    refused(file(), "shape key points")
    monkeypatch.undo()
    control = document()["rig"][0]
    refused(file(document(rig=[{**control, "name": f"c{i}"} for i in range(1025)])), "1025 controls")
    refused(file(document(licence="x" * 70_000)), "at most 61,440")


def test_offsets_that_overlap_or_leave_the_file_are_refused():
    header, body = split(file())
    spec = header["proxy.uv"]["data_offsets"]
    header["proxy.uv"]["data_offsets"] = [spec[0] - 4, spec[1] - 4]
    refused(with_header(header, body), "does not lie")
    header, body = split(file())
    refused(with_header(header, body + b"more"), "belong to no tensor")
    for bad in ([-4, 8], ["0", 8], [0.0, 8]):
        header["proxy.uv"]["data_offsets"] = bad
        refused(with_header(header, body), "header cannot be read")


def test_unknown_types_versions_and_kinds_are_refused():
    header, body = split(file())
    header["means"]["dtype"] = "F128"
    refused(with_header(header, body), "unknown type F128")
    assert "Update" in refused(file(document(format_version=4)), "format version 4").hint
    refused(file(document(kind="holographic")), "unknown kind 'holographic'")
    refused(file(document(consent={**document()["consent"], "status": "maybe"})), "unknown status")


@pytest.mark.parametrize("name", ["means", "sh", "proxy.faces", "delta.means.index", "proxy.delta.value"])
def test_missing_tensors_are_named(name):
    refused(file(**{name: None}), f"no tensor {name}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quats": np.zeros((COUNT, 3), "f2")}, "quats is F16 40×3; F16 or F32 or I8 or I16 40×4"),
        ({"quats": np.zeros((COUNT, 4), "f2")}, "zero rotation"),
        ({"scales": np.full((COUNT, 3), -1, "f2")}, "negative scale"),
        ({"opacities": np.full(COUNT, 1.5, "f2")}, "opacity outside"),
        ({"sh": np.zeros((COUNT, 2, 3), "f2")}, "2 spherical harmonics"),
        ({"means": np.full((COUNT, 3), np.nan, "f4")}, "means holds values that are not finite"),
        ({"delta.means.value": np.full((5, 3), np.inf, "f2")}, "not finite"),
        ({"delta.means.index": np.array([1, 4, 9, 4, 40], "u2")}, "row 40 of 40"),
        ({"delta.means.offsets": np.array([0, 6, 5], "u4")}, "offsets do not fit"),
        ({"delta.means.offsets": np.array([0, 3, 4], "u4")}, "offsets do not fit"),
        ({"proxy.faces": np.array([[0, 1, 5, -1]], "i4")}, "vertices that do not exist"),
        ({"proxy.faces": np.array([[0, -1, 2, -1]], "i4")}, "vertices that do not exist"),
    ],
)
def test_impossible_content_is_refused(changes, message):
    refused(file(**changes), message)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(DGTalkerError, match="cannot be read"):
        avatar.load(tmp_path / "none.dgt")
    big = tmp_path / "big.dgt"
    with big.open("wb") as stream:
        stream.truncate(dgt.MAX_FILE_BYTES + 1)
    with pytest.raises(DGTalkerError, match="too large: it has more than 268 MB"):
        avatar.load(big)


def test_pose_agrees_with_the_reference_and_checks_its_weights():
    rng = np.random.default_rng(2)
    head = avatar.load(file())
    assert isinstance(head, model.LinearAvatar)
    count = len(head.base["means"])
    dense = {name: rng.normal(size=(CONTROLS, count, width)) * 0.1 for name, width in
             (("means", 3), ("quats", 4), ("scales", 3), ("opacities", 1), ("sh", 3))}  # fmt: skip
    deltas = {name: SparseDeltas.from_dense(array, 0.05) for name, array in dense.items()}
    head = replace(head, deltas=deltas)
    for weights in ([0, 0], [1, 0], [0.3, -0.8]):
        fast, slow = head.pose(np.array(weights)), model.pose_reference(head, np.array(weights))
        for name in FIELDS:
            np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), atol=2e-6)
        np.testing.assert_allclose(np.linalg.norm(fast.quats, axis=1), 1, atol=1e-6)
    with pytest.raises(DGTalkerError, match="3 weights"):
        head.pose(np.zeros(3))
    with pytest.raises(DGTalkerError, match="not a finite"):
        head.pose(np.array([0, np.nan]))


def test_unknown_and_unmade_builtin_heads(monkeypatch, tmp_path):
    with pytest.raises(DGTalkerError, match="no built-in head 'nobody'"):
        avatar.builtin("nobody")
    monkeypatch.setattr(avatar, "ASSETS", tmp_path)
    with pytest.raises(DGTalkerError, match="is missing") as caught:
        avatar.builtin(avatar.BUILTIN_NAMES[0])
    assert "build.py avatar" in caught.value.hint

"""Valid inputs, and how they are broken: numbers, texts and lists replaced by what overflows, nests or lies."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import random
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import splat_files
import torch
from made_avatars import linear_head, refiner

from dgtalker_engine import avatar
from dgtalker_engine.avatar import dgt, splats
from dgtalker_engine.avatar.refiner import Sight
from dgtalker_engine.avatar.refiner import file as refiners
from dgtalker_engine.avatar.refiner.network import CHANNELS
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance, Phone, Take, exchange, perform, transcripts
from dgtalker_engine.rendering.frame import render_frame
from dgtalker_engine.wire import Shot

BIG = (1e308, -1e308, 1e309, 3.4e38, -3.4e38, 1e39, 1e19, 10**400, -(10**400), 10**18, 2**63, -1, 0, 0.5, 1e-320)
NUMBERS = (*BIG, float("nan"), float("inf"))
ODD = (None, True, "", "x", "1", [], {}, [[]], [1e308] * 3, {"a": 1}, "a\0b", "\udcff", "x" * 70_000, "9" * 5000)
DIGITS = ("9" * 18, "9" * 400, "9" * 5000, "1e308", "1e309", "-1e308", "nan", "inf", "-", "", " ", "0x10", "१२", "1_0")
PIECES = (
    "<",
    "{",
    "&#",
    "&",
    "-->",
    "00:00:01,000 --> 00:00:02,000\n",
    ",",
    ";",
    "\t",
    '"',
    "\0",
    "\r",
    "\n",
    "\\N",
    ":",
)


def broken_json(text: str, chance: random.Random) -> str:
    """A JSON document with a few of its values replaced, lost, or repeated."""
    document = json.loads(text)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        document = _changed(document, chance)
    written = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return "[" * 100_000 if chance.random() < 0.005 else written


def _changed(value: Any, chance: random.Random) -> Any:
    if not isinstance(value, dict | list) or not value or chance.random() < 0.05:
        return chance.choice(NUMBERS) if chance.random() < 0.7 else chance.choice(ODD)
    where = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
    act = chance.random()
    if act < 0.04:
        del value[where]
    elif act < 0.08 and isinstance(value, list):
        value.insert(where, value[where])
    else:
        value[where] = _changed(value[where], chance)
    return value


def broken_text(text: str, chance: random.Random) -> str:
    """A text with a few numbers or letters replaced."""
    for _ in range(chance.choice((1, 1, 2, 5))):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 1, 2, 3, 20)))
        put = chance.choice((chance.choice(DIGITS), chance.choice(PIECES), chance.choice(PIECES) * 300))
        text = text[:start] + put + text[end:]
    return text


_HEAD = replace(linear_head(), refiner=refiner())
_REFINER = refiners.write(refiner())


def _shot() -> str:
    eye = [1.0, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 1, 0, 0, 0, 1]
    camera = {
        "K": [40.0, 0, 8, 0, 40, 8, 0, 0, 1],
        "world_to_camera": eye,
        "orthographic": False,
        "near": 0.01,
        "far": 9,
    }
    matrix = np.eye(4).ravel().tolist()
    vertices = base64.b64encode(_HEAD.proxy.vertices.astype("<f4").tobytes()).decode()
    weights = {"jawOpen": 0.5, "headTurn": 0.2}
    heads = [{"avatar": 0, "matrix": matrix, "weights": weights, "vertices": each} for each in ("", vertices)]
    wall = base64.b64encode(np.array([[-1, -0.5, -1], [0, -0.5, -1], [0, -0.5, 1]], "<f4").tobytes()).decode()
    lens = {"radius": 0.001, "focus": 0.9, "blades": 5, "rotation": 0.1, "ratio": 1.5}
    subframes = [
        {"camera": {**camera, "lens": lens}, "heads": heads, "occluders": each, "solids": each} for each in (None, wall)
    ]
    return json.dumps(
        {
            "version": 4,
            "width": 16,
            "height": 16,
            "avatars": ["x"],
            "frames": [{"number": 1, "camera": camera, "heads": heads, "occluders": wall, "subframes": subframes}],
            "region": [0, 0, 16, 16],
            "background": [0.5, 0.5, 0.5],
        }
    )


def _use_shot(text: str) -> None:
    shot = Shot.from_json(text)
    if shot.width * shot.height > 4096 or len(shot.frames) != 1 or len(shot.avatars) != 1:
        return
    rgba, depth = render_frame(shot, shot.frames[0], [_HEAD])
    assert np.isfinite(rgba).all()
    assert np.isfinite(depth).all()


def _performance() -> Performance:
    return Performance(
        25.0, ("jawOpen", "mouthClose", "headYaw"), np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)
    )


def _use_performance(text: str) -> None:
    read = exchange.parse(text.encode("utf-8", "surrogateescape"), None)
    assert np.isfinite(read.weights).all()
    assert np.isfinite(read.frames / read.fps)
    for kind in exchange.FORMATS.values():
        exchange.parse(kind.text(read).encode())


def _take() -> Take:
    return Take(
        fps=25.0,
        duration=1.0,
        names=("jawOpen", "mouthClose"),
        weights=np.zeros((25, 2), np.float32),
        phones=(Phone("M", 0.1, 0.2), Phone("AA", 0.2, 0.4)),
        utterances=np.array([[0.1, 0.4]]),
        pauses=np.array([[0.4, 1.0]]),
        syllables=np.array([[0.3, 0.5, 1.0]]),
        closures=np.array([[0.05, 0.15]]),
        bites=np.zeros((0, 2)),
        seed=1,
    )


def _use_take(data: bytes) -> None:
    assert np.isfinite(perform(Take.from_bytes(data)).weights).all()


def _use_avatar(data: bytes) -> None:
    head = avatar.load(data)
    for weights in (head.rig.defaults, np.ones(len(head.rig.controls), np.float32)):
        posed = head.pose(weights)
        assert all(np.isfinite(np.asarray(getattr(posed, name))).all() for name in ("means", "quats", "scales", "sh"))
    assert np.isfinite(head.proxy.deltas).all()
    if head.refiner is not None:
        assert head.refiner.network(torch.ones(1, CHANNELS, 8, 8)).isfinite().all()


def _use_refiner(about: str) -> None:
    text = np.frombuffer(about.encode("utf-8", "surrogateescape"), np.uint8)
    found = refiners.read(_REFINER | {"refiner.about": text})
    assert found is not None
    sight = Sight(eye=np.array([0, -1.2, 0]), orthographic=False, turn=np.eye(3), pivot=np.zeros(3))
    assert 0 <= found.reach.at({"jawOpen": 0.2}, sight, found.window) <= 1
    assert found.window.radius > 0


def _use_splats(data: bytes) -> None:
    cloud = splats.parse(data, Path("/nowhere")).cloud
    assert all(
        np.isfinite(getattr(cloud, name).numpy()).all() for name in ("means", "quats", "scales", "opacities", "sh")
    )
    for kind in splats.FORMATS.values():
        if kind.pack is not None:
            splats.parse(kind.pack(cloud), Path("/nowhere"))


def _gltf() -> str:
    """A glTF file with its buffer inside."""
    document, body = splat_files.gltf()
    document["buffers"][0]["uri"] = "data:;base64," + base64.b64encode(body).decode()
    return json.dumps(document)


def _broken_spz(data: bytes, chance: random.Random) -> bytes:
    """An .spz file whose content is broken, and its checksum right."""
    return gzip.compress(_broken_bytes(gzip.decompress(data), chance))


def _broken_document(data: bytes, chance: random.Random) -> bytes:
    """An avatar whose document is broken and whose hash fits."""
    text, specs = dgt.read_header(data)
    return _again(data, json.loads(broken_json(text, chance)), specs, {})


def _broken_tensor(data: bytes, chance: random.Random) -> bytes:
    """An avatar of which some numbers are extreme and whose hash fits."""
    text, specs = dgt.read_header(data)
    name = chance.choice(sorted(specs))
    return _again(data, json.loads(text), specs, {name: chance})


def _again(data: bytes, document: Any, specs: dgt.Specs, extreme: dict[str, random.Random]) -> bytes:
    start = 8 + struct.unpack_from("<Q", data)[0]
    tensors = {}
    for name, spec in specs.items():
        kind = np.dtype(dgt.DTYPES[spec.dtype])
        array = np.frombuffer(data, kind, count=int(np.prod(spec.shape)), offset=start + spec.start).reshape(spec.shape)
        if name in extreme and array.size:
            array = array.copy()
            most = np.finfo(kind).max if kind.kind == "f" else np.iinfo(kind).max
            least = np.finfo(kind).min if kind.kind == "f" else np.iinfo(kind).min
            array.ravel()[extreme[name].randrange(array.size)] = extreme[name].choice((most, least, 0))
        tensors[name] = array
    if not isinstance(document, dict):
        raise ValueError("no document")
    return dgt.dump(document, tensors)


def _broken_bytes(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 5))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.choice((len(changed), len(changed), chance.randrange(len(changed))))])


SRT = "1\n00:00:00,000 --> 00:00:00,900\nOh &amp; <i>you</i>\n\n2\n00:01:00.900 --> 00:01:02,000 a:b\n{x}there\n"
ASS = "[Events]\nFormat: Layer, Start, End, Text\nDialogue: 0,0:00:01.00,0:00:02.50,Hi {\\i1}there\\Nyou\n"


def _use_cues(text: str) -> None:
    for cue in transcripts.cues(text):
        assert cue.text
        assert 0 <= cue.start < cue.end < 1e9
    transcripts.plain(text)


CASES: dict[str, tuple[Any, Callable[[Any, random.Random], Any], Callable[[Any], None]]] = {
    "shot": (_shot(), broken_json, _use_shot),
    "performance": (_performance().to_json(), broken_json, _use_performance),
    "audio2face": (exchange.FORMATS["audio2face"].text(_performance()), broken_json, _use_performance),
    "audio2face-csv": (exchange.FORMATS["audio2face-csv"].text(_performance()), broken_text, _use_performance),
    "livelink": (exchange.FORMATS["livelink"].text(_performance()), broken_text, _use_performance),
    "srt": (SRT, broken_text, _use_cues),
    "ass": (ASS, broken_text, _use_cues),
    "avatar's document": (avatar.pack(_HEAD), _broken_document, _use_avatar),
    "avatar's tensors": (avatar.pack(_HEAD), _broken_tensor, _use_avatar),
    "avatar's bytes": (avatar.pack(_HEAD), _broken_bytes, _use_avatar),
    "refiner": (_REFINER["refiner.about"].tobytes().decode(), broken_json, _use_refiner),
    "ply": (splat_files.ply(), _broken_bytes, _use_splats),
    "splat": (splat_files.SPLAT, _broken_bytes, _use_splats),
    "spz": (splat_files.spz(3), _broken_spz, _use_splats),
    "gltf": (_gltf(), broken_json, lambda text: _use_splats(text.encode("utf-8", "surrogateescape"))),
    "take": (_take().to_bytes(), _broken_bytes, _use_take),
}
"""By name: what is valid, how it is broken, and what is done with it, which raises DGTalkerError or is sound."""


def try_one(name: str, seed: int) -> None:
    """Breaks one input and uses it; whatever comes but a clear error or a sound result is raised."""
    valid, broken, use = CASES[name]
    try:
        data = broken(valid, random.Random(f"{name} {seed}"))
    except (TypeError, ValueError, OverflowError, RecursionError, AttributeError, LookupError):
        return  # what was broken cannot even be written down
    with contextlib.suppress(DGTalkerError):
        use(data)

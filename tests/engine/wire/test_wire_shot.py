"""The Shot's format."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import replace

import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import (
    HeadLabel,
    PassInputs,
    Shot,
    ShotCamera,
    ShotFrame,
    ShotHead,
    ShotLens,
    ShotMist,
    ShotPass,
    ShotSubframe,
    cryptomatte,
)

IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
CAMERA = ShotCamera(K=(500.0, 0.0, 32.0, 0.0, 500.0, 24.0, 0.0, 0.0, 1.0), world_to_camera=IDENTITY)
HEAD = ShotHead(0, IDENTITY, {"jawOpen": 0.5})
FRAMES = (ShotFrame(1, CAMERA, (HEAD,)), ShotFrame(2, CAMERA, ()))
CARRIED = replace(HEAD, vertices=struct.pack("<6f", 0.1, -2, 3.5, 0, 1e-9, 7))
HELD_OUT = replace(HEAD, holdout=True)
LIT = replace(HEAD, light=tuple(number / 8 for number in range(-13, 14)))
LENS = ShotLens(radius=0.01, focus=1.5, blades=5, rotation=0.1, ratio=2.0)
BLURRED = ShotFrame(
    3,
    replace(CAMERA, lens=LENS),
    (HEAD,),
    subframes=(ShotSubframe(CAMERA, (CARRIED,)), ShotSubframe(replace(CAMERA, lens=LENS), (HEAD,), bytes(36), b"")),
)
MIST = ShotMist(start=0.5, depth=3.0, falloff="LINEAR")
SHOT = Shot(width=64, height=48, avatars=("builtin:robin",), frames=FRAMES, region=(1, 2, 30, 20))
PASSED = replace(
    SHOT,
    frames=(
        ShotFrame(
            1,
            CAMERA,
            (HEAD,),
            pass_inputs=PassInputs(labels=(HeadLabel("Rätsel 7", 3, 5),), mist=MIST, shear=IDENTITY),
        ),
        ShotFrame(2, CAMERA, (), pass_inputs=PassInputs()),
    ),
    passes=(
        ShotPass("Depth", "Z", "depth"),
        ShotPass("Alpha Rätsel 7", "X", "alpha"),
        ShotPass("CryptoObject00", "rgba", "cryptomatte"),
    ),
)


def changed(**values):
    return json.dumps({**json.loads(SHOT.to_json()), **values})


@pytest.mark.parametrize(
    "shot",
    [
        SHOT,
        replace(SHOT, region=None, background=(0.1, 0.2, 3.0)),
        replace(SHOT, frames=(), avatars=()),
        replace(SHOT, frames=(ShotFrame(1, CAMERA, (HEAD, CARRIED)),)),
        replace(SHOT, frames=(BLURRED,)),
        PASSED,
        replace(SHOT, frames=(ShotFrame(1, CAMERA, (LIT, HELD_OUT)),), shows_normals=True),
        replace(
            SHOT, frames=(ShotFrame(1, CAMERA, (HEAD,), struct.pack("<9f", *range(9)), bytes(36)),), filter_width=2.5
        ),
    ],
)
def test_a_shot_survives_json(shot):
    assert Shot.from_json(shot.to_json()) == shot


def test_the_example_in_the_documentation_is_a_shot():
    from pathlib import Path

    text = (Path(__file__).resolve().parents[3] / "docs" / "shot.md").read_text(encoding="utf-8")
    example = text.split("```json\n")[1].split("```")[0]
    shot = Shot.from_json(example)
    assert shot.frames[0].heads[0].weights["jawOpen"] > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("[" * 200_000, "cannot be read"),
        (changed(version=8), "format version 8"),
        (changed(width=100_000), "100000 × 48"),
        (changed(width=0), "0 × 48"),
        (changed(width=1e999), "cannot be read"),
        (changed(region=[0, 0, 65, 1]), "outside the picture"),
        (changed(region=[0, 0, 1]), "cannot be read"),
        (changed(background=[0.0, 0.0, float("nan")]), "finite"),
        (changed(avatars=[]), "no avatar"),
        (SHOT.to_json().replace("500.0", "NaN"), "finite"),
        (SHOT.to_json().replace("0.5}", "Infinity}"), "finite"),
        (SHOT.to_json().replace("10000000000.0", "NaN"), "finite"),
    ],
)
def test_what_is_no_shot_is_refused_with_a_reason(text, message):
    with pytest.raises(DGTalkerError, match=message):
        Shot.from_json(text)


def test_shots_of_earlier_versions_had_less_and_are_read():
    old = json.loads(SHOT.to_json())
    for head in old["frames"][0]["heads"]:
        del head["holdout"]
    assert Shot.from_json(json.dumps({**old, "version": 6})) == SHOT
    del old["passes"]
    for frame in old["frames"]:
        del frame["pass_inputs"]
    assert Shot.from_json(json.dumps({**old, "version": 5})) == SHOT
    del old["shows_normals"]
    for head in old["frames"][0]["heads"]:
        del head["light"]
    assert Shot.from_json(json.dumps({**old, "version": 4})) == SHOT
    for frame in old["frames"]:
        del frame["subframes"], frame["camera"]["lens"]
    assert Shot.from_json(json.dumps({**old, "version": 3})) == SHOT
    for frame in old["frames"]:
        del frame["occluders"], frame["solids"]
    del old["filter_width"]
    assert Shot.from_json(json.dumps({**old, "version": 2})) == SHOT
    for head in old["frames"][0]["heads"]:
        del head["vertices"]
    assert Shot.from_json(json.dumps({**old, "version": 1})) == SHOT


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"occluders": base64.b64encode(bytes(24)).decode()}, "9 float32 numbers"),
        ({"occluders": base64.b64encode(struct.pack("<9f", *[float("nan")] * 9)).decode()}, "not finite"),
        ({"occluders": [1.0]}, "cannot be read"),
    ],
)
def test_occluders_that_are_none_are_refused_with_a_reason(values, message):
    data = json.loads(SHOT.to_json())
    data["frames"][0] |= values
    with pytest.raises(DGTalkerError, match=message):
        Shot.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("passes", "message"),
    [
        ([{"name": "Depth", "letters": "Z", "kind": "depth"}] * 2, "same name"),
        ([{"name": "Combined", "letters": "Z", "kind": "depth"}], "same name"),
        ([{"name": "", "letters": "Z", "kind": "depth"}], "empty"),
        ([{"name": "x" * 64, "letters": "Z", "kind": "depth"}], "too long"),
        ([{"name": "Depth", "letters": "Z", "kind": "heat"}], "no pass 'heat'"),
        ([{"name": "Normal", "letters": "XY", "kind": "normal"}], "channels 'XY'"),
        ([{"name": "Normal", "letters": "XXY", "kind": "normal"}], "channels 'XXY'"),
        ([{"name": "Normal"}], "cannot be read"),
    ],
)
def test_passes_that_are_none_are_refused_with_a_reason(passes, message):
    data = json.loads(PASSED.to_json())
    with pytest.raises(DGTalkerError, match=message):
        Shot.from_json(json.dumps({**data, "passes": passes}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "does not say"),
        ({"labels": []}, "does not say"),
        ({"labels": [{"name": "a", "object_index": -1, "material_index": 0}]}, "index"),
        ({"mist": {"start": 0, "depth": 1, "falloff": "CUBIC"}}, "mist"),
        ({"mist": {"start": 0, "depth": float("nan"), "falloff": "LINEAR"}}, "finite"),
        ({"shear": [1.0] * 9}, "shear"),
    ],
)
def test_what_passes_cannot_be_made_of_is_refused_with_a_reason(change, message):
    data = json.loads(PASSED.to_json())
    inputs = data["frames"][0]["pass_inputs"]
    data["frames"][0]["pass_inputs"] = None if change is None else {**inputs, **change}
    with pytest.raises(DGTalkerError, match=message):
        Shot.from_json(json.dumps(data))


def test_cryptomatte_s_numbers_are_those_of_its_specification():
    expected = {
        "hello": 6.0705627102400005616e-17,
        "cube": -4.08461912519e15,
        "sphere": 2.79018604383e15,
        "plane": 3.66557617593e-11,
    }
    for name, number in expected.items():
        assert cryptomatte.object_id(name) == pytest.approx(number, rel=1e-9)
    found = cryptomatte.metadata("View Layer", PASSED, PASSED.frames[0])
    (key,) = (name[: -len("/name")] for name in found if name.endswith("/name"))
    assert found[f"{key}/name"] == "View Layer.CryptoObject"
    number = int(json.loads(found[f"{key}/manifest"])["Rätsel 7"], 16)
    assert struct.unpack("<f", struct.pack("<I", number))[0] == cryptomatte.object_id("Rätsel 7")
    assert cryptomatte.metadata("View Layer", SHOT, SHOT.frames[0]) == {}


@pytest.mark.parametrize("light", [[1.0] * 26, [float("nan")] * 27, [1e7] * 27])
def test_a_light_that_is_none_is_refused(light):
    data = json.loads(SHOT.to_json())
    data["frames"][0]["heads"][0]["light"] = light
    with pytest.raises(DGTalkerError, match="light of a head"):
        Shot.from_json(json.dumps(data))


@pytest.mark.parametrize("width", [-1.0, 17.0, float("nan")])
def test_a_filter_that_is_none_is_refused(width):
    with pytest.raises(DGTalkerError, match="filter"):
        Shot.from_json(changed(filter_width=width))


@pytest.mark.parametrize(
    ("vertices", "message"),
    [
        (base64.b64encode(bytes(13)).decode(), "3 float32 numbers"),
        (base64.b64encode(struct.pack("<3f", 0, float("nan"), 0)).decode(), "not finite"),
        (base64.b64encode(struct.pack("<3f", 0, 0, float("-inf"))).decode(), "not finite"),
        (base64.b64encode(struct.pack("<3f", 0, 0, 2e6)).decode(), "farther"),
        ("!!!!", "cannot be read"),
        ([0.0, 0.0, 0.0], "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_vertices_that_are_none_are_refused_with_a_reason(vertices, message):
    data = json.loads(SHOT.to_json())
    data["frames"][0]["heads"][0]["vertices"] = vertices
    with pytest.raises(DGTalkerError, match=message):
        Shot.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("radius", 0.0),
        ("radius", float("nan")),
        ("radius", 1e4),
        ("focus", 0.0),
        ("focus", float("inf")),
        ("blades", 65),
        ("rotation", float("nan")),
        ("ratio", 0.0),
    ],
)
def test_a_lens_that_is_none_is_refused(name, value):
    data = json.loads(replace(SHOT, frames=(BLURRED,)).to_json())
    data["frames"][0]["subframes"][1]["camera"]["lens"][name] = value
    with pytest.raises(DGTalkerError, match="aperture"):
        Shot.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda moments: moments[0]["heads"].clear(), "do not have its 1 heads"),
        (lambda moments: moments[0]["heads"][0].update(matrix=[float("nan")] * 16), "finite"),
        (lambda moments: moments[0]["heads"][0].update(avatar=2), "no avatar"),
        (lambda moments: moments[0]["heads"][0].update(avatar=1), "do not have its 1 heads, in their order"),
        (lambda moments: moments[0].pop("heads"), "cannot be read"),
        (lambda moments: moments[1].update(occluders=base64.b64encode(bytes(12)).decode()), "9 float32 numbers"),
        (lambda moments: moments.extend(moments[:1] * 255), "more than 256 sub-frames"),
    ],
)
def test_sub_frames_that_are_none_are_refused_with_a_reason(change, message):
    data = json.loads(replace(SHOT, avatars=("builtin:robin", "builtin:wren"), frames=(BLURRED,)).to_json())
    change(data["frames"][0]["subframes"])
    with pytest.raises(DGTalkerError, match=message):
        Shot.from_json(json.dumps(data))

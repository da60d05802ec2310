"""Files that already are the picture that is asked for stay; what else is there is dealt with as the request says."""

from __future__ import annotations

import struct
import threading
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from dgtalker_engine import avatar as avatars_room
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.rendering import sequence
from dgtalker_engine.rendering.formats import FORMATS, Format, display, pixels
from dgtalker_engine.rendering.frame_digest import frame_digest
from dgtalker_engine.rendering.sequence import Rules
from dgtalker_engine.rendering.talking_shot import front_camera
from dgtalker_engine.wire import (
    FileFormat,
    HeadLabel,
    PassInputs,
    SequenceRequest,
    Shot,
    ShotFrame,
    ShotHead,
    ShotLens,
    ShotPass,
    ShotSubframe,
    display_places,
)

IDENTITY = (1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1)


def silent(fraction, text):
    pass


@pytest.fixture(scope="module")
def robin():
    return avatars_room.load(avatars_room.builtin("robin"))


@pytest.fixture
def shot(robin):
    camera = front_camera(robin, 48)
    frames = tuple(ShotFrame(i, camera, (ShotHead(0, IDENTITY, {"jawOpen": i / 4}),)) for i in range(1, 5))
    return Shot(width=48, height=48, avatars=("robin",), frames=frames)


def go(shot, robin, folder, kind=FORMATS["png"], **rules):
    files = [folder / f"{frame.number}{kind.suffix}" for frame in shot.frames]
    return sequence.render_files([shot], [[robin]], files, kind, silent, Rules(**rules))


@pytest.mark.parametrize("name", FORMATS)
def test_only_what_is_missing_cut_off_or_changed_is_rendered(robin, shot, tmp_path, name):
    kind = FORMATS[name]
    assert go(shot, robin, tmp_path, kind).rendered == 4
    files = sorted(tmp_path.iterdir())
    contents = [path.read_bytes() for path in files]
    assert go(shot, robin, tmp_path, kind).rendered == 0
    files[0].unlink()
    files[1].write_bytes(contents[1][:-1])
    assert go(shot, robin, tmp_path, kind).rendered == 2
    assert [path.read_bytes() for path in files] == contents
    changed = replace(shot.frames[2], heads=(replace(shot.frames[2].heads[0], weights={"jawOpen": 0.1}),))
    shot = replace(shot, frames=(*shot.frames[:2], changed, shot.frames[3]))
    assert go(shot, robin, tmp_path, kind).rendered == 1
    assert files[2].read_bytes() != contents[2]
    if kind.settings.kind == "png":
        other = Format(replace(kind.settings, alpha=False))
        assert go(shot, robin, tmp_path, other).rendered == 4


def test_the_digest_knows_all_that_a_picture_depends_on(shot):
    frame, kind = shot.frames[0], FORMATS["png"]

    def digest(shot=shot, frame=frame, avatars=("a",), kind=kind):
        return frame_digest(shot, frame, avatars, kind)

    camera = replace(frame.camera, near=0.02)
    moving = replace(frame, subframes=(ShotSubframe(camera, frame.heads),))
    others = [
        digest(frame=replace(frame, camera=camera)),
        digest(frame=replace(frame, heads=())),
        digest(frame=replace(frame, occluders=bytes(36))),
        digest(frame=replace(frame, camera=replace(frame.camera, lens=ShotLens(radius=0.01, focus=1.0)))),
        digest(frame=moving),
        digest(shot=replace(shot, background=(0.0, 0.0, 0.0))),
        digest(shot=replace(shot, region=(0, 0, 8, 8))),
        digest(avatars=("b",)),
        digest(kind=FORMATS["png16"]),
        digest(kind=Format(FileFormat(), np.zeros((2, 2, 2, 3), "f4"))),
    ]
    assert len({digest(), *others}) == 1 + len(others)
    assert digest(frame=replace(frame, number=9)) == digest()
    assert digest(frame=moving.with_avatars([1]), avatars=("b", "a")) == digest(frame=moving), "whoever else is seen"


def test_files_that_are_there_may_stay(robin, shot, tmp_path):
    (tmp_path / "2.png").write_bytes(b"mine")
    assert go(shot, robin, tmp_path, overwrite=False).rendered == 3
    assert (tmp_path / "2.png").read_bytes() == b"mine"


HEADER = struct.pack("<II", 20000630, 2)


@pytest.mark.parametrize(
    "content",
    [
        HEADER + b"owner\0string\0" + struct.pack("<I", 0xFFFFFFF0) + b"nobody",
        HEADER + b"a" * 3_000_000,
        HEADER + b"dataWindow\0box2i\0" + struct.pack("<I4i", 16, 0, 0, 9, 2**31 - 1) + bytes(64),
        HEADER + b"dataWindow\0box2i\0" + struct.pack("<I4iBQ", 16, 0, 0, 9, 9, 0, 2**63 - 1) + bytes(64),
    ],
    ids=["endless attribute", "endless name", "endless table", "far away"],
)
def test_a_file_that_claims_more_than_it_holds_is_replaced_at_once(robin, shot, tmp_path, content):
    (tmp_path / "1.exr").write_bytes(content)
    tracemalloc.start()
    try:
        assert FORMATS["exr"].digest_of(tmp_path / "1.exr") == ""
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()
    assert go(replace(shot, frames=shot.frames[:1]), robin, tmp_path, FORMATS["exr"]).rendered == 1


def test_of_a_blurred_picture_that_nobody_waits_for_the_rest_is_not_drawn(robin, shot, tmp_path):
    frame = shot.frames[0]
    blurred = replace(frame, subframes=(ShotSubframe(frame.camera, frame.heads),) * 256)

    def progress(fraction, text):
        if any(thread.name.startswith("pipeline") for thread in threading.enumerate()):
            raise Cancelled

    with pytest.raises(Cancelled):
        sequence.render_files(
            [replace(shot, width=512, height=512, frames=(blurred,))],
            [[robin]],
            [tmp_path / "1.png"],
            FORMATS["png"],
            progress,
        )
    deadline = time.monotonic() + 3
    while any(thread.name.startswith("pipeline") for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "it is still drawn"
        time.sleep(0.05)


def test_a_region_lies_on_the_whole_picture_where_that_is_asked_for(robin, shot, tmp_path):
    part = replace(shot, region=(10, 20, 20, 12), frames=shot.frames[:1])
    go(replace(shot, frames=shot.frames[:1]), robin, tmp_path / "all")
    go(part, robin, tmp_path / "part", whole=True)
    from PIL import Image

    whole, region = (np.asarray(Image.open(tmp_path / name / "1.png")) for name in ("all", "part"))
    assert whole.shape == region.shape
    inside = np.s_[20:32, 10:30]
    np.testing.assert_array_equal(whole[inside], region[inside])
    region = region.copy()
    region[inside] = 0
    assert not region.any()


def curve(values):
    """A transform that mixes channels, and is smooth."""
    mixed = values @ np.array([[0.8, 0.1, 0.1], [0.15, 0.8, 0.05], [0.1, 0.2, 0.7]])
    return mixed / (mixed + 0.4)


def test_colours_go_through_the_cube_as_the_reference_says_and_near_what_was_sampled():
    places = np.array(display_places(65))
    cube = curve(np.stack(np.meshgrid(places, places, places, indexing="ij"), -1)).astype("f4")
    dice = np.random.default_rng(3)
    straight = 2 ** dice.uniform(-9, 4, (20, 30, 3))
    straight[0] = straight[0, :, :1]
    alpha = np.where(dice.random((20, 30, 1)) < 0.2, 0, dice.random((20, 30, 1)))
    rgba = np.concatenate([straight * alpha, alpha], -1).astype("f4")
    rgba[1] = rgba[1, 0]
    for bits in (8, 16):
        greatest = (1 << bits) - 1
        values = pixels.to_bits(rgba, bits, cube).astype(int)
        assert np.abs(values - display.reference(rgba, cube, greatest)).max() <= 1
        exact = np.where(rgba[..., 3:] > 0, curve(rgba[..., :3] / np.maximum(rgba[..., 3:], 1e-9)), 0)
        assert np.abs(values[..., :3] - exact * greatest).max() <= 0.6 + 0.002 * greatest


def test_a_request_goes_over_the_wire_whole(shot):
    inputs = PassInputs(labels=(HeadLabel("Robin"),))
    frames = tuple(replace(frame, pass_inputs=inputs) for frame in shot.frames)
    first = replace(shot, frames=frames, passes=(ShotPass("Normal", "XYZ", "normal"),))
    second = replace(shot, background=(0.5, 0.5, 0.5))
    request = SequenceRequest(
        shots=(first, second),
        files=tuple(f"/out/{frame.number}.exr" for frame in shot.frames),
        format=FileFormat(kind="exr", bits=32, layers=("View Layer", "Other")),
        whole=True,
        overwrite=False,
        display=np.zeros((2, 2, 2, 3), "<f4").tobytes(),
    )
    header, body = request.to_message()
    assert SequenceRequest.from_message(header, b"".join(body)) == request


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"files": ("/a.png",)}, "cannot go to 1 files"),
        ({"shots": ()}, "not made of 0 shots"),
        ({"format": FileFormat(kind="exr", bits=16, layers=("a", "b"))}, "2 layers is not made of 1"),
        ({"files": ("/a.png",) * 4}, "same file"),
        ({"files": ("a", "b", "c", "d")}, "not absolute"),
        ({"display": b"123"}, "not a cube"),
        ({"display": np.full((2, 2, 2, 3), np.nan, "f4").tobytes()}, "not a cube"),
    ],
)
def test_impossible_requests_are_refused(shot, change, words):
    fields = {"shots": (shot,), "files": tuple(f"/{i}.png" for i in range(4)), "format": FileFormat()}
    with pytest.raises(DGTalkerError, match=words):
        SequenceRequest(**{**fields, **change})


def test_layers_of_several_sizes_and_passes_without_layers_are_refused(shot):
    files = tuple(f"/{i}.exr" for i in range(4))
    layered = FileFormat(kind="exr", bits=16, layers=("a", "b"))
    with pytest.raises(DGTalkerError, match="several sizes"):
        SequenceRequest(shots=(shot, replace(shot, width=50)), files=files, format=layered)
    frames = tuple(replace(frame, pass_inputs=PassInputs(labels=(HeadLabel("a"),))) for frame in shot.frames)
    passed = replace(shot, frames=frames, passes=(ShotPass("Depth", "Z", "depth"),))
    with pytest.raises(DGTalkerError, match="Only files of layers"):
        SequenceRequest(shots=(passed,), files=files, format=FileFormat(kind="exr", bits=16))


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "jpg"},
        {"bits": 32},
        {"depth": True},
        {"kind": "exr", "bits": 8},
        {"layers": ("a",)},
        {"kind": "exr", "bits": 16, "layers": ("a", "a")},
        {"kind": "exr", "bits": 16, "layers": ("a" * 181,)},
        {"kind": "exr", "bits": 16, "layers": ("a",), "depth": True},
    ],
)
def test_impossible_formats_are_refused(fields):
    with pytest.raises(DGTalkerError):
        FileFormat(**fields)

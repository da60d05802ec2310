"""Passes: where and whose each pixel is, in pictures over the wire and in files of several view layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import OpenEXR
import pytest

from dgtalker_engine import avatar as avatars_room
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rendering.formats import Format
from dgtalker_engine.rendering.frame_digest import frame_digest
from dgtalker_engine.rendering.passes import pictures_besides, render_with_planes
from dgtalker_engine.rendering.sequence import Rules, render_files
from dgtalker_engine.rendering.talking_shot import front_camera
from dgtalker_engine.wire import (
    FileFormat,
    HeadLabel,
    PassInputs,
    Shot,
    ShotFrame,
    ShotHead,
    ShotMist,
    ShotPass,
    ShotSubframe,
)
from dgtalker_engine.wire.cryptomatte import object_id

SIZE = 64
ALL = (
    ShotPass("Depth", "Z", "depth"),
    ShotPass("Mist", "Z", "mist"),
    ShotPass("Position", "XYZ", "position"),
    ShotPass("Normal", "XYZ", "normal"),
    ShotPass("Object Index", "X", "object_index"),
    ShotPass("Alpha Left", "X", "alpha"),
    ShotPass("Alpha Right", "X", "alpha"),
    ShotPass("Alpha Nobody", "X", "alpha"),
    ShotPass("Material Index", "X", "material_index"),
    ShotPass("CryptoObject00", "rgba", "cryptomatte"),
    ShotPass("CryptoObject01", "rgba", "cryptomatte"),
)


def at(x, y=0.0):
    return (1.0, 0, 0, x, 0, 1, 0, y, 0, 0, 1, 0, 0, 0, 0, 1)


@pytest.fixture(scope="module")
def robin():
    return avatars_room.load(avatars_room.builtin("robin"))


@pytest.fixture(scope="module")
def shot(robin):
    camera = front_camera(robin, SIZE)
    heads = (ShotHead(0, at(-0.07), {}), ShotHead(0, at(0.07, 0.1), {}))
    inputs = PassInputs(labels=(HeadLabel("Left", 3, 7), HeadLabel("Right", 5, 9)), mist=ShotMist(start=0, depth=3))
    frames = tuple(ShotFrame(number, camera, heads, pass_inputs=inputs) for number in (1, 2))
    return Shot(width=SIZE, height=SIZE, avatars=("robin",), frames=frames, passes=ALL)


@pytest.fixture(scope="module")
def drawn(shot, robin):
    return render_with_planes(shot, shot.frames[0], [robin])


def test_heads_are_told_apart(drawn):
    picture, found = drawn
    left, right = found["Alpha Left"], found["Alpha Right"]
    np.testing.assert_allclose(left + right, picture.rgba[..., 3], atol=0.05)
    assert not found["Alpha Nobody"].any()
    for name, values in (("Object Index", (3, 5)), ("Material Index", (7, 9))):
        for number, own, other in zip(values, (left, right), (right, left), strict=True):
            assert (found[name][(own > 0.6) & (own > other)] == number).all()
        assert (found[name][picture.rgba[..., 3] == 0] == 0).all()
    ranks = np.concatenate([found["CryptoObject00"], found["CryptoObject01"]], -1)
    for name, own in (("Left", left), ("Right", right)):
        matte = sum(np.where(ranks[..., i] == np.float32(object_id(name)), ranks[..., i + 1], 0) for i in (0, 2, 4, 6))
        np.testing.assert_array_equal(matte, own)
    assert (ranks[..., 1] >= ranks[..., 3]).all()


def test_vectors_say_how_heads_and_cameras_move_between_frames(robin):
    """Parallel rays: everything goes as many pixels."""
    front = front_camera(robin, SIZE)
    K = (200.0, 0, SIZE / 2, 0, 200.0, SIZE / 2, 0, 0, 1)
    camera = replace(front, K=K, orthographic=True)
    panned = replace(camera, K=(*K[:2], K[2] + 3, *K[3:]))  # what is seen goes 3 pixels to the right
    before = ShotSubframe(camera, (ShotHead(0, at(-0.02), {}),))
    after = ShotSubframe(panned, (ShotHead(0, at(0.0), {"jawOpen": 1.0}),))
    inputs = PassInputs(labels=(HeadLabel("Robin"),))
    frame = ShotFrame(1, camera, (ShotHead(0, at(0.0), {}),), pass_inputs=inputs, neighbours=(before, after))
    vector = (ShotPass("Vector", "XYZW", "vector"),)
    told: list[float] = []
    shot = Shot(width=SIZE, height=SIZE, avatars=("robin",), frames=(frame,), passes=vector)
    picture, found = render_with_planes(shot, frame, [robin], told.append)
    alpha, motion = picture.rgba[..., 3], found["Vector"]
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    assert not motion[alpha == 0].any()
    seen = motion[alpha > 0.5]
    np.testing.assert_allclose(seen[:, :2], [[-4, 0]] * len(seen), atol=0.01)
    np.testing.assert_allclose(np.median(seen[:, 2:], 0), (-3, 0), atol=0.01)
    assert seen[:, 3].max() > 1, "the chin goes down"
    with pytest.raises(DGTalkerError, match="before it"):
        render_with_planes(shot, replace(frame, neighbours=()), [robin])
    nobody = replace(frame, heads=(), neighbours=(), pass_inputs=PassInputs())
    assert not render_with_planes(shot, nobody, [robin])[1]["Vector"].any()
    with pytest.raises(DGTalkerError, match="one after"):
        replace(shot, frames=(replace(frame, neighbours=(before,)),))
    assert Shot.from_json(shot.to_json()) == shot


def test_positions_are_seen_at_their_pixels_and_mist_grows_with_the_distance(shot, drawn):
    picture, found = drawn
    seen = picture.depth < 1e10
    world = found["Position"][seen]
    camera = np.reshape(shot.frames[0].camera.world_to_camera, (4, 4))
    inside = world @ camera[:3, :3].T + camera[:3, 3]
    K = np.reshape(shot.frames[0].camera.K, (3, 3))
    places = (inside @ K.T)[:, :2] / inside[:, 2:]
    np.testing.assert_allclose(places, np.argwhere(seen)[:, ::-1] + 0.5, atol=1e-3)
    np.testing.assert_allclose(inside[:, 2], picture.depth[seen], rtol=1e-5)
    expected = (np.linalg.norm(inside, axis=1) / 3) ** 2
    np.testing.assert_allclose(found["Mist"][seen], 1 - (1 - expected) * picture.rgba[..., 3][seen], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found["Normal"], axis=-1), picture.rgba[..., 3], atol=0.02)
    assert found["Normal"][seen][:, 1].mean() < 0, "what the camera sees faces it"


def test_a_sheared_world_is_undone(shot, robin, drawn):
    """The heads have gone through the map already, and the camera sees them as before."""
    shear = np.array([[1, 0.2, 0, 0], [0, 1, 0, 0.1], [0, 0, 1, 0], [0, 0, 0, 1]])
    frame = shot.frames[0]
    inputs = replace(frame.pass_inputs, shear=tuple(shear.ravel()))
    found = render_with_planes(shot, replace(frame, pass_inputs=inputs), [robin])[1]
    seen = drawn[0].depth < 1e10
    back = found["Position"][seen] @ shear[:3, :3].T + shear[:3, 3]
    np.testing.assert_allclose(back, drawn[1]["Position"][seen], atol=1e-5)


def test_a_region_has_the_numbers_of_the_whole_picture(shot, robin, drawn):
    found = render_with_planes(replace(shot, region=(20, 10, 30, 25)), shot.frames[0], [robin])[1]
    for name, whole in drawn[1].items():
        np.testing.assert_allclose(found[name], whole[10:35, 20:50], atol=1e-5, err_msg=name)


def test_nothing_more_is_rendered_than_passes_need(shot, robin):
    frame = shot.frames[0]
    one = replace(frame, heads=frame.heads[:1], pass_inputs=PassInputs(labels=(HeadLabel("Left"),)))
    plain = replace(shot, passes=ALL[:3])
    assert pictures_besides(plain, frame) == 0
    assert pictures_besides(shot, frame) == 3
    assert pictures_besides(shot, one) == 1
    assert pictures_besides(replace(shot, background=(0.0, 0.0, 0.0)), one) == 2
    heard = []
    render_with_planes(shot, frame, [robin], heard.append)
    assert heard == sorted(heard)


def test_a_file_of_layers_has_the_numbers_of_single_pictures_and_is_kept(shot, robin, tmp_path):
    second = replace(shot, passes=ALL[:1], background=(0.1, 0.2, 0.3), region=(8, 16, 40, 32))
    first = replace(shot, region=second.region)
    kind = Format(FileFormat(kind="exr", bits=32, layers=("One", "Two")))
    files = [tmp_path / "1.exr", tmp_path / "2.exr"]

    def go(*shots, whole=False):
        return render_files(shots, [[robin]] * 2, files, kind, lambda *_: None, Rules(whole=whole)).rendered

    assert go(first, second) == 2
    assert go(first, second) == 0
    channels = OpenEXR.File(str(files[1]), separate_channels=True).channels()
    for layer, each in zip(kind.settings.layers, (first, second), strict=True):
        picture, found = render_with_planes(each, each.frames[1], [robin])
        np.testing.assert_array_equal(channels[f"{layer}.Combined.R"].pixels, picture.rgba[..., 0])
        for one in each.passes:
            values = found[one.name].reshape(32, 40, -1)
            for i, letter in enumerate(one.letters):
                np.testing.assert_array_equal(channels[f"{layer}.{one.name}.{letter}"].pixels, values[..., i])
    assert go(first, replace(second, passes=ALL[:2])) == 2
    assert go(first, replace(second, passes=ALL[:2]), whole=True) == 2
    channels = OpenEXR.File(str(files[0]), separate_channels=True).channels()
    normals = channels["One.Normal.Y"].pixels
    assert normals.shape == (SIZE, SIZE)
    assert normals[16:48, 8:48].any()
    assert not normals[:16].any()


def test_the_digest_knows_passes_and_what_they_are_made_of(shot):
    frame, kind = shot.frames[0], Format(FileFormat(kind="exr", bits=16, layers=("One",)))

    def digest(shot=shot, kind=kind, **inputs):
        changed = replace(frame, pass_inputs=replace(frame.pass_inputs, **inputs))
        return frame_digest(shot, changed, ["a"], kind)

    others = [
        digest(replace(shot, passes=ALL[1:])),
        digest(kind=Format(replace(kind.settings, layers=("Two",)))),
        digest(mist=ShotMist()),
        digest(labels=(HeadLabel("Left", 3, 7), HeadLabel("Right", 5, 8))),
        digest(shear=at(0.0)),
    ]
    assert len({digest(), *others}) == 1 + len(others)

"""Correctives on the built-in head in Blender: driven shape keys that mend what sums of controls break."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from head_tools import keys, posed


@pytest.fixture
def head(room):
    return room("head.add").add_head(bpy.context)


def correctives(ob):
    return [block.name for block in keys(ob) if " × " in block.name]


def test_they_follow_their_controls_without_permission_to_run_python(head):
    posed(head, jawOpen=0.8, mouthClose=0.5)
    evaluated = head.data.shape_keys.evaluated_get(bpy.context.evaluated_depsgraph_get()).key_blocks
    assert evaluated["jawOpen × mouthClose"].value == pytest.approx(0.4)
    assert evaluated["jawOpen × jawOpen"].value == pytest.approx(0.64)
    drivers = head.data.shape_keys.animation_data.drivers
    assert len(drivers) == len(correctives(head))
    assert all(curve.driver.is_simple_expression and curve.driver.is_valid for curve in drivers)


def test_a_closed_mouth_stays_closed_while_the_jaw_opens(head):
    rest, opened = posed(head), posed(head, jawOpen=1.0)
    # lips that touch: two vertices in one place, of which the jaw takes one along
    front = np.flatnonzero((np.abs(rest[:, 0]) < 20) & (rest[:, 1] < -75) & (np.abs(rest[:, 2] + 62) < 8))
    apart = np.linalg.norm(rest[front, None] - rest[front], axis=2)
    lower, upper = np.nonzero((apart < 0.01) & (opened[front, 2][None] - opened[front, 2][:, None] > 4))
    assert len(lower) > 10
    for strength in (0.25, 0.5, 0.75, 1.0):
        closed = posed(head, jawOpen=strength, mouthClose=strength)
        gap = closed[front[upper], 2] - closed[front[lower], 2]
        assert np.abs(gap).max() <= 1.0


def test_a_turned_head_keeps_its_size_and_takes_its_open_mouth_along(head):
    rest, opened = posed(head), posed(head, jawOpen=1.0)
    chin = np.argmax(np.linalg.norm(opened - rest, axis=1))
    both, turned = posed(head, headTurn=1.0), posed(head, jawOpen=0.0)
    nose = np.argmin(rest[:, 1])
    far = [np.hypot(place[nose, 0], place[nose, 1] - 12) for place in (rest, turned)]
    assert far[0] == pytest.approx(far[1], abs=2)
    drops = [np.linalg.norm((opened - rest)[chin]), np.linalg.norm((both - turned)[chin])]
    assert drops[0] == pytest.approx(drops[1], abs=3), "shape keys take it along to the first order"


def test_lost_ones_come_back_with_the_lost_controls(head, room):
    everything = [block.name for block in keys(head)]
    wanted = posed(head, jawOpen=0.7, mouthClose=0.7)
    for name in ("jawOpen × mouthClose", "gazeUp"):
        head.shape_key_remove(keys(head)[name])
    assert room("head.add").restore_controls(head) == ("gazeUp",)
    assert sorted(block.name for block in keys(head)) == sorted(everything)
    assert np.allclose(posed(head, jawOpen=0.7, mouthClose=0.7), wanted, atol=1e-3)


def test_saved_and_opened_again_they_still_work(head, tmp_path):
    wanted = posed(head, jawOpen=0.6, eyeBlinkLeft=0.5)
    name = head.name
    path = tmp_path / "head.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path), use_scripts=False)
    ob = bpy.data.objects[name]
    assert np.allclose(posed(ob), wanted, atol=1e-3)
    assert not np.allclose(posed(ob, jawOpen=0.0), wanted, atol=1.0)

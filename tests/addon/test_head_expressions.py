"""Sliders of whole expressions: what they add to a head's own, on the mesh and in what is rendered."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from head_tools import keys, posed

SMILES = ("mouthSmileLeft", "mouthSmileRight")


@pytest.fixture
def plain_head(room):
    return room("head.add").add_head(bpy.context)


@pytest.fixture
def head(plain_head):
    assert bpy.ops.dgtalker.add_expression_sliders() == {"FINISHED"}
    return plain_head


def prototype(name, amount=1.0):
    from dgtalker_engine.performance.expressions import PROTOTYPES  # the extension brings it

    return {control: amount * weight for control, weight in PROTOTYPES[name].weights.items()}


@pytest.fixture
def rendered(room):
    """The head as F12 sends it to the engine."""

    def shot():
        graph = bpy.context.evaluated_depsgraph_get()
        made, warnings = room("render.shot").frame_shot(graph, bpy.context.scene.camera.evaluated_get(graph), (64, 64))
        assert not [each for each in warnings if "shape" in each]
        return made.frames[0].heads[0]

    return shot


def shown(weights):
    return {name: round(weight, 4) for name, weight in weights.items() if abs(weight) > 1e-5}


@pytest.mark.parametrize("name", ["expressionSmile", "expressionFear", "expressionContemptRight"])
def test_one_slider_is_the_whole_expression_on_the_mesh_and_in_what_is_rendered(head, rendered, name):
    wanted = posed(head, **prototype(name, 0.5))
    for control in prototype(name):
        keys(head)[control].value = 0.0
    assert np.abs(posed(head, **{name: 0.5}) - wanted).max() < 0.01
    made = rendered()
    assert shown(made.weights) == pytest.approx(prototype(name, 0.5), abs=1e-4)
    assert not made.vertices, "the mesh lies where the weights say"


def test_expressions_add_to_the_sliders_and_to_each_other_and_stop_at_the_end(head, rendered):
    posed(head, expressionFear=1.0, expressionSurprise=1.0, browInnerUp=0.3, jawOpen=0.2, mouthClose=0.4)
    made = rendered()
    assert made.weights["jawOpen"] == pytest.approx(0.75)
    assert made.weights["browInnerUp"] == pytest.approx(1.0)
    assert not made.vertices, "the mesh goes no further than the Gaussians, and is mended as they are"
    evaluated = head.data.shape_keys.evaluated_get(bpy.context.evaluated_depsgraph_get()).key_blocks
    assert evaluated["jawOpen × mouthClose"].value == pytest.approx(0.75 * 0.4)


def test_keys_and_drivers_move_them_without_permission_to_run_python(head, rendered):
    smile = keys(head)["expressionSmile"]
    for frame, value in ((1, 0.0), (11, 1.0)):
        smile.value = value
        smile.keyframe_insert("value", frame=frame)
    curve = keys(head)["expressionSadness"].driver_add("value")
    curve.driver.expression = "frame / 100"
    bpy.context.scene.frame_set(6)
    assert rendered().weights["mouthSmileLeft"] == pytest.approx(0.45, abs=1e-3)
    bpy.context.scene.frame_set(11)
    weights = rendered().weights
    assert weights["mouthSmileLeft"] == pytest.approx(0.9)
    assert weights["mouthFrownLeft"] == pytest.approx(0.11)
    drivers = head.data.shape_keys.animation_data.drivers
    assert all(each.driver.is_simple_expression and each.driver.is_valid for each in drivers)


def test_speech_leaves_them_alone_and_the_lips_go_on(head, sample):
    scene = bpy.context.scene
    scene.render.fps = 25
    keys(head)["expressionSmile"].value = 0.5
    strip = scene.sequence_editor_create().strips.new_sound("Line", str(sample), channel=1, frame_start=1)
    strip.dgtalker.speaker = head
    assert bpy.ops.dgtalker.animate() == {"FINISHED"}
    key = head.data.shape_keys
    curves = [
        curve
        for action in bpy.data.actions
        for layer in action.layers
        for each in layer.strips
        for bag in each.channelbags
        for curve in bag.fcurves
    ]
    assert not [curve for curve in curves if "xpression" in curve.data_path]
    jaws, smiles = [], []
    for frame in range(1, 60, 2):
        scene.frame_set(frame)
        evaluated = key.evaluated_get(bpy.context.evaluated_depsgraph_get()).key_blocks
        jaws.append(evaluated["jawOpen"].value)
        smiles.append(evaluated["mouthSmileLeft + expressions"].value)
    assert max(jaws) - min(jaws) > 0.1
    assert smiles == pytest.approx([0.45] * len(smiles), abs=1e-3)
    assert keys(head)["expressionSmile"].value == 0.5


def test_an_exported_performance_holds_what_is_seen(head, room):
    posed(head, expressionSurprise=0.5, jawOpen=0.1)
    steps = room("speech.exchange.performances").evaluated_steps(head, bpy.context.scene)
    motion = room("speech.stepwise").finished(steps)
    assert motion.weights[:, motion.names.index("jawOpen")] == pytest.approx(0.3, abs=1e-5)
    assert not [name for name in motion.names if "xpression" in name]


def test_the_buttons_of_the_panel_treat_them_as_sliders(head, room):
    posed(head, expressionContemptLeft=0.4, expressionSmile=0.2)
    bpy.ops.dgtalker.mirror_sliders()
    assert keys(head)["expressionContemptRight"].value == pytest.approx(0.4)
    assert keys(head)["expressionContemptLeft"].value == 0.0
    bpy.ops.dgtalker.key_all()
    bpy.ops.dgtalker.reset_sliders(section="Expressions")
    assert keys(head)["expressionSmile"].value == 0.0
    bpy.context.scene.frame_set(bpy.context.scene.frame_current)
    assert keys(head)["expressionSmile"].value == pytest.approx(0.2)
    found = room("head.groups").find("contempt", room("head.expression_sliders").slider_rig(head))
    assert [control.name for control in found] == ["expressionContemptLeft", "expressionContemptRight"]


def test_a_head_gets_them_when_asked_and_keeps_its_animation(plain_head, rendered):
    head = plain_head
    assert not keys(head).get("expressionSurprise")
    keys(head)["jawOpen"].keyframe_insert("value", frame=1)
    before = posed(head)
    assert bpy.ops.dgtalker.add_expression_sliders() == {"FINISHED"}
    assert np.abs(posed(head) - before).max() < 0.01, "all of them are at rest"
    assert not rendered().vertices
    assert len(head.data.shape_keys.animation_data.action.layers[0].strips[0].channelbags[0].fcurves) == 1
    names = [block.name for block in keys(head)]
    assert bpy.ops.dgtalker.add_expression_sliders() == {"FINISHED"}
    assert [block.name for block in keys(head)] == names


def test_a_lost_control_that_comes_back_is_moved_by_them_again(head, rendered):
    head.shape_key_remove(keys(head)["jawOpen"])
    posed(head)
    assert bpy.ops.dgtalker.restore_controls() == {"FINISHED"}
    posed(head, expressionSurprise=1.0)
    assert rendered().weights["jawOpen"] == pytest.approx(0.4)


def test_saved_opened_and_overridden_they_still_work(head, rendered, tmp_path):
    wanted = posed(head, expressionSmile=0.7)
    name = head.name
    path = tmp_path / "head.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path), use_scripts=False)
    assert np.abs(posed(bpy.data.objects[name]) - wanted).max() < 0.01
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    with bpy.data.libraries.load(str(path), link=True) as (_there, here):
        here.objects = [name]
    linked = here.objects[0]
    bpy.context.collection.objects.link(linked)
    own = linked.override_create(remap_local_usages=True)
    own.override_library.is_system_override = False
    bpy.context.view_layer.objects.active = own
    assert bpy.ops.dgtalker.make_head_editable() == {"FINISHED"}
    posed(own, expressionSmile=0.0, expressionAnger=1.0)
    assert shown(rendered().weights) == pytest.approx(prototype("expressionAnger"), abs=1e-4)

"""The library of expressions: applying, keys, undo, other heads, and saved ones with their pictures."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest
from head_tools import keys

JOY = {"mouthSmileLeft": 0.85, "jawOpen": 0.18, "cheekSquintRight": 0.6}


@pytest.fixture
def head(room):
    ob = room("head.add").add_head(bpy.context)
    assert bpy.ops.dgtalker.add_expression_sliders() == {"FINISHED"}
    return ob


@pytest.fixture
def form():
    own = bpy.context.window_manager.dgtalker_expressions
    yield own
    bpy.ops.dgtalker.close_expressions()


def value(ob, name):
    return round(keys(ob)[name].value, 4)


def apply(**options):
    assert bpy.ops.dgtalker.apply_expression(**options) == {"FINISHED"}


def curves(ob):
    animation = ob.data.shape_keys.animation_data
    if not animation or not animation.action:
        return []
    return animation.action.layers[0].strips[0].channelbags[0].fcurves


def test_half_of_an_expression_lies_between_the_face_and_it(head):
    keys(head)["jawOpen"].value = 0.5
    keys(head)["expressionAnger"].value = 0.6
    keys(head)["eyeLookUpLeft"].value = 0.3
    apply(expression="joy", amount=0.5)
    assert value(head, "mouthSmileLeft") == 0.425
    assert value(head, "jawOpen") == 0.34
    assert value(head, "expressionAnger") == 0.3, "what the expression does not have comes to rest as it comes"
    assert value(head, "eyeLookUpLeft") == 0.3, "where the head looks stays"
    assert not curves(head)
    apply(expression="joy")
    for name, wanted in JOY.items():
        assert value(head, name) == pytest.approx(wanted)
    assert value(head, "expressionAnger") == 0.0


def test_a_wink_leaves_the_rest_of_the_face_and_is_mirrored(head):
    apply(expression="joy")
    apply(expression="wink", mirrored=True)
    assert value(head, "eyeBlinkRight") == 1.0
    assert value(head, "eyeBlinkLeft") == 0.0
    assert value(head, "mouthSmileLeft") == 0.85
    assert value(head, "mouthSmileRight") == 0.45


def test_keys_come_by_the_button_and_by_auto_keying(head):
    scene = bpy.context.scene
    scene.frame_set(5)
    apply(expression="wink", insert_keys=True)
    keyed = {curve.data_path for curve in curves(head)}
    assert keyed == {
        f'key_blocks["{name}"].value'
        for name in ("eyeBlinkLeft", "eyeSquintLeft", "cheekSquintLeft", "mouthSmileLeft", "browDownLeft")
    }
    scene.tool_settings.use_keyframe_insert_auto = True
    try:
        scene.frame_set(15)
        apply(expression="joy", amount=1.0)
    finally:
        scene.tool_settings.use_keyframe_insert_auto = False
    scene.frame_set(10)
    assert 0.0 < value(head, "eyeBlinkLeft") < 1.0
    scene.frame_set(15)
    assert value(head, "eyeBlinkLeft") == 0.0
    assert value(head, "jawOpen") == 0.18


def test_one_undo_takes_it_back(head):
    name = head.name
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.dgtalker.apply_expression("EXEC_DEFAULT", True, expression="surprise", insert_keys=True) == {
        "FINISHED"
    }
    assert value(bpy.data.objects[name], "eyeWideLeft") == 0.8
    bpy.ops.ed.undo()
    head = bpy.data.objects[name]
    assert value(head, "eyeWideLeft") == 0.0
    assert not curves(head)


def lesser_head(name="Lesser"):
    """A head of few sliders; applying needs no avatar."""
    from dgtalker_engine.rig import Control, Rig  # the extension brings it

    rig = Rig(tuple(Control(each, "expression") for each in ("jawOpen", "mouthSmileLeft", "browInnerUp")))
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    ob = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(ob)
    ob.shape_key_add(name="Basis")
    for control in rig.controls:
        ob.shape_key_add(name=control.name).value = 0.0
    ob.dgtalker.rig = json.dumps(rig.to_json())
    bpy.context.view_layer.objects.active = ob
    return ob


def test_another_head_gets_what_it_can_and_hears_what_it_lacks(room):
    other = lesser_head()
    done = room("expressions.pose").apply(other, {"jawOpen": 0.5, "tongueOut": 0.2, "cheekPuff": 0.0}, 1.0)
    assert done.lacking == ("tongueOut",)
    apply(expression="surprise")
    assert value(other, "browInnerUp") == 0.9
    keys(other)["jawOpen"].driver_add("value")
    done = room("expressions.pose").apply(other, {"jawOpen": 0.1, "mouthSmileLeft": 0.4}, 1.0)
    assert done.driven == ("jawOpen",)
    assert value(other, "mouthSmileLeft") == 0.4
    with pytest.raises(RuntimeError, match="no slider"):
        bpy.ops.dgtalker.apply_expression(expression="pout")
    with pytest.raises(RuntimeError, match="no expression 'glee'"):
        bpy.ops.dgtalker.apply_expression(expression="glee")


def alike(one, other):
    return np.abs(one.astype(int) - other.astype(int)).mean()


def preview(action):
    return np.array(action.preview.image_pixels[:], np.int32).view(np.uint8)


def test_a_saved_expression_is_an_asset_with_its_picture_in_a_catalog(head, room, tmp_path):
    keys(head)["mouthSmileRight"].value = 0.7
    keys(head)["expressionSurprise"].value = 0.8
    assert bpy.ops.dgtalker.save_expression(title="My Look", only_changed=True) == {"FINISHED"}
    action = bpy.data.actions["My Look"]
    pictures = room("expressions.pictures")
    shown, rest = preview(action), drawn(room, head, {})
    assert alike(shown, rest) > 1.0, "the picture shows the expression"
    assert shown.reshape(-1, 4)[:, 3].max() == 255
    assert action.preview.image_size[0] == pictures.SIDE
    before = {name: value(head, name) for name in ("mouthSmileRight", "expressionSurprise")}
    path = tmp_path / "shots" / "look.blend"
    path.parent.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    catalogs = (path.parent / "blender_assets.cats.txt").read_text()
    bpy.ops.wm.save_mainfile()
    assert (path.parent / "blender_assets.cats.txt").read_text().count("Expressions:Expressions") == 1
    bpy.ops.wm.open_mainfile(filepath=str(path), use_scripts=False)
    action = bpy.data.actions["My Look"]
    assert action.asset_data.catalog_id in catalogs
    assert np.array_equal(preview(action), shown)
    assert room("expressions.actions").saved() == [action]

    other = lesser_head()
    with pytest.raises(RuntimeError, match="no slider"):
        apply(action="My Look")
    head = next(ob for ob in bpy.data.objects if ob.dgtalker.rig and ob != other)
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.reset_sliders()
    keys(head)["jawForward"].value = 0.3
    apply(action="My Look", amount=0.5)
    for name, whole in before.items():
        assert value(head, name) == pytest.approx(whole / 2, abs=1e-4)
    assert value(head, "jawForward") == pytest.approx(0.3), "only what was saved moves"

    # the asset browser reads it out of another file, and leaves nothing behind
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    values = room("expressions.actions").values_of_file(str(path), "My Look")
    assert {name: round(each, 4) for name, each in values.items()} == before
    assert not bpy.data.actions


def drawn(room, head, weights):
    steps = room("expressions.pictures").drawn(head, weights)
    try:
        while True:
            next(steps).wait()
    except StopIteration as end:
        return end.value.ravel()


def test_all_sliders_are_saved_unless_only_the_changed_ones_are_asked_for(head, room):
    with pytest.raises(RuntimeError, match="at rest"):
        bpy.ops.dgtalker.save_expression(title="Nothing", only_changed=True)
    assert bpy.ops.dgtalker.save_expression(title="Rest") == {"FINISHED"}
    values = room("expressions.actions").read(bpy.data.actions["Rest"])
    assert set(room("head.model").rig_of(head).names) < set(values)
    keys(head)["jawOpen"].value = 0.6
    keys(head)["expressionFear"].value = 0.6
    apply(action="Rest")
    assert value(head, "jawOpen") == value(head, "expressionFear") == 0.0


def test_the_gallery_draws_the_active_head_with_every_expression(head, room, form):
    bpy.ops.dgtalker.open_expressions()
    gallery, icons = room("expressions.gallery"), room("expressions.pictures").icons
    while gallery._step():
        if gallery._gallery.pending:
            gallery._gallery.pending.wait()
    assert not gallery.error()
    names = ("joy", "anger", "aghast", "wink")
    shown = [icons.pixels(gallery.icon_name(head, name)).view(np.uint8) for name in names]
    assert min(alike(one, other) for i, one in enumerate(shown) for other in shown[:i]) > 0.3
    assert room("bridge.avatars").is_open(head)


def test_the_gallery_says_why_no_pictures_come(room, form):
    lesser_head()
    bpy.ops.dgtalker.open_expressions()
    gallery = room("expressions.gallery")
    while gallery._step():
        pass
    assert "lost its avatar" in gallery.error()


def test_catalogs_of_others_stay_and_the_library_around_a_file_counts(room, tmp_path):
    catalog = room("expressions.catalog")
    (tmp_path / catalog.FILE).write_text("VERSION 1\n\n8a1c6a2e-0000-4000-8000-000000000001:Props:Props")
    catalog.ensure(tmp_path)
    catalog.ensure(tmp_path)
    lines = (tmp_path / catalog.FILE).read_text().splitlines()
    assert lines[2].endswith(":Props:Props")
    assert lines[3:] == [f"{catalog.IDENTIFIER}:Expressions:Expressions"]
    libraries = bpy.context.preferences.filepaths.asset_libraries
    library = libraries.new(name="Studio", directory=str(tmp_path))
    try:
        assert catalog.root_of(tmp_path / "a" / "b.blend") == tmp_path
    finally:
        libraries.remove(library)
    assert catalog.root_of(tmp_path / "a" / "b.blend") == tmp_path / "a"

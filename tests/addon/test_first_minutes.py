"""From an empty scene to a shot of a speaking head: where a head lands, Add Sound, Talking Shot."""

from __future__ import annotations

import math

import bpy
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector


@pytest.fixture
def head() -> bpy.types.Object:
    bpy.ops.dgtalker.add_head()
    return bpy.context.object


def corners(head: bpy.types.Object) -> list[Vector]:
    bpy.context.view_layer.update()
    return [head.matrix_world @ Vector(corner) for corner in head.bound_box]


def in_picture(head: bpy.types.Object) -> list[Vector]:
    scene = bpy.context.scene
    return [world_to_camera_view(scene, scene.camera, corner) for corner in corners(head)]


def test_a_head_lands_in_front_of_the_cube_that_would_hide_it():
    bpy.ops.mesh.primitive_cube_add(size=2)
    bpy.ops.dgtalker.add_head()
    head = bpy.context.object
    assert max(corner.y for corner in corners(head)) < -1.0
    assert (head.location.x, head.location.z) == (0.0, 0.0)


def test_a_head_lands_inside_a_room_and_beside_a_cube_elsewhere():
    bpy.ops.mesh.primitive_cube_add(size=12)
    bpy.ops.mesh.primitive_cube_add(size=2, location=(3, 0, 0))
    bpy.ops.mesh.primitive_cube_add(size=2)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.flip_normals()  # walls that look inwards
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.dgtalker.add_head()
    assert bpy.context.object.location == Vector((0, 0, 0))


def test_talking_shot_sets_up_what_blenders_scene_has_not(head, sample):
    scene = bpy.context.scene
    bpy.ops.dgtalker.add_sound(filepath=str(sample))
    assert bpy.ops.dgtalker.talking_shot() == {"FINISHED"}
    seen = in_picture(head)
    assert all(0 < point.x < 1 and 0 < point.y < 1 and point.z > 0 for point in seen)
    assert max(point.y for point in seen) - min(point.y for point in seen) > 0.6
    assert scene.render.engine == "DGTALKER"
    assert scene.view_settings.view_transform == "Standard"
    assert scene.sync_mode == "AUDIO_SYNC"
    (strip,) = scene.sequence_editor.strips
    assert scene.frame_start == 1
    assert 0 < scene.frame_end - (strip.frame_start + strip.frame_duration) < 25


def test_the_camera_looks_a_turned_head_in_the_face(head, room):
    head.rotation_euler = (0.0, 0.0, math.radians(120))
    head.location = (3, 2, 1)
    bpy.ops.dgtalker.talking_shot()
    camera = bpy.context.scene.camera
    towards = (camera.matrix_world.translation - head.matrix_world.translation).normalized()
    assert towards.dot(head.matrix_world.to_3x3() @ Vector((0, -1, 0))) > 0.97


def test_talking_shot_frames_all_selected_heads_and_makes_a_camera_where_there_is_none(head):
    bpy.data.objects.remove(bpy.context.scene.camera)
    bpy.context.scene.cursor.location = (0.8, 0, 0)
    bpy.ops.dgtalker.add_head(builtin="wren")
    other = bpy.context.object
    head.select_set(True)
    bpy.ops.dgtalker.talking_shot()
    assert bpy.context.scene.camera.name == "Talking Shot"
    assert all(0 < point.x < 1 and 0 < point.y < 1 for each in (head, other) for point in in_picture(each))


def test_what_the_animator_has_set_up_stays_and_is_named(head, sample, room):
    scene = bpy.context.scene
    scene.camera.location = place = Vector((0.3, -1.2, 0.1))
    scene.camera.rotation_euler = (math.pi / 2, 0, 0)
    scene.view_settings.view_transform = "Filmic"
    scene.frame_start, scene.frame_end = 10, 40
    scene.sync_mode = "FRAME_DROP"
    bpy.ops.dgtalker.add_sound(filepath=str(sample))
    said = " ".join(room("shot.setup").set_up(bpy.context).sentences())
    assert scene.camera.location == place
    assert scene.view_settings.view_transform == "Filmic"
    assert (scene.frame_start, scene.frame_end) == (10, 40)
    assert scene.sync_mode == "FRAME_DROP"
    assert "Filmic" in said
    assert "frames 10–40" in said
    assert "camera" not in said.split("Left")[0]


@pytest.mark.parametrize("change", [("rotation_euler", (1.2, 0, 0.8)), ("data.lens", 35.0), ("data.type", "ORTHO")])
def test_a_camera_that_was_only_turned_or_has_another_lens_is_the_animators(head, change):
    camera = bpy.context.scene.camera
    owner = camera.data if change[0].startswith("data.") else camera
    setattr(owner, change[0].removeprefix("data."), change[1])
    before = camera.matrix_basis.copy(), camera.data.lens
    bpy.ops.dgtalker.talking_shot()
    assert (camera.matrix_basis, camera.data.lens) == before


def test_a_longer_sound_lengthens_the_range_that_talking_shot_had_set(head, sample):
    scene = bpy.context.scene
    bpy.ops.dgtalker.add_sound(filepath=str(sample))
    bpy.ops.dgtalker.talking_shot()
    before = scene.frame_end
    scene.frame_set(200)
    bpy.ops.dgtalker.add_sound(filepath=str(sample))
    bpy.ops.dgtalker.talking_shot()
    assert scene.frame_end > before + 100


def test_talking_shot_is_one_step_of_undo(head):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.dgtalker.talking_shot("EXEC_DEFAULT", True)
    bpy.ops.ed.undo()
    scene = bpy.context.scene
    assert scene.render.engine != "DGTALKER"
    assert scene.view_settings.view_transform == "AgX"
    assert (scene.camera.location - Vector((7.35889, -6.92579, 4.95831))).length < 1e-3


def test_without_a_head_talking_shot_says_why_not():
    with pytest.raises(RuntimeError, match="Add a Gaussian head first"):
        bpy.ops.dgtalker.talking_shot()


def test_the_factory_camera_is_known_as_untouched(room):
    assert room("shot.framing").is_untouched(bpy.context.scene.camera)

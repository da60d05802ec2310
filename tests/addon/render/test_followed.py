"""What is done to a head's mesh shows in F12, as far as Gaussians can follow it; the rest is said, once."""

from __future__ import annotations

import bpy
import numpy as np
import pytest


@pytest.fixture
def robin(scene):
    """The built-in head, seen whole from the front, and from somewhat above, so that all axes show."""
    bpy.ops.dgtalker.add_head(builtin="robin")
    head = bpy.context.object
    scene.camera.location = (0.3, -2.0, 0.5)
    scene.camera.rotation_euler = (np.radians(76), 0, np.radians(8.5))
    scene.camera.data.lens = 70
    return head


@pytest.fixture
def looks_like(robin, render):
    """Whether the picture is now about that of before."""

    def compare(before: np.ndarray) -> float:
        now = render("now.png")
        alike = np.minimum(now[..., 3], before[..., 3]).sum() / np.maximum(now[..., 3], before[..., 3]).sum()
        return float(alike)

    return compare


def activate(ob: bpy.types.Object) -> None:
    bpy.context.view_layer.objects.active = ob
    ob.select_set(True)


APPLIED = [{"scale": True}, {"rotation": True}, {"location": True, "rotation": True, "scale": True}]


@pytest.mark.parametrize("applied", APPLIED)
def test_applying_transforms_changes_nothing_in_the_picture(robin, render, looks_like, applied):
    robin.scale, robin.rotation_euler, robin.location = (1.2, 0.9, 1.1), (0.1, 0.2, 0.5), (0.05, 0, 0.03)
    robin.data.shape_keys.key_blocks["jawOpen"].value = 0.6
    before = render("before.png")
    activate(robin)
    bpy.ops.object.transform_apply(**{"location": False, "rotation": False, "scale": False, **applied})
    assert looks_like(before) > 0.98


def test_a_moved_origin_changes_nothing_in_the_picture(robin, render, looks_like):
    before = render("before.png")
    activate(robin)
    bpy.ops.object.origin_set(type="ORIGIN_GEOMETRY")
    assert looks_like(before) > 0.98


def test_a_mesh_that_is_as_it_was_made_is_rendered_bit_by_bit_as_before(room, robin):
    depsgraph = bpy.context.evaluated_depsgraph_get()
    avatars = room("bridge.avatars")
    proxy = avatars.proxy_of(avatars.ensure_open(robin))
    assert room("render.deformation").followed(robin, depsgraph, proxy) == (None, [])


def warnings(room) -> list[str]:
    scene = bpy.context.scene
    depsgraph = bpy.context.evaluated_depsgraph_get()
    return room("render.shot").frame_shot(depsgraph, scene.camera.evaluated_get(depsgraph), (64, 64))[1]


def test_shape_keys_of_the_animator_s_own_are_followed(room, robin, render):
    before = render("before.png")[..., 3].any(axis=0).sum()
    wide = robin.shape_key_add(name="Wide", from_mix=False)
    points = np.empty(3 * len(robin.data.vertices), np.float32)
    wide.points.foreach_get("co", points)
    points[::3] *= 1.5
    wide.points.foreach_set("co", points)
    wide.value = 1
    assert not warnings(room)
    after = render("after.png")[..., 3].any(axis=0).sum()
    assert after > 1.2 * before


def test_a_lattice_is_followed_and_a_bend_is_followed_as_a_whole_and_said(room, robin):
    assert not warnings(room)
    bend = robin.modifiers.new("Bend", "SIMPLE_DEFORM")
    bend.deform_method, bend.angle, bend.deform_axis = "BEND", 2, "Y"
    assert any("follow Bend as a whole only" in each for each in warnings(room))
    bend.show_render = False
    assert not warnings(room)


def test_vertices_that_were_pulled_apart_are_said(room, robin):
    basis = robin.data.shape_keys.reference_key
    points = np.empty(3 * len(basis.points), np.float32)
    basis.points.foreach_get("co", points)
    points[2::3] += 0.1 * (points[::3] > 0)
    basis.points.foreach_set("co", points)
    assert any("were moved" in each for each in warnings(room))


def test_what_is_not_rendered_is_named(room, robin, scene):
    bpy.ops.mesh.primitive_cube_add()
    scene.camera.data.dof.use_dof = True
    scene.render.use_motion_blur = True
    said = " ".join(warnings(room))
    assert "not Cube" in said
    assert "Depth of field" in said
    assert "Motion blur" in said
    bpy.context.object.hide_render = True


def test_a_camera_below_a_parent_of_unequal_scale(room, robin, scene, render):
    """Gaussians land where Blender's own matrices put the mesh's vertices."""
    dolly = bpy.data.objects.new("Dolly", None)
    scene.collection.objects.link(dolly)
    scene.camera.parent = dolly
    dolly.scale = (1.6, 1, 1)
    scene.camera.rotation_euler[2] += 0.2
    depsgraph = bpy.context.evaluated_depsgraph_get()
    camera = scene.camera.evaluated_get(depsgraph)
    view, shear = room("render.camera").shot_camera(camera, 64, 64)
    assert shear is not None
    rigid = np.array(view.world_to_camera).reshape(4, 4)
    assert np.allclose(rigid[:3, :3] @ rigid[:3, :3].T, np.eye(3), atol=1e-6)
    points = np.array([(0, 0, 0, 1), (0.1, 0.02, 0.1, 1), (-0.1, 0.1, 0, 1)]).T
    world = np.array(camera.matrix_world)
    world[:3, :3] /= np.linalg.norm(world[:3, :3], axis=0)
    wanted = np.diag([1, -1, -1, 1]) @ np.linalg.inv(world) @ points
    assert np.allclose(rigid @ shear @ points, wanted, atol=1e-5)
    assert render()[..., 3].any()

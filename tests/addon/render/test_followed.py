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
    deformation = room("render.deformation")
    assert deformation.followed(robin, depsgraph, proxy) == deformation.Deformation()
    # Sliders and what corrects their sums are the avatar's own.
    blocks = robin.data.shape_keys.key_blocks
    blocks["jawOpen"].value, blocks["mouthClose"].value, blocks["headTurn"].value = 0.7, 0.4, -0.5
    depsgraph.update()
    assert deformation.followed(robin, depsgraph, proxy) == deformation.Deformation()


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


@pytest.fixture
def mesh_alpha(robin, tmp_path):
    """Where Cycles sees the head's mesh, which is what the viewport shows."""

    def go(render) -> np.ndarray:
        scene = bpy.context.scene
        scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
        alpha = render("mesh.png")[..., 3] > 0.5
        scene.render.engine = "DGTALKER"
        return alpha

    return go


def bend(head: bpy.types.Object) -> None:
    modifier = head.modifiers.new("Bend", "SIMPLE_DEFORM")
    modifier.deform_method, modifier.angle, modifier.deform_axis = "BEND", 2, "Y"


def lattice(head: bpy.types.Object) -> None:
    data = bpy.data.lattices.new("Cage")
    data.points_u = data.points_v = data.points_w = 3
    cage = bpy.data.objects.new("Cage", data)
    bpy.context.scene.collection.objects.link(cage)
    corners = np.array(head.bound_box)
    cage.location, cage.scale = corners.mean(axis=0), np.ptp(corners, axis=0)
    for point in data.points:
        if abs(point.co[2]) < 0.1:
            point.co_deform[0] *= 1.7
    head.modifiers.new("Cage", "LATTICE").object = cage


def armature(head: bpy.types.Object) -> None:
    data = bpy.data.armatures.new("Rig")
    rig = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bone = data.edit_bones.new("skull")
    bone.head, bone.tail = (0, 0.03, -0.1), (0, 0.03, 0.2)
    bpy.ops.object.mode_set(mode="OBJECT")
    group = head.vertex_groups.new(name="skull")
    for vertex in head.data.vertices:
        group.add([vertex.index], float(np.clip((vertex.co[2] + 0.14) / 0.12, 0, 1)), "REPLACE")
    head.modifiers.new("Rig", "ARMATURE").object = rig
    rig.pose.bones["skull"].rotation_mode = "XYZ"
    rig.pose.bones["skull"].rotation_euler = (0.2, 0.3, 0.6)


def own_shape_key(head: bpy.types.Object) -> None:
    key = head.shape_key_add(name="Tall", from_mix=False)
    for point in key.points:
        point.co[2] += 3 * max(0.0, point.co[2]) ** 2
    key.value = 1


def sculpted(head: bpy.types.Object) -> None:
    for point in head.data.shape_keys.key_blocks["jawOpen"].points:
        point.co[0] *= 1 + 12 * abs(point.co[0])


@pytest.mark.parametrize("deform", [bend, lattice, armature, own_shape_key, sculpted])
def test_the_picture_follows_what_deforms_the_mesh(room, robin, render, mesh_alpha, deform):
    robin.data.shape_keys.key_blocks["jawOpen"].value = 0.5
    before = render("before.png")[..., 3] > 0.5
    deform(robin)
    assert not [each for each in warnings(room) if "follow" in each]
    wanted, now = mesh_alpha(render), render("now.png")[..., 3] > 0.5
    assert (now & wanted).sum() > 0.9 * (now | wanted).sum()
    assert (now & wanted).sum() / (now | wanted).sum() > (before & wanted).sum() / (before | wanted).sum() + 0.02


def test_modifiers_that_make_other_vertices_are_named_and_smoothing_is_not(room, robin):
    own_shape_key(robin)
    proxy = room("bridge.avatars").proxy_of(room("bridge.avatars").ensure_open(robin))
    followed = room("render.deformation").followed

    def now():
        return followed(robin, bpy.context.evaluated_depsgraph_get(), proxy)

    before = now()
    assert before.vertices is not None
    robin.modifiers.new("Smooth", "SUBSURF").levels = 1
    assert not now().warnings
    assert np.allclose(now().vertices, before.vertices, atol=1e-6)
    robin.modifiers["Smooth"].show_viewport = robin.modifiers["Smooth"].show_render = False
    robin.modifiers.new("Twin", "MIRROR")
    assert any("do not follow Twin" in each for each in now().warnings)
    robin.modifiers["Twin"].show_viewport = robin.modifiers["Twin"].show_render = False
    assert not now().warnings


def test_a_part_that_was_pulled_in_edit_mode_takes_its_gaussians_along(room, robin, render):
    basis = robin.data.shape_keys.reference_key
    before = render("before.png")[..., 3] > 0.5
    for block in robin.data.shape_keys.key_blocks:
        points = np.empty(3 * len(basis.points), np.float32)
        block.points.foreach_get("co", points)
        points[2::3] += 0.1 * (points[1::3] > 0)
        block.points.foreach_set("co", points)
    assert not warnings(room)
    after = render("after.png")[..., 3] > 0.5
    assert np.flatnonzero(after.any(axis=1))[0] < np.flatnonzero(before.any(axis=1))[0] - 4


def test_what_is_not_rendered_is_named(room, robin, scene):
    bpy.ops.mesh.primitive_cube_add()
    assert "not Cube" in " ".join(warnings(room))
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

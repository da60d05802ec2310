"""Motion blur and depth of field of heads: as wide as Cycles blurs their meshes, alone and in one picture with it."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

SIZE = 128


@pytest.fixture
def robin(scene):
    """The built-in head, seen whole from the front, its mesh as bright as Cycles likes it."""
    bpy.ops.dgtalker.add_head(builtin="robin")
    head = bpy.context.object
    scene.camera.location, scene.camera.data.lens = (0, -2.5, 0), 110
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 24, False
    scene.frame_set(10)
    return head


@pytest.fixture
def alpha(scene, render):
    """Renders with one of the engines: float32 (H, W)."""

    def go(engine="DGTALKER"):
        return render(engine=engine)[..., 3]

    return go


def slide(ob, pixels, scene):
    """Moves an object along X, by so many pixels a frame, at even speed; it is where it was at frame 10."""
    per_metre = scene.camera.data.lens / 36 * SIZE / 2.5
    x = ob.location.x
    for frame in (0, 20):
        ob.location.x = x + (frame - 10) * pixels / per_metre
        ob.keyframe_insert("location", index=0, frame=frame)
    curves(ob)[0].keyframe_points.foreach_set("interpolation", [1, 1])
    scene.frame_set(10)


def curves(owner):
    action = owner.animation_data.action
    return action.layers[0].strips[0].channelbags[0].fcurves


def spread(alpha):
    """Centre of what is seen across, and variance across and down: pixels and square pixels."""
    weights = alpha / alpha.sum()
    places = np.arange(SIZE) + 0.5
    x, y = weights.sum(0), weights.sum(1)
    return x @ places, x @ places**2 - (x @ places) ** 2, y @ places**2 - (y @ places) ** 2


def blur_of(alpha, change, engine):
    """By how much a change moves (pixels) and spreads (square pixels, across and down) what an engine draws."""
    before = np.array(spread(alpha(engine)))
    undo = change()
    after = np.array(spread(alpha(engine)))
    undo()
    return after - before


@pytest.mark.parametrize("position", ["START", "CENTER"])
def test_a_moving_head_is_blurred_as_far_and_as_far_aside_as_cycles_blurs_its_mesh(scene, robin, alpha, position):
    slide(robin, 24, scene)
    scene.render.motion_blur_shutter, scene.render.motion_blur_position = 1.0, position

    def blurred():
        scene.render.use_motion_blur = True
        return lambda: setattr(scene.render, "use_motion_blur", False)

    ours, theirs = (blur_of(alpha, blurred, engine) for engine in ("DGTALKER", "CYCLES"))
    assert abs(ours[0] - theirs[0]) < 0.5
    assert abs(ours[0] - {"START": 12, "CENTER": 0}[position]) < 0.5
    # What moves by L adds L² / 12 to the variance of where it is.
    lengths = np.sqrt(12 * np.array([ours[1], theirs[1]]))
    assert abs(lengths[0] / lengths[1] - 1) < 0.05
    assert abs(lengths[0] - 24) < 1
    assert abs(ours[2]) < 1


@pytest.mark.parametrize(
    "lens",
    [{}, {"aperture_blades": 3, "aperture_rotation": 0.4}, {"aperture_ratio": 2.0}],
    ids=["round", "triangle", "anamorphic"],
)
def test_a_head_out_of_focus_is_blurred_as_cycles_blurs_its_mesh(scene, robin, alpha, lens):
    dof = scene.camera.data.dof
    for name, value in lens.items():
        setattr(dof, name, value)
    dof.aperture_fstop, dof.focus_distance = 0.35, 1.5

    def blurred():
        dof.use_dof = True
        return lambda: setattr(dof, "use_dof", False)

    ours, theirs = (blur_of(alpha, blurred, engine) for engine in ("DGTALKER", "CYCLES"))
    ours, theirs = (4 * np.sqrt(each[1:]) for each in (ours, theirs))
    assert theirs.min() > 8
    np.testing.assert_allclose(ours, theirs, rtol=0.1)


def test_parallel_rays_have_a_focus_too_and_an_object_may_say_where(scene, robin, alpha):
    scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 0.8
    dof = scene.camera.data.dof
    target = bpy.data.objects.new("Target", None)
    scene.collection.objects.link(target)
    target.location = (3, -1.2, 2)
    dof.focus_object, dof.aperture_fstop = target, 10.0

    def blurred():
        dof.use_dof = True
        return lambda: setattr(dof, "use_dof", False)

    ours, theirs = (blur_of(alpha, blurred, engine) for engine in ("DGTALKER", "CYCLES"))
    ours, theirs = (4 * np.sqrt(each[1:]) for each in (ours, theirs))
    assert theirs.min() > 8
    np.testing.assert_allclose(ours, theirs, rtol=0.1)


def test_faces_and_cameras_are_blurred_too_and_the_scene_stays_where_it_is(scene, add_head, ball_file, render):
    head = add_head(ball_file, (-0.1, 0, 0))
    key = head.data.shape_keys
    slider = key.key_blocks["slide"]
    slider.value = 0.5
    sharp = render()[..., 3]
    for frame in (0, 20):
        slider.value = frame / 20
        slider.keyframe_insert("value", frame=frame)
    scene.frame_set(10)
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 20.0
    face = render()[..., 3]
    key.animation_data_clear()
    slider.value = 0.5
    for frame in (0, 20):
        scene.camera.location.x = (frame / 20 - 0.5) * -0.2
        scene.camera.keyframe_insert("location", index=0, frame=frame)
    scene.frame_set(10)
    seen_moving = render()[..., 3]
    assert (scene.frame_current, scene.frame_subframe) == (10, 0.0)
    widths = [np.sqrt(spread(each)[1]) for each in (sharp, face, seen_moving)]
    assert widths[1] > widths[0] + 3
    assert widths[2] == pytest.approx(widths[1], rel=0.02)


@pytest.fixture
def blurred(room, scene):
    """Reads frame 10: its Shot, and warnings."""

    def read():
        motion, depsgraph = room("render.motion"), bpy.context.evaluated_depsgraph_get()
        camera = scene.camera.evaluated_get(depsgraph)
        shot, _ = room("render.shot").frame_shot(depsgraph, camera, (SIZE, SIZE))
        shutter = motion.shutter_of(depsgraph)

        def at(time):
            scene.frame_set(int(np.floor(10 + time)), subframe=(10 + time) % 1)
            return scene.camera.evaluated_get(depsgraph), None

        read = motion.with_subframes(shot, depsgraph, shutter, at, lambda: False, lambda done: None)
        scene.frame_set(10)
        return read

    return read


@pytest.fixture
def sub_frames(blurred):
    """How many sub-frames frame 10 needs."""

    def count():
        shot, warnings = blurred()
        assert not warnings
        return len(shot.frames[0].subframes)

    return count


def test_what_stands_still_costs_one_picture_and_what_moves_farther_more(scene, add_head, ball_file, sub_frames):
    head = add_head(ball_file)
    scene.render.use_motion_blur = True
    scene.camera.data.lens = 50
    assert sub_frames() == 0
    slide(head, 20, scene)
    slow = sub_frames()
    curves(head)[0].keyframe_points[1].co.y *= 3
    curves(head)[0].keyframe_points[0].co.y *= 3
    assert slow * 2 < sub_frames() <= 64


def test_where_too_much_moves_before_heads_all_sub_frames_hide_them_as_the_frame_does(
    scene, add_head, ball_file, blurred, room, monkeypatch
):
    slide(add_head(ball_file), 20, scene)
    scene.render.use_motion_blur = True
    bpy.ops.mesh.primitive_cube_add(size=0.2, location=(0.1, -0.3, 0))
    shot, warnings = blurred()
    moments = shot.frames[0].subframes
    assert not warnings
    assert all(each.occluders for each in moments)
    monkeypatch.setattr(room("render.motion"), "_MOST_BYTES", 2 * len(moments[0].occluders))
    shot, (warning,) = blurred()
    assert "as at the frame's own time" in warning
    assert [each.occluders for each in shot.frames[0].subframes] == [None] * len(moments)


def test_the_shutter_s_curve_weighs_its_moments(room):
    shutter = room("render.shutter").Shutter
    np.testing.assert_allclose(shutter(0.5).moments(4), [-0.1875, -0.0625, 0.0625, 0.1875])
    np.testing.assert_allclose(shutter(0.5, "END").moments(2), [-0.375, -0.125])
    late = shutter(1.0, "START", tuple(np.linspace(-1, 1, 257).clip(0))).moments(64)
    assert 0.8 < late.mean() < 0.85
    assert np.ptp(shutter(1.0, "START", (0.0, 0.0)).moments(8)) > 0.8


def test_heads_in_the_picture_of_cycles_are_blurred_with_it(scene, add_head, ball_file, render):
    """Alone over what is behind, as the compositor puts them together: the same blur, and a cube's edge that moves."""
    for light in [ob for ob in bpy.data.objects if ob.type == "LIGHT"]:
        bpy.data.objects.remove(light)
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 16, False
    head = add_head(ball_file)
    scene.frame_set(10)
    slide(head, 10, scene)
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 1.0
    scene.render.motion_blur_position = "START"
    dof = scene.camera.data.dof
    dof.use_dof, dof.aperture_fstop, dof.focus_distance = True, 2.0, 0.7
    alone = render("alone.png")
    assert bpy.ops.dgtalker.heads_with_cycles() == {"FINISHED"}
    both = render("both.png")
    np.testing.assert_allclose(both[..., 3], alone[..., 3], atol=0.01)
    bpy.ops.mesh.primitive_cube_add(size=0.2, location=(0.1, -0.3, 0))
    cube = bpy.context.object
    head.animation_data_clear()
    head.location.x = 0
    dof.use_dof = False
    slide(cube, 20, scene)
    assert bpy.ops.dgtalker.heads_alone() == {"FINISHED"}
    scene.render.engine = "DGTALKER"
    cut = render("cut.png")[..., 3]
    cube.hide_render = True
    whole = render("whole.png")[..., 3]
    part = 1 - cut[64] / np.maximum(whole[64], 1e-6)
    edge = (whole[64] > 0.9) & (part > 0.05) & (part < 0.95)
    assert edge.sum() > 8  # a sharp edge has two

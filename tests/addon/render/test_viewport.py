"""Live heads in 3D views, without a window: seen from where, asked for when, and which heads those are."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

WIDTH, HEIGHT = 300, 200


def space() -> bpy.types.SpaceView3D:
    areas = [area for screen in bpy.data.screens for area in screen.areas]
    return next(area for area in areas if area.type == "VIEW_3D").spaces.active


def orthographic(width: float, near: float, far: float, shift: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[0, 0], matrix[1, 1] = 2 / width, 2 / width * WIDTH / HEIGHT
    matrix[2, 2], matrix[2, 3] = -2 / (far - near), -(far + near) / (far - near)
    matrix[0, 3], matrix[1, 3] = shift, -2 * shift
    return matrix


def device_pixels(clip: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where Blender's matrices put points of the world, (N, 2), pixels from the top left corner."""
    at = np.c_[points, np.ones(len(points))] @ clip.T
    device = at[:, :2] / at[:, 3:]
    return np.column_stack([(device[:, 0] + 1) / 2 * WIDTH, (1 - device[:, 1]) / 2 * HEIGHT])


def camera_pixels(camera, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the Shot's camera puts them, and how far before it they are."""
    K = np.reshape(camera.K, (3, 3))
    seen = (np.c_[points, np.ones(len(points))] @ np.reshape(camera.world_to_camera, (4, 4)).T)[:, :3]
    rays = seen[:, :2] if camera.orthographic else seen[:, :2] / seen[:, 2:]
    return rays * (K[0, 0], K[1, 1]) + K[:2, 2], seen[:, 2]


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(1).uniform(-0.3, 0.3, (40, 3))


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_a_view_through_the_camera_is_the_cameras_own(room, scene, points, kind):
    lens = scene.camera.data
    lens.type, lens.shift_x, lens.shift_y = kind, 0.1, -0.05
    scene.camera.rotation_euler = (1.5, 0.1, 0.15)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    window = np.array(scene.camera.calc_matrix_camera(depsgraph, x=WIDTH, y=HEIGHT))
    inverse = np.array(scene.camera.matrix_world.inverted())
    view = room("render.viewport.view").view_of(window, inverse, WIDTH, HEIGHT)
    expected, _ = room("render.camera").shot_camera(scene.camera, WIDTH, HEIGHT)
    found, depth = camera_pixels(view.camera, points)
    wanted, wanted_depth = camera_pixels(expected, points)
    np.testing.assert_allclose(found, wanted, atol=0.01)
    np.testing.assert_allclose(depth, wanted_depth, atol=1e-5)
    assert view.camera.near == pytest.approx(lens.clip_start, rel=1e-3)
    assert view.camera.far == pytest.approx(lens.clip_end, rel=0.05)


def test_a_parallel_view_shows_what_lies_behind_it_too(room, points):
    window, turn = orthographic(2.0, -100.0, 100.0, 0.2), Matrix.LocRotScale(Vector((0, -9, 2)), Euler((1, 0, 2)), None)
    matrix = np.array(turn.inverted())
    view = room("render.viewport.view").view_of(window, matrix, WIDTH, HEIGHT)
    found, depth = camera_pixels(view.camera, points)
    np.testing.assert_allclose(found, device_pixels(window @ matrix, points), atol=0.01)
    assert view.camera.near >= 0
    assert (depth > view.camera.near).all()
    assert (depth < view.camera.far).all()


class Engine:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.shots, self.pending = [], []

    def submit(self, shot):
        answer = SimpleNamespace(done=False, cancelled=False, result=lambda: reply(1, 1))
        answer.cancel = lambda: setattr(answer, "cancelled", True)
        self.shots.append(shot)
        self.pending.append(answer)
        return answer

    def answer(self) -> None:
        self.pending[-1].done = True


def reply(width: int, height: int) -> SimpleNamespace:
    header = {"rectangle": [0, 0, width, height], "depths": [1.0, 2.0]}
    return SimpleNamespace(header=header, body=bytearray(np.ones(width * height * 2, "<f4").tobytes()))


@pytest.fixture
def asked(room):
    """A feed, its engine, and what it can be asked to show: turned by so much."""
    view, feed = room("render.viewport.view"), room("render.viewport.feed")
    engine = Engine()

    def wanted(turn: float):
        matrix = np.array(Matrix.Rotation(turn, 4, "Z").inverted())
        return feed.Wanted(view.view_of(orthographic(1, 0, 9, 0), matrix, 301, 201), ("avatar",), ())

    return feed.Feed(engine.submit), engine, wanted


def test_of_what_was_wanted_meanwhile_only_the_last_is_asked_for(asked):
    feed, engine, wanted = asked
    for step in range(5):
        feed.want(wanted(step), 0.01 * step)
        feed.advance(0.01 * step)
    assert len(engine.shots) == 1, "one at a time"
    engine.answer()
    assert feed.advance(0.06)
    assert feed.picture.wanted == wanted(0)
    assert engine.shots[1:] == [wanted(4).shot(2)]


def test_pictures_are_coarse_while_something_moves_and_full_at_rest(asked):
    feed, engine, wanted = asked
    feed.want(wanted(1), 0.0)
    feed.advance(0.0)
    engine.answer()
    feed.advance(0.1)
    assert (engine.shots[0].width, engine.shots[0].height) == (151, 101)
    assert not feed.settled(0.1)
    feed.advance(1.0)
    engine.answer()
    feed.advance(1.5)
    assert (engine.shots[1].width, engine.shots[1].height) == (301, 201)
    assert feed.picture.scale == (1.0, 1.0)
    assert feed.settled(1.5)
    assert len(engine.shots) == 2


def test_pictures_are_always_full_where_the_engine_is_quick(asked):
    feed, engine, wanted = asked
    feed.want(wanted(1), 0.0)
    for now in (1.0, 1.01):
        feed.advance(now)
        engine.answer()
    feed.want(wanted(2), 2.0)
    feed.advance(2.0)
    assert [shot.width for shot in engine.shots] == [301, 301]


def test_a_picture_of_another_size_than_it_says_is_refused(asked, extension):
    feed, engine, wanted = asked
    feed.want(wanted(1), 0.0)
    feed.advance(0.0)
    engine.pending[0].result = lambda: SimpleNamespace(header=reply(2, 2).header, body=bytearray(8))
    engine.answer()
    with pytest.raises(Exception, match="size"):
        feed.advance(0.1)
    assert feed.picture is None


def test_what_is_closed_is_given_up(asked):
    feed, engine, wanted = asked
    feed.want(wanted(1), 0.0)
    feed.advance(0.0)
    feed.close()
    assert engine.pending[0].cancelled
    assert feed.settled(9.0)
    assert feed.waited(9.0) == 0


def seen_in(room, view_space=None, with_holes=False):
    viewport = room("render.viewport.heads")
    for head in room("head.model").heads(bpy.context.scene):
        room("bridge.avatars").ensure_open(head)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    view = room("render.viewport.view").view_of(orthographic(1, 0, 9, 0), np.eye(4), WIDTH, HEIGHT)
    return viewport.wanted(viewport.read(depsgraph), view, view_space or space(), with_holes)


def test_the_viewport_asks_for_what_f12_renders(room, scene, add_head, ball_file):
    head = add_head(ball_file, (0.1, 0.2, 0.3))
    head.data.shape_keys.key_blocks["slide"].value = 0.5
    head.modifiers.new("Wave", "CAST").factor = 0.3
    depsgraph = bpy.context.evaluated_depsgraph_get()
    shot, _ = room("render.shot").frame_shot(depsgraph, scene.camera, (WIDTH, HEIGHT))
    wanted = seen_in(room)
    assert (wanted.avatars, wanted.heads) == (shot.avatars, shot.frames[0].heads)
    assert wanted.heads[0].vertices
    assert wanted.keys == {(head.name, None)}


def test_the_scene_is_read_again_after_what_may_concern_heads_alone(room, scene, add_head, ball_file):
    head, other = add_head(ball_file), bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    parent, placed = bpy.data.objects.new("Parent", None), bpy.data.objects.new("Placed", None)
    for ob in (other, parent, placed):
        scene.collection.objects.link(ob)
    head.parent = parent
    group = bpy.data.collections.new("Group")
    group.objects.link(head)
    placed.instance_type, placed.instance_collection = "COLLECTION", group
    seen = []

    def look(_scene, depsgraph):
        seen.append(room("render.viewport.heads").may_change(depsgraph))

    def concerns(owner, name, value) -> bool:
        bpy.context.view_layer.update()
        seen.clear()
        setattr(owner, name, value)
        bpy.context.view_layer.update()
        return any(seen)

    bpy.app.handlers.depsgraph_update_post.append(look)
    try:
        assert not concerns(other, "location", (1, 0, 0))
        assert concerns(head, "location", (1, 0, 0))
        assert concerns(head.data.shape_keys.key_blocks["slide"], "value", 0.5)
        assert concerns(parent, "location", (1, 0, 0))
        assert concerns(placed, "location", (1, 0, 0))
        assert concerns(group, "hide_viewport", True)
        other.modifiers.new("Instances", "NODES")
        assert concerns(other, "location", (2, 0, 0))
    finally:
        bpy.app.handlers.depsgraph_update_post.remove(look)


def test_an_avatar_that_somebody_else_has_opened_meanwhile_is_not_opened_again(room, scene, add_head, ball_file):
    head, opening = add_head(ball_file), room("render.viewport.opening")
    key = room("render.viewport.heads").key_of(head)
    room("bridge.avatars").ensure_open(head)
    assert opening.begin([key])
    assert not opening.is_busy()


def test_a_head_that_is_removed_is_no_longer_asked_for(room, scene, add_head, ball_file):
    head = add_head(ball_file)
    room("bridge.avatars").ensure_open(head)
    viewport = room("render.viewport.heads")
    read = viewport.read(bpy.context.evaluated_depsgraph_get())
    bpy.data.objects.remove(head)
    view = room("render.viewport.view").view_of(orthographic(1, 0, 9, 0), np.eye(4), WIDTH, HEIGHT)
    assert viewport.wanted(read, view, space(), False).heads == ()


def test_an_avatar_that_the_engine_lacks_is_opened_without_waiting(room, scene, add_head, ball_file):
    head = add_head(ball_file)
    viewport, opening = room("render.viewport.heads"), room("render.viewport.opening")
    scene_read = viewport.read(bpy.context.evaluated_depsgraph_get())
    assert (scene_read.heads, scene_read.unopened) == ((), ((head.name, None),))
    opening.begin(scene_read.unopened)
    assert opening.is_busy()
    while not opening.advance():
        pass
    assert not opening.is_busy()
    assert len(viewport.read(bpy.context.evaluated_depsgraph_get()).heads) == 1


def test_hidden_heads_and_those_whose_mesh_is_worked_on_are_left_out(room, scene, add_head, ball_file):
    first, second, third, fourth = (add_head(ball_file, (0.3 * i, 0, 0)) for i in range(4))
    assert len(seen_in(room).heads) == 4
    second.hide_set(True)
    third.display_type = "WIRE"
    bpy.context.view_layer.objects.active = fourth
    bpy.ops.object.mode_set(mode="EDIT")
    assert seen_in(room).keys == {(first.name, None)}
    bpy.ops.object.mode_set(mode="OBJECT")
    third.display_type = "SOLID"
    assert seen_in(room).keys == {(head.name, None) for head in (first, third, fourth)}


def test_heads_of_excluded_collections_are_left_out(room, scene, add_head, ball_file, put_in):
    add_head(ball_file)
    name = put_in(bpy.context.object, "away").name
    bpy.context.view_layer.layer_collection.children[name].exclude = True
    assert seen_in(room).heads == ()


def test_a_holdout_is_a_hole_in_rendered_views_of_ours_and_its_mesh_elsewhere(room, scene, add_head, ball_file):
    head, hole = add_head(ball_file), add_head(ball_file, (0.3, 0, 0))
    hole.is_holdout = True
    assert [each.holdout for each in seen_in(room, with_holes=True).heads] == [False, True]
    assert [each.holdout for each in seen_in(room).heads] == [False]
    assert seen_in(room).keys == seen_in(room, with_holes=True).keys == {(head.name, None)}


def test_the_engine_draws_what_the_viewport_asks_for(room, scene, add_head, ball_file):
    add_head(ball_file)
    wanted = seen_in(room)
    feed = room("render.viewport.feed").Feed(room("render.viewport.live")._submit)
    feed.want(wanted, 0.0)
    feed.advance(1.0)
    assert feed._asked.pending.wait(60)
    assert feed.advance(1.0)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    shot, _ = room("render.shot").frame_shot(depsgraph, scene.camera, (WIDTH, HEIGHT))
    alpha = room("render.picture").render(wanted.shot(1)).rgba[..., 3]
    assert shot.avatars == wanted.avatars
    x, y, width, height = feed.picture.rectangle
    packed = np.floor(feed.picture.pixels[..., 1] / 65536) / 255
    np.testing.assert_allclose(packed, alpha[y : y + height, x : x + width], atol=0.51 / 255)
    assert np.delete(alpha, np.s_[y : y + height], axis=0).max(initial=0) < 1 / 255


def test_meshes_are_hidden_in_viewports_alone_and_come_back(room, scene, add_head, ball_file, render):
    head = add_head(ball_file)
    standins = room("render.viewport.standins")
    key = room("render.viewport.heads").key_of(head)
    shown = render()

    def displayed() -> str:
        return head.evaluated_get(bpy.context.evaluated_depsgraph_get()).display_type

    standins.hide(frozenset([key]))
    assert displayed() == "BOUNDS"
    head.location.x = 0.01
    assert displayed() == "BOUNDS", "also after a change"
    head.location.x = 0.0
    assert head.display_type == "TEXTURED", "the object itself is as it was"
    np.testing.assert_array_equal(render(), shown)
    standins.hide(frozenset())
    assert displayed() == "TEXTURED"


def test_what_a_render_evaluates_is_left_alone(room, scene, add_head, ball_file, tmp_path):
    head = add_head(ball_file)
    room("render.viewport.standins").hide(frozenset([room("render.viewport.heads").key_of(head)]))
    seen = []

    def look(_scene, depsgraph):
        if depsgraph.mode == "RENDER":
            seen.append(head.evaluated_get(depsgraph).display_type)

    scene.frame_end, scene.render.filepath = scene.frame_start, str(tmp_path / "f")
    bpy.app.handlers.frame_change_post.append(look)
    try:
        bpy.ops.render.render(animation=True)
    finally:
        bpy.app.handlers.frame_change_post.remove(look)
        room("render.viewport.standins").hide(frozenset())
    assert seen == ["TEXTURED"]


def test_a_file_with_heads_is_opened_with_live_heads_off(room, scene, add_head, ball_file, tmp_path):
    live = room("render.viewport.live")
    assert live.is_on()
    add_head(ball_file)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "heads.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "heads.blend"))
    assert not live.is_on()
    bpy.context.window_manager.dgtalker_live = True
    assert live.is_on()
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    assert live.is_on(), "a new file has no heads that somebody else may have put there"

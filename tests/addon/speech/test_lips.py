"""P, B and M in the final motion: found, marked and closed; phones and visemes as markers."""

from __future__ import annotations

import re

import bpy
import numpy as np
import pytest


@pytest.fixture
def hold_open():
    """`hold_open(head)`: the animator drags all keys of the jaw up to wide open."""

    def drag(head: bpy.types.Object, jaw: float = 0.6) -> None:
        animation = head.data.shape_keys.animation_data
        bag = animation.action.layers[0].strips[0].channelbag(animation.action_slot)
        curve = bag.fcurves.find('key_blocks["jawOpen"].value')
        for point in curve.keyframe_points:
            point.co.y = jaw
        curve.update()

    return drag


@pytest.fixture
def gaps(room):
    """`gaps(head)`: how far the lips are apart at each P, B and M as Blender plays it, 1 is a jaw wide open."""

    def measure(head: bpy.types.Object) -> list[float]:
        storage, contacts = room("speech.takes.storage"), room("speech.lips.contacts")
        take, first = storage.take_of(head), head.dgtalker_speech.first
        key = head.data.shape_keys
        opens = contacts.gap_of(head, key).opens
        scene = bpy.context.scene
        found = []
        for start, end in take.closures * take.fps + first:
            seen = []
            for frame in range(int(np.floor(start)), int(np.ceil(end)) + 1):
                scene.frame_set(frame)
                seen.append(sum(block.value * each for block, each in zip(key.key_blocks, opens, strict=True)))
            found.append(min(seen))
        return found

    return measure


def ours() -> list[bpy.types.TimelineMarker]:
    return [each for each in bpy.context.scene.timeline_markers if re.fullmatch(r"[PBM] \d\d:\d\d:\d\d", each.name)]


def test_generated_lips_close(animated, gaps):
    head, _ = animated()
    assert len(gaps(head)) >= 2
    assert max(gaps(head)) < 0.05
    bpy.ops.dgtalker.check_lips()
    assert not bpy.context.scene.timeline_markers


def test_lips_that_hand_keys_hold_open_are_marked_and_closed(animated, gaps, hold_open):
    head, _ = animated()
    hold_open(head)
    assert min(gaps(head)) > 0.1
    mine = bpy.context.scene.timeline_markers.new("Punchline", frame=40)
    bpy.ops.dgtalker.check_lips()
    assert len(ours()) == len(gaps(head))
    hand = head.data.shape_keys.animation_data.action
    bpy.ops.dgtalker.close_lips()
    assert max(gaps(head)) < 0.06
    assert [marker.name for marker in bpy.context.scene.timeline_markers] == [mine.name]
    animation = head.data.shape_keys.animation_data
    assert not animation.nla_tracks
    assert animation.action == hand
    bpy.context.scene.frame_set(40)
    assert head.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.6), "her keys stay: others close"


def test_between_the_contacts_the_hand_keys_count(animated, hold_open):
    head, _ = animated()
    hold_open(head)
    bpy.ops.dgtalker.close_lips()
    bpy.context.scene.frame_set(20)
    assert head.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.6)
    assert head.data.shape_keys.key_blocks["mouthClose"].value < 0.01


def test_closed_lips_stay_closed_while_sliders_move(animated, gaps, hold_open):
    head, strip = animated()
    hold_open(head, 0.4)
    bpy.ops.dgtalker.close_lips()
    strip.dgtalker.jaw = 1.8
    strip.dgtalker.offset = 0.1
    bpy.ops.dgtalker.check_lips()
    assert not ours()


def test_release_opens_them_again(animated, gaps, hold_open):
    head, _ = animated()
    with pytest.raises(RuntimeError, match="Close Lips keeps no lips closed"):
        bpy.ops.dgtalker.release_lips()
    hold_open(head)
    before = gaps(head)
    bpy.ops.dgtalker.close_lips()
    bpy.ops.dgtalker.release_lips()
    assert gaps(head) == pytest.approx(before)


def test_closing_is_one_undo_step(animated, hold_open):
    head, _ = animated()
    hold_open(head)
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.dgtalker.close_lips("EXEC_DEFAULT", True)
    bpy.ops.ed.undo()
    assert not bpy.data.objects["Ada"].dgtalker_speech.mended


def test_drivers_that_hold_the_lips_apart_are_told(animated, hold_open):
    head, _ = animated()
    for name in ("jawOpen", "mouthClose"):
        driver = head.data.shape_keys.key_blocks[name].driver_add("value").driver
        driver.expression = "0.6" if name == "jawOpen" else "0.0"
    bpy.ops.dgtalker.animate()
    bpy.ops.dgtalker.close_lips()
    assert ours()


def test_the_check_leaves_the_scene_as_it_was(animated, hold_open):
    head, _ = animated()
    hold_open(head)
    bpy.context.scene.frame_set(33)
    handlers: list[int] = []
    bpy.app.handlers.frame_change_post.append(lambda *_: handlers.append(1))
    objects, scenes = len(bpy.data.objects), len(bpy.data.scenes)
    bpy.ops.dgtalker.check_lips()
    bpy.app.handlers.frame_change_post.pop()
    assert bpy.context.scene.frame_current == 33
    assert (len(bpy.data.objects), len(bpy.data.scenes)) == (objects, scenes)
    assert not handlers


def test_lips_close_where_a_curve_of_an_earlier_import_is_left(room, animated, keys, make_performance):
    head, _ = animated()
    take, first = room("speech.takes.storage").take_of(head), head.dgtalker_speech.first
    keys.write(head, make_performance(take.frames), first)
    block = head.data.shape_keys.key_blocks["mouthClose"]
    block.value = 0.5
    block.keyframe_insert("value", frame=first + 1)
    from dgtalker_engine.performance import Performance

    jaw = make_performance(take.frames).curve("jawOpen")[:, None]
    played = Performance(24.0, ("jawOpen",), jaw)
    keys.write(head, played, first)
    room("speech.stepwise").finished(room("speech.lips.contacts").mend_steps(head, played, first, take, first, []))
    assert "mouthClose" in {edit.label for edit in keys.edits(head)}
    bpy.ops.dgtalker.check_lips()
    assert not ours()


@pytest.fixture
def small_steps(room, monkeypatch):
    """Work of a short line in as many steps as that of a long one."""
    monkeypatch.setattr(room("speech.keys.evaluation"), "CHUNK", 5)
    monkeypatch.setattr(room("speech.stepwise"), "PART", 0.0)


@pytest.fixture
def half_written(room, animated, hold_open, rest, small_steps):
    """`half_written(steps)`: a head whose lips are closed anew after a slider moved, so many steps later; its strip."""

    def write(steps: int) -> tuple[bpy.types.Object, bpy.types.Strip]:
        head, strip = animated()
        hold_open(head)
        bpy.ops.dgtalker.close_lips()
        live = room("speech.takes.live")
        strip.dgtalker.lips = 0.6
        rest()
        while room("speech.takes.storage").kept_hash(head, "settings_hash"):
            live._tick()
        for _ in range(steps):
            live._tick()
        assert live._mending
        return head, strip

    return write


def test_closed_lips_follow_a_slider_in_steps_between_which_the_window_goes_on(
    room, animated, hold_open, gaps, curve, rest, small_steps
):
    head, strip = animated()
    hold_open(head)
    bpy.ops.dgtalker.close_lips()
    live = room("speech.takes.live")
    strip.dgtalker.lips = 0.8
    assert live._due, "a take whose lips are kept closed waits until the slider rests"
    rest()
    assert live._mending
    strip.dgtalker.lips = 0.6
    assert not live._mending, "what was begun for the slider as it was is dropped"
    rest()
    steps = 0
    while live._mending:
        live._tick()
        steps += 1
    assert steps > 3 * 52, "no step writes more than one curve"
    assert max(gaps(head)) < 0.05
    moved = {name: curve(head, name) for name in ("mouthClose", "mouthFunnel", "browInnerUp")}
    bpy.ops.dgtalker.update_keys()
    assert all(np.array_equal(curve(head, name), values) for name, values in moved.items())
    strip.dgtalker.lips = 0.9
    rest()
    bpy.ops.dgtalker.clear_speech()
    live._tick()
    assert not live._mending, "who writes meanwhile does all of it"
    assert not room("speech.keys.keyframes").spoken(head)


@pytest.mark.parametrize("steps", [3, 40, 70, 130])
def test_between_two_steps_all_that_was_generated_is_known_as_such(room, half_written, keys, steps, behind):
    """So nothing is taken for an edit of the animator's, whatever becomes of the file in that moment."""
    head, _ = half_written(steps)
    assert {edit.label for edit in keys.edits(head)} == {"jawOpen"}, "which she dragged open"
    assert behind(head)


def test_an_undo_to_the_moment_between_two_steps_is_followed_by_the_rest(room, half_written, gaps, rest, curve, behind):
    head, _ = half_written(40)
    live = room("speech.takes.live")
    bpy.ops.ed.undo_push(message="something else")
    while live._mending:
        live._tick()
    done = curve(head, "mouthFunnel")
    bpy.ops.ed.undo_push(message="and another thing")
    bpy.ops.ed.undo()
    head = bpy.data.objects["Ada"]
    assert behind(head)
    rest()
    while live._mending:
        live._tick()
    assert max(gaps(head)) < 0.05
    assert np.array_equal(curve(head, "mouthFunnel"), done)
    assert not behind(head)


def test_what_is_edited_between_two_steps_stays(room, half_written, curve):
    head, _ = half_written(20)
    live = room("speech.takes.live")
    animation = head.data.shape_keys.animation_data
    bag = animation.action.layers[0].strips[0].channelbag(animation.action_slot)
    for name in ("browInnerUp", "tongueOut"):  # the first and the last to be written
        edited = bag.fcurves.find(f'key_blocks["{name}"].value')
        next(point for point in edited.keyframe_points if point.co.x == 45).co.y = 0.77
    while live._mending:
        live._tick()
    bpy.context.scene.frame_set(45)
    for name in ("browInnerUp", "tongueOut"):
        assert head.data.shape_keys.key_blocks[name].value == pytest.approx(0.77), name


def test_what_does_not_matter_to_the_keys_lets_the_steps_go_on(room, half_written, rest):
    head, _ = half_written(20)
    live = room("speech.takes.live")
    steps = live._mending[head.session_uid].steps
    head.location.x = 1.0
    bpy.context.view_layer.update()
    assert live._due
    rest()
    assert live._mending[head.session_uid].steps is steps
    head.dgtalker_speech.happy = 0.5
    assert not live._mending, "another setting does: all begins anew when it rests"
    rest()
    assert live._mending[head.session_uid].steps is not steps


@pytest.mark.parametrize("deed", ["lock_keys", "animate_range", "script"])
def test_what_writes_a_few_keys_between_two_steps_leaves_no_others_half_done(
    room, half_written, curve, rest, spoken_frames, deed, behind
):
    head, _ = half_written(40)
    live, names = room("speech.takes.live"), ("browInnerUp", "mouthFunnel", "tongueOut")
    bpy.context.view_layer.objects.active = head
    if deed == "script":
        room("speech.keys.keyframes").lock(head, 48, 60, [])
        assert live._mending
    else:
        getattr(bpy.ops.dgtalker, deed)(first=48, last=60)
        assert not live._mending, "all was written before"
    rest()
    rest()
    while live._mending:
        live._tick()
    assert not behind(head)
    found = {name: curve(head, name) for name in names}
    bpy.ops.dgtalker.update_keys()
    frames = np.array(spoken_frames(head))
    outside = (frames < 44) | (frames > 64)  # beside it, what is locked now passes into the rest
    for name, values in found.items():
        assert curve(head, name)[outside] == pytest.approx(values[outside], abs=1e-3), name


@pytest.mark.parametrize("deed", ["head", "action", "slot", "slider", "mesh", "track"])
def test_what_is_taken_away_between_two_steps_ends_them(room, half_written, deed):
    head, _ = half_written(20)
    live, key = room("speech.takes.live"), head.data.shape_keys
    if deed == "head":
        bpy.data.objects.remove(head)
    elif deed == "action":
        bpy.data.actions.remove(key.animation_data.action)
    elif deed == "slot":
        key.animation_data.action_slot = None
    elif deed == "slider":
        head.shape_key_remove(key.key_blocks["browInnerUp"])
    elif deed == "mesh":
        head.data = bpy.data.meshes.new("another")
    else:
        key.animation_data_clear()
    for _ in range(10):
        live._tick()
    assert not live._mending or deed == "slider", "without that slider it begins anew"
    if deed == "slider":
        live._due.update(dict.fromkeys(live._due, 0.0))
        while live._mending or live._due:
            live._tick()


@pytest.mark.parametrize("how", ["save", "render"])
def test_what_is_saved_or_rendered_right_after_a_slider_has_its_lips_closed(
    room, animated, hold_open, gaps, rest, small_steps, tmp_path, how
):
    head, strip = animated()
    hold_open(head)
    bpy.ops.dgtalker.close_lips()
    live = room("speech.takes.live")
    strip.dgtalker.lips = 0.8
    if how == "save":  # in the middle of what is done in steps
        rest()
        assert live._mending
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"), copy=True)
    else:
        assert live._due
        head.hide_render, render = True, bpy.context.scene.render
        render.engine, render.resolution_x, render.resolution_y = "DGTALKER", 16, 16
        bpy.ops.render.render()
    assert not live._mending
    assert max(gaps(head)) < 0.05


def test_closing_lips_in_steps_ends_with_the_file(room, animated, hold_open, rest, small_steps):
    head, strip = animated()
    hold_open(head)
    bpy.ops.dgtalker.close_lips()
    live = room("speech.takes.live")
    strip.dgtalker.lips = 0.9
    rest()
    assert live._mending
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    assert not live._mending, "nothing of one file goes on in the next"


def test_next_goes_round_and_remove_keeps_other_markers(animated, hold_open):
    head, _ = animated()
    scene = bpy.context.scene
    with pytest.raises(RuntimeError, match="press Check first"):
        bpy.ops.dgtalker.next_open_lips()
    hold_open(head)
    for name in ("Punchline", "B roll", "P 12", "/cut/"):
        scene.timeline_markers.new(name, frame=45)
    bpy.ops.dgtalker.check_lips()
    found = sorted(marker.frame for marker in ours())
    scene.frame_set(1)
    seen = []
    for _ in range(len(found) + 1):
        bpy.ops.dgtalker.next_open_lips()
        seen.append(scene.frame_current)
    assert seen == [*found, found[0]]
    bpy.ops.dgtalker.clear_lip_markers()
    assert sorted(marker.name for marker in scene.timeline_markers) == ["/cut/", "B roll", "P 12", "Punchline"]


def test_a_click_in_the_list_goes_to_the_place(animated, hold_open):
    head, _ = animated()
    hold_open(head)
    bpy.ops.dgtalker.check_lips()
    bpy.context.window_manager.dgtalker_open_lips = 1
    assert bpy.context.scene.frame_current == bpy.context.scene.timeline_markers[1].frame
    assert bpy.context.window_manager.dgtalker_open_lips == 1


def test_on_the_built_in_head_the_mesh_itself_closes(add_strip, voice, hold_open):
    """Measured on vertices that Blender evaluates, with correctives, not on weights."""
    bpy.ops.dgtalker.add_head()
    head = bpy.context.object
    add_strip(voice, 30, head)
    bpy.ops.dgtalker.animate()
    hold_open(head, 0.4)
    bpy.ops.dgtalker.check_lips()
    marked = [marker.frame for marker in bpy.context.scene.timeline_markers]
    assert marked
    open_lips = [parted(head, frame) for frame in marked]
    bpy.ops.dgtalker.close_lips()
    closed = [parted(head, frame) for frame in marked]
    assert min(open_lips) > 0.003
    assert max(closed) < 0.0025


def parted(head: bpy.types.Object, frame: int) -> float:
    """How far the middle of the lips is apart on a frame, beyond rest, metres."""
    scene = bpy.context.scene
    scene.frame_set(frame)
    evaluated = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    now, rest = np.empty(3 * len(evaluated.vertices)), np.empty(3 * len(evaluated.vertices))
    evaluated.vertices.foreach_get("co", now)
    key = head.data.shape_keys
    key.reference_key.points.foreach_get("co", rest)
    move = (now - rest).reshape(-1, 3)
    low, high = lip_vertices(key, rest.reshape(-1, 3))
    return float((move[high] - move[low])[:, 2].max())


def lip_vertices(key: bpy.types.Key, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest pairs of a vertex that goes down with the lower lip and one that goes up with the upper lip."""

    def delta(name: str) -> np.ndarray:
        place = np.empty(rest.size)
        key.key_blocks[name].points.foreach_get("co", place)
        return (place.reshape(-1, 3) - rest)[:, 2]

    low = np.flatnonzero(delta("mouthLowerDownLeft") + delta("mouthLowerDownRight") < -0.004)
    high = np.flatnonzero(delta("mouthUpperUpLeft") + delta("mouthUpperUpRight") > 0.004)
    low, high = (side[np.abs(rest[side, 0]) < 0.006] for side in (low, high))
    apart = np.linalg.norm(rest[low][:, None] - rest[high][None], axis=2)
    nearest = np.argsort(apart.min(axis=1))[:4]
    return low[nearest], high[apart.argmin(axis=1)[nearest]]


@pytest.mark.parametrize(("kind", "example"), [("PHONES", "/M/"), ("VISEMES", "[PP]")])
def test_what_is_said_is_shown_and_hidden_again(animated, kind, example):
    animated()
    scene = bpy.context.scene
    scene.timeline_markers.new("Punchline", frame=45)
    bpy.ops.dgtalker.show_phones(kind=kind)
    names = {marker.name: marker.frame for marker in scene.timeline_markers}
    assert len(names) > 5
    assert 30 <= names[example] <= 30 + 2 * 24
    bpy.ops.dgtalker.show_phones(kind=kind)
    assert [marker.name for marker in scene.timeline_markers] == ["Punchline"]


LIKE_OURS = ["[CU]", "[in]", "/WS/", "/END/", "M 00:00:04", "[PP]", "/M/"]


def test_markers_of_the_animator_stay_whatever_they_are_called(animated, hold_open):
    """Even one that is the same as ours, on the same frame, and one of ours that was moved."""
    head, _ = animated()
    hold_open(head)
    scene = bpy.context.scene
    bpy.ops.dgtalker.show_phones(kind="PHONES")
    twin = (scene.timeline_markers[3].name, scene.timeline_markers[3].frame)
    bpy.ops.dgtalker.show_phones(kind="PHONES")
    assert not scene.timeline_markers
    own = [*((name, 5 + i) for i, name in enumerate(LIKE_OURS)), twin]
    for name, frame in own:
        scene.timeline_markers.new(name, frame=frame)
    for kind in ("PHONES", "VISEMES", "PHONES", "VISEMES"):
        bpy.ops.dgtalker.show_phones(kind=kind)
    bpy.ops.dgtalker.check_lips()
    assert len(ours()) > 1
    bpy.ops.dgtalker.clear_lip_markers()
    bpy.ops.dgtalker.show_phones(kind="PHONES")
    moved = scene.timeline_markers[-1]
    moved.frame += 1000
    own.append((moved.name, moved.frame))
    bpy.ops.dgtalker.clear_speech()
    assert [(marker.name, marker.frame) for marker in scene.timeline_markers] == own


def test_what_we_put_is_known_again_in_a_saved_file(animated, tmp_path):
    animated()
    bpy.context.scene.timeline_markers.new("[in]", frame=5)
    bpy.ops.dgtalker.show_phones(kind="VISEMES")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert len(bpy.context.scene.timeline_markers) > 5
    bpy.ops.dgtalker.show_phones(kind="VISEMES")
    assert [marker.name for marker in bpy.context.scene.timeline_markers] == ["[in]"]


def test_clear_speech_takes_the_markers_along(animated, hold_open):
    head, _ = animated()
    hold_open(head)
    bpy.ops.dgtalker.check_lips()
    bpy.ops.dgtalker.show_phones(kind="PHONES")
    bpy.context.scene.timeline_markers.new("Punchline", frame=45)
    bpy.ops.dgtalker.clear_speech()
    assert [marker.name for marker in bpy.context.scene.timeline_markers] == ["Punchline"]


def test_buttons_say_that_nothing_was_animated(make_head):
    make_head()
    for operator in ("check_lips", "close_lips", "show_phones", "update_keys"):
        with pytest.raises(RuntimeError, match="press Animate first"):
            getattr(bpy.ops.dgtalker, operator)()


def test_an_operator_whose_head_is_taken_away_while_it_waits_says_so(room, make_head):
    modal = room("bridge.modal")
    head = make_head()

    class Check(modal.EngineOperator):
        bl_label = "Check Lips"

        def work(self, context):
            yield None
            head.location = (0, 0, 0)

    steps = Check()._safe_work(bpy.context)
    next(steps)
    bpy.data.objects.remove(head)
    with pytest.raises(Exception, match="changed meanwhile"):
        next(steps)


def test_markers_with_longer_names_than_blender_keeps_are_removed_again(room):
    markers, scene = room("speech.timeline.markers"), bpy.context.scene
    markers.show(scene, "PHONES", [(5, "ä" * 60)])
    assert len(scene.timeline_markers) == len(markers.of_kind(scene, "PHONES")) == 1
    markers.remove(scene, "PHONES")
    assert not scene.timeline_markers

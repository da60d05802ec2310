"""What animators change among generated keys stays, is shown and given back; what hides speech is named."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import pytest
from key_tools import FIRST, fcurve, key_action, value


def test_keys_lie_in_the_action_that_editors_show(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    for owner, count in ((head.data.shape_keys, 52), (head, 3)):
        animation = owner.animation_data
        assert not animation.nla_tracks
        (bag,) = animation.action.layers[0].strips[0].channelbags
        assert len(bag.fcurves) == count
        assert min(len(curve.keyframe_points) for curve in bag.fcurves) >= 50


def test_a_hand_key_changes_its_frame_and_nothing_else(keys, make_head, make_performance):
    head = make_head()
    performance = make_performance(50)
    keys.write(head, performance, FIRST)
    before = [value(head, "jawOpen", frame) for frame in range(FIRST, FIRST + 50)]
    key_action(head, "jawOpen", {32: 0.05})
    for _ in range(2):
        after = [value(head, "jawOpen", frame) for frame in range(FIRST, FIRST + 50)]
        assert [FIRST + i for i in range(50) if abs(after[i] - before[i]) > 1e-4] == [32]
        assert after[32 - FIRST] == pytest.approx(0.05)
        assert keys.write(head, performance, FIRST) == []
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    assert value(head, "jawOpen", 32) == pytest.approx(0.05)
    assert value(head, "jawOpen", 31) == pytest.approx(before[31 - FIRST], abs=1e-3)
    assert value(head, "jawOpen", 36) == pytest.approx(before[36 - FIRST] / 2, abs=1e-3)
    assert [edit.text for edit in keys.edits(head)] == ["jawOpen 32"]


def test_key_all_holds_the_pose_that_is_spoken(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    held = value(head, "jawOpen", 32)
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.key_all()
    assert {edit.kept.start for edit in keys.edits(head)} == {32}
    keys.write(head, make_performance(50, jaw=0.2), FIRST)
    assert value(head, "jawOpen", 32) == pytest.approx(held)


def test_what_was_edited_is_listed_and_can_be_given_back(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key_action(head, "jawOpen", dict.fromkeys(range(20, 25), 0.9))
    curve = fcurve(head.data.shape_keys, 'key_blocks["mouthPucker"].value')
    for point in [point for point in curve.keyframe_points if 40 <= point.co.x <= 42][::-1]:
        curve.keyframe_points.remove(point)
    assert sorted(edit.text for edit in keys.edits(head)) == ["jawOpen 20–24", "mouthPucker 40–42"]
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.discard_edit(edit="jawOpen 20–24")
    assert value(head, "jawOpen", 22) == pytest.approx(0.5 * 12 / 49, abs=1e-3)
    assert [edit.text for edit in keys.edits(head)] == ["mouthPucker 40–42"]
    bpy.ops.dgtalker.discard_edit()
    assert keys.edits(head) == []
    assert 41 in [round(point.co.x) for point in curve.keyframe_points]


class Drawn:
    """A layout that remembers its texts and its buttons."""

    def __init__(self):
        self.texts, self.buttons, self.closed_at_first = [], [], {}

    def panel(self, name, *, default_closed=False):
        self.closed_at_first[name] = default_closed
        return self, self

    def column(self, **_):
        return self

    row = column

    def label(self, *, text="", **_):
        self.texts.append(text)

    def operator(self, name, *, text="", **_):
        self.buttons.append((name, text))
        return SimpleNamespace()


@pytest.fixture
def drawn(room):
    """`drawn(head)`: what the panel shows of a head's keys."""
    context = SimpleNamespace(
        region=SimpleNamespace(width=2000),
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0)),
    )

    def draw(head):
        room("speech.ui.key_panels")._forget()
        layout = Drawn()
        room("speech.ui.key_panels").draw(layout, context, head)
        return layout

    return draw


def test_the_panel_lists_edits_and_a_click_goes_there(keys, make_head, make_performance, drawn):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    layout = drawn(head)
    assert "Edits by Hand" in layout.texts
    closed = layout.closed_at_first
    key_action(head, "jawOpen", {32: 0.05})
    layout = drawn(head)
    (name,) = layout.closed_at_first
    assert not closed.get(name, layout.closed_at_first[name]), "the first edit opens the list by itself"
    assert "Edits by Hand: 1" in layout.texts
    assert ("dgtalker.go_to_edit", "jawOpen 32") in layout.buttons
    assert ("dgtalker.discard_edit", "Discard All") in layout.buttons
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.go_to_edit(frame=32)
    assert bpy.context.scene.frame_current == 32
    head.data.shape_keys.animation_data.action_influence = 0.5
    layout = drawn(head)
    assert "The action of Ada counts only 50 %." in layout.texts
    assert ("dgtalker.show_speech", "") in layout.buttons


def test_a_locked_range_stays_as_it_is(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.lock_keys(first=20, last=30)
    locked = value(head, "jawOpen", 25)
    keys.write(head, make_performance(50, jaw=0.2), FIRST)
    assert value(head, "jawOpen", 25) == locked
    assert value(head, "jawOpen", 50) == pytest.approx(0.2 * 40 / 49, abs=1e-4)
    bpy.ops.dgtalker.discard_edit(edit="jawOpen 20–30")
    keys.write(head, make_performance(50, jaw=0.2), FIRST)
    assert value(head, "jawOpen", 25) == pytest.approx(0.2 * 15 / 49, abs=1e-4)
    assert bpy.ops.dgtalker.lock_keys(first=900, last=910) == {"CANCELLED"}


def test_what_was_edited_within_a_lock_stays_when_it_goes(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    for first, frame in ((20, 25), (40, 42)):
        keys.lock(head, first, first + 10, [])
        key_action(head, "jawOpen", {frame: 0.9})
    keys.release(head, [edit for edit in keys.edits(head) if edit.text == "jawOpen 20–30"])
    assert value(head, "jawOpen", 25) == pytest.approx(0.9)
    assert [edit.text for edit in keys.edits(head) if edit.label == "jawOpen"] == ["jawOpen 25", "jawOpen 40–50"]
    keys.clear(head)
    assert [value(head, "jawOpen", frame) for frame in (25, 42)] == pytest.approx([0.9, 0.9])
    assert value(head, "jawOpen", 21) == value(head, "jawOpen", 48) == 0.0


def test_baked_keys_are_hers_and_stay(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.bake_keys()
    assert not keys.spoken(head)
    before = value(head, "jawOpen", 40)
    assert "and 52 more" in " ".join(keys.write(head, make_performance(50, jaw=0.1), FIRST))
    assert value(head, "jawOpen", 40) == before
    bpy.ops.dgtalker.discard_edit(kind="OWN")
    keys.write(head, make_performance(50, jaw=0.1), FIRST)
    assert value(head, "jawOpen", 40) == pytest.approx(0.1 * 30 / 49, abs=1e-4)
    keys.clear(head)
    assert value(head, "jawOpen", 40) == before, "Clear Speech brings back what was put away"


@pytest.mark.parametrize("how", ["bake", "clear elsewhere", "animate elsewhere"])
def test_keys_that_speech_took_over_are_kept_where_nothing_brings_them_back(keys, make_head, make_performance, how):
    head = make_head()
    key_action(head, "jawOpen", {20: 0.25, 30: 0.75})
    keys.write(head, make_performance(50), FIRST)
    keys.release(head, [edit for edit in keys.edits(head) if edit.kept.kind == "OWN"])
    animation = head.data.shape_keys.animation_data
    if how == "bake":
        notes = keys.bake(head)
    else:
        animation.action = bpy.data.actions.new("Corrections")
        key_action(head, "jawOpen", {300: 0.5})
        notes = keys.clear(head) if how == "clear elsewhere" else keys.write(head, make_performance(50), FIRST)
    kept = next(action for action in bpy.data.actions if action.name.endswith(" before Speech"))
    assert f"Ada are kept in the action {kept.name}" in " ".join(notes).replace("Ada Face are", "Ada are")
    assert kept.use_fake_user
    animation.action = kept
    assert [value(head, "jawOpen", frame) for frame in (20, 30)] == pytest.approx([0.25, 0.75])


def test_keys_that_come_back_leave_those_that_were_made_since(keys, make_head, make_performance):
    head = make_head()
    key_action(head, "jawOpen", {20: 0.25, 30: 0.75})
    keys.write(head, make_performance(50), FIRST)
    keys.release(head, [edit for edit in keys.edits(head) if edit.kept.kind == "OWN"])
    key_action(head, "jawOpen", {20: 0.9})
    keys.clear(head)
    assert [value(head, "jawOpen", frame) for frame in (20, 30)] == pytest.approx([0.9, 0.75])
    points = fcurve(head.data.shape_keys, 'key_blocks["jawOpen"].value').keyframe_points
    assert len({point.co.x for point in points}) == len(points)


def test_an_edit_of_a_lines_last_frames_is_no_pose_when_the_line_grows(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key_action(head, "jawOpen", {FIRST + 54: 0.6})
    key_action(head, "mouthPucker", {FIRST - 5: 0.6})
    keys.write(head, make_performance(100), FIRST - 50)
    keys.write(head, make_performance(150), FIRST - 50)
    assert value(head, "jawOpen", FIRST + 54) == pytest.approx(0.6)
    assert value(head, "jawOpen", FIRST + 200) == 0.0
    assert value(head, "jawOpen", FIRST + 90) == pytest.approx(140 / 149, abs=1e-3)
    assert value(head, "mouthPucker", FIRST - 5) == pytest.approx(0.6)
    assert value(head, "mouthPucker", FIRST - 40) == value(head, "mouthPucker", FIRST + 40) == 0.0


def test_locking_and_giving_back_say_that_an_action_was_shared(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    for what in ("lock", "release"):
        twin = head.copy()
        twin.data = head.data.copy()
        twin.data.shape_keys.animation_data.action = head.data.shape_keys.animation_data.action
        notes = []
        if what == "lock":
            assert keys.lock(head, 20, 30, notes) > 0
        else:
            notes = keys.release(head, keys.edits(head))
        assert "shared its action with" in " ".join(notes)


def test_a_damaged_ledger_is_said_and_baking_keeps_the_keys(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    head.data.shape_keys.dgtalker_ledger = "damaged"
    assert "Press Bake" in keys.locked_reason(head)
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.bake_keys()
    assert keys.locked_reason(head) == ""
    assert value(head, "jawOpen", FIRST + 49) == 1.0


def test_another_action_hides_the_speech_and_a_button_mends_it(room, keys, make_head, make_performance):
    visibility = room("speech.keys.visibility")
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    assert visibility.notes(head) == []
    animation = head.data.shape_keys.animation_data
    speech = animation.action
    animation.action = bpy.data.actions.new("Corrections")
    assert "is in the action Ada Face, but Corrections is assigned" in " ".join(visibility.notes(head))
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.show_speech()
    assert animation.action == speech
    assert visibility.notes(head) == []
    assert value(head, "jawOpen", FIRST + 49) == 1.0


def test_an_action_without_its_slot_is_named_and_mended(room, keys, make_head, make_performance):
    visibility = room("speech.keys.visibility")
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    head.data.shape_keys.animation_data.action_slot = None
    (hindrance,) = visibility.hindrances(head)
    assert "no slot of it is assigned" in hindrance.text
    hindrance.mend()
    assert visibility.hindrances(head) == []
    assert value(head, "jawOpen", FIRST + 49) == 1.0


def test_another_slot_of_the_action_hides_the_speech(room, keys, make_head, make_performance):
    visibility = room("speech.keys.visibility")
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    animation = head.data.shape_keys.animation_data
    speech = animation.action_slot
    animation.action_slot = animation.action.slots.new("KEY", "Corrections")
    key_action(head, "jawOpen", {1: 0.25})
    (hindrance,) = visibility.hindrances(head)
    assert "another slot of it is assigned" in hindrance.text
    hindrance.mend()
    assert animation.action_slot == speech
    assert visibility.hindrances(head) == keys.edits(head) == []
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    animation.action_slot = animation.action.slots["KECorrections"]
    assert "stays in the action" in " ".join(keys.write(head, make_performance(50, jaw=0.5), FIRST))
    assert value(head, "jawOpen", 1) == 0.25
    assert value(head, "jawOpen", FIRST + 49) == pytest.approx(0.75)


def test_deleted_curves_are_said_and_made_anew(room, keys, make_head, make_performance, monkeypatch):
    monkeypatch.setattr(room("speech.stepwise"), "PART", -1.0)  # in steps of one curve, the first without any
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    action = head.data.shape_keys.animation_data.action
    action.layers[0].strips[0].channelbags[0].fcurves.clear()
    assert "were deleted: press Animate" in room("speech.keys.visibility").elsewhere_reason(head)
    assert keys.write(head, make_performance(50), FIRST) == []
    assert head.data.shape_keys.animation_data.action == action
    assert not action.use_fake_user
    assert value(head, "jawOpen", FIRST + 49) == 1.0


def test_showing_the_speech_leaves_curves_muted_that_are_hers(room, keys, make_head, make_performance):
    head = make_head()
    head.keyframe_insert("location", index=0, frame=1)
    keys.write(head, make_performance(50), FIRST)
    hers = fcurve(head, "location")
    nods = fcurve(head, "delta_rotation_euler")
    hers.mute = nods.mute = True
    for each in room("speech.keys.visibility").hindrances(head):
        each.mend()
    assert (hers.mute, nods.mute) == (True, False)


@pytest.mark.parametrize("how", ["solo", "influence", "curve", "block", "pinned", "pushed", "absolute"])
def test_what_hides_the_speech_is_named_and_mended(room, keys, make_head, make_performance, how):
    visibility = room("speech.keys.visibility")
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key = head.data.shape_keys
    animation = key.animation_data
    if how == "solo":
        animation.nla_tracks.new().is_solo = True
    elif how == "influence":
        animation.action_influence = 0.1
    elif how == "curve":
        fcurve(key, 'key_blocks["jawOpen"].value').mute = True
    elif how == "block":
        key.key_blocks["jawOpen"].mute = True
    elif how == "absolute":
        key.use_relative = False
    elif how == "pinned":
        head.show_only_shape_key = True
    else:
        track = animation.nla_tracks.new()
        strip = track.strips.new("pushed down", FIRST - 5, animation.action)
        strip.action_slot = animation.action_slot
        animation.action = None
        track.mute = True
    assert len(visibility.hindrances(head)) == 1
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.show_speech()
    assert visibility.notes(head) == []
    assert value(head, "jawOpen", FIRST + 49) == pytest.approx(1.0)


@pytest.mark.parametrize("weight", [None, 0.0, 1.0])
def test_a_vertex_group_that_masks_what_is_spoken_is_named_and_mended(room, keys, make_head, make_performance, weight):
    visibility = room("speech.keys.visibility")
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    block = head.data.shape_keys.key_blocks["jawOpen"]
    block.points[2].co.z += 0.1
    block.vertex_group = head.vertex_groups.new(name="Face").name
    assert head.vertex_groups["Face"].index == 0
    if weight is not None:
        head.vertex_groups["Face"].add([2], weight, "REPLACE")
    found = visibility.hindrances(head)
    if weight == 1.0:
        assert found == []
        return
    (each,) = found
    assert "(Face)" in each.text
    assert "jawOpen" in each.text
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.show_speech()
    assert visibility.hindrances(head) == []
    block.vertex_group = "another one"  # Blender masks nothing by a group that is not there
    assert visibility.hindrances(head) == []


def test_a_curve_that_a_modifier_changes_is_noticed_by_looking(room, keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    modifier = fcurve(head.data.shape_keys, 'key_blocks["jawOpen"].value').modifiers.new("GENERATOR")
    modifier.coefficients = (0.0, 0.0)
    (note,) = room("speech.keys.visibility").notes(head)
    assert "jawOpen" in note


def test_a_slider_that_ends_before_what_is_spoken_is_named(room, keys, make_head, make_performance):
    head = make_head()
    head.data.shape_keys.key_blocks["jawOpen"].slider_max = 0.1
    head.data.shape_keys.key_blocks["jawLeft"].slider_max = 0.1
    keys.write(head, make_performance(50), FIRST)
    (note,) = room("speech.keys.visibility").notes(head)
    assert "jawOpen" in note
    assert "jawLeft" not in note, "nothing is asked of it"


def test_a_constraint_that_turns_the_head_is_named(room, keys, make_head, make_performance):
    head = make_head()
    constraint = head.constraints.new("TRACK_TO")
    constraint.target = bpy.context.scene.camera
    keys.write(head, make_performance(50), FIRST)
    assert "does not nod" in " ".join(room("speech.keys.visibility").notes(head))


def test_an_edit_stays_where_it_was_made_when_the_line_moves_away(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key_action(head, "jawOpen", {32: 0.8})
    keys.write(head, make_performance(50), 200)
    assert value(head, "jawOpen", 32) == pytest.approx(0.8)
    assert [value(head, "jawOpen", frame) for frame in (20, 45, 150)] == [0.0, 0.0, 0.0]


def test_clearing_keeps_edits_between_rest_and_says_so(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key_action(head, "jawOpen", {32: 0.8})
    curve = fcurve(head.data.shape_keys, 'key_blocks["mouthPucker"].value')
    curve.keyframe_points.remove(curve.keyframe_points[20])
    assert keys.clear(head) == ["What you edited stays as your own keys: jawOpen 32."]
    assert value(head, "jawOpen", 32) == pytest.approx(0.8)
    assert value(head, "jawOpen", 20) == value(head, "jawOpen", 50) == 0.0


def test_edits_survive_saving_and_appending(keys, make_head, make_performance, tmp_path):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key_action(head, "jawOpen", {32: 0.05})
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    for append in (False, True):
        if append:
            bpy.ops.wm.read_homefile(use_factory_startup=True)
            with bpy.data.libraries.load(path) as (_, wanted):
                wanted.objects = ["Ada"]
            bpy.context.scene.collection.objects.link(wanted.objects[0])
        else:
            bpy.ops.wm.open_mainfile(filepath=path)
        head = bpy.data.objects["Ada"]
        assert [edit.text for edit in keys.edits(head)] == ["jawOpen 32"]
        keys.write(head, make_performance(50, jaw=0.5), FIRST)
        assert value(head, "jawOpen", 32) == pytest.approx(0.05)
        assert value(head, "jawOpen", FIRST + 49) == 0.5


def test_undo_takes_edits_and_what_is_known_of_them_along(keys, make_head, make_performance):
    keys.write(make_head(), make_performance(50), FIRST)
    bpy.ops.ed.undo_push(message="Animate")
    key_action(bpy.data.objects["Ada"], "jawOpen", {32: 0.05})
    bpy.ops.ed.undo_push(message="I")
    keys.write(bpy.data.objects["Ada"], make_performance(50, jaw=0.5), FIRST)
    bpy.ops.ed.undo_push(message="Animate")
    bpy.ops.ed.undo()
    head = bpy.data.objects["Ada"]
    assert [edit.text for edit in keys.edits(head)] == ["jawOpen 32"]
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    bpy.ops.ed.undo()
    head = bpy.data.objects["Ada"]
    assert keys.edits(head) == []
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    assert value(head, "jawOpen", 32) == pytest.approx(0.5 * 22 / 49, abs=1e-4)

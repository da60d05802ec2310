"""Operators that wait for the engine, in a real Blender window: ESC, undo, another file, faults, two at once.

    blender --factory-startup --enable-event-simulate --python tests/gui/modal.py -- [CASE…]

`tests/gui/test_modal.py` runs it so. Needs a screen, DGTALKER_ZIP and DGTALKER_ENGINE_PYTHON, as `python build.py test`
sets them. Prints one line for each case, what went wrong before it, and ends with exit code 0 when all of them hold.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Generator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
from expression_cases import expressions_are_drawn_saved_and_applied_from_the_asset_browser
from face_handle_cases import a_handle_is_dragged_with_the_pointer_and_escape_takes_it_back
from key_cases import while_keys_are_dragged_nothing_is_written
from live_cases import a_voice_moves_the_head_until_escape_and_one_undo_takes_it_away
from people_cases import a_gallery_follows_its_sliders_and_escape_ends_the_making
from steps import ADDON, Steps, drive, heads, press_escape, running, start, until
from training_cases import (
    a_training_is_drawn_paused_resumed_and_its_head_added,
    a_training_survives_another_file_whose_scene_gets_no_head,
)
from viewport_cases import (
    a_camera_view_agrees_with_f12,
    an_engine_that_ends_brings_the_meshes_back_until_it_is_there_again,
    another_file_and_the_switch_end_live_heads,
    live_heads_hide_meshes_and_are_hidden_by_them,
)

SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"


def empty_file() -> Steps:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=False)
    yield
    for ob in [ob for ob in bpy.data.objects if ob.type == "MESH"]:
        bpy.data.objects.remove(ob)
    yield


def speaking_head() -> Generator[None, None, bpy.types.Object]:
    start("add_head")
    yield from until(lambda: not running())
    (head,) = heads()
    editor = bpy.context.scene.sequence_editor_create()
    editor.strips.new_sound("Line", str(SAMPLE), channel=1, frame_start=1).dgtalker.speaker = head
    return head


def keys(head: bpy.types.Object) -> bool:
    animation = head.data.shape_keys.animation_data
    return bool(animation and animation.action)


def finishing_writes_keys() -> Steps:
    head = yield from speaking_head()
    start("animate")
    yield from until(lambda: not running())
    assert keys(head)


def escape_ends_it_and_changes_nothing() -> Steps:
    head = yield from speaking_head()
    start("animate")
    yield
    assert running() == ["DGTALKER_OT_animate"]
    yield from press_escape()
    yield from until(lambda: not running())
    assert not keys(head)
    start("animate")
    yield from until(lambda: not running())
    assert keys(head)


def undo_meanwhile_does_no_harm() -> Steps:
    head = yield from speaking_head()
    name = head.name
    bpy.ops.ed.undo_push(message="before")
    bpy.context.scene.cursor.location.x = 3
    bpy.ops.ed.undo_push(message="cursor")
    start("animate")
    yield
    bpy.ops.ed.undo()
    yield from until(lambda: not running())
    assert keys(bpy.data.objects[name])


def another_file_ends_it() -> Steps:
    yield from speaking_head()
    start("animate")
    yield
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield from until(lambda: not running())
    yield
    assert not heads()


def a_closed_window_ends_it() -> Steps:
    head = yield from speaking_head()
    bpy.ops.wm.window_new()
    yield
    window = bpy.context.window_manager.windows[1]
    start("animate", window)
    yield
    with bpy.context.temp_override(window=window):
        bpy.ops.wm.window_close()
    yield from until(lambda: not running())
    assert not keys(head)


def two_at_once_both_finish() -> Steps:
    start("add_head")
    start("add_head")
    yield
    yield from until(lambda: not running())
    assert len(heads()) == 2


def a_fault_leaves_the_window_usable() -> Steps:
    modal = sys.modules[f"{ADDON}.bridge.modal"]

    class Faulty(modal.EngineOperator, bpy.types.Operator):
        bl_idname = "dgtalker.faulty"
        bl_label = "Faulty"

        def work(self, context):
            yield sys.modules[f"{ADDON}.bridge.engine"].submit("doctor")
            raise ZeroDivisionError("a fault on purpose")

    bpy.utils.register_class(Faulty)
    try:
        start("faulty")
        yield from until(lambda: not running())
    finally:
        bpy.utils.unregister_class(Faulty)
    yield from finishing_writes_keys()


def animated_head() -> Generator[None, None, bpy.types.Object]:
    head = yield from speaking_head()
    start("animate")
    yield from until(lambda: not running())
    assert keys(head)
    return head


def highest(name: str) -> float:
    """The highest value of a control among the generated keys."""
    (head,) = heads()
    action = head.data.shape_keys.animation_data.action
    curve = action.layers[0].strips[0].channelbags[0].fcurves.find(f'key_blocks["{name}"].value')
    return max(point.co.y for point in curve.keyframe_points)


def sliders_undo_and_redo_are_followed() -> Steps:
    yield from animated_head()
    bpy.ops.ed.undo_push(message="before")
    bpy.context.scene.sequence_editor.strips[0].dgtalker.jaw = 0.0
    bpy.ops.ed.undo_push(message="Jaw")
    yield from until(lambda: highest("jawOpen") == 0.0)
    bpy.ops.ed.undo()
    yield from until(lambda: highest("jawOpen") > 0.1)
    bpy.ops.ed.redo()
    yield from until(lambda: highest("jawOpen") == 0.0)


def keys_of_a_style_are_followed() -> Steps:
    head = yield from animated_head()
    own, usual = head.dgtalker_speech, highest("mouthSmileLeft")
    for frame, happy in ((1, 0.0), (50, 1.0)):
        own.happy = happy
        own.keyframe_insert("happy", frame=frame)
    yield from until(lambda: highest("mouthSmileLeft") > usual + 0.1)


def keys_that_are_dragged_are_followed_when_they_are_let_go() -> Steps:
    head = yield from animated_head()
    yield from while_keys_are_dragged_nothing_is_written(head)


def lips_are_checked_and_motion_is_exported() -> Steps:
    head = yield from animated_head()
    action = head.data.shape_keys.animation_data.action
    for point in action.layers[0].strips[0].channelbags[0].fcurves.find('key_blocks["jawOpen"].value').keyframe_points:
        point.co.y = 0.6
    start("check_lips")
    yield from until(lambda: not running())
    assert bpy.context.scene.timeline_markers
    start("close_lips")
    yield from until(lambda: not running())
    assert not bpy.context.scene.timeline_markers
    path = Path(bpy.app.tempdir) / "motion.csv"
    start("export_performance", filepath=str(path), format="livelink")
    yield from until(lambda: not running())
    assert path.read_text(encoding="utf-8").startswith("Timecode,BlendShapeCount,EyeBlinkLeft")


def f12_right_after_a_slider_waits_until_lips_are_closed() -> Steps:
    head = yield from animated_head()
    live, scene = sys.modules[f"{ADDON}.speech.takes.live"], bpy.context.scene
    action = head.data.shape_keys.animation_data.action
    for point in action.layers[0].strips[0].channelbags[0].fcurves.find('key_blocks["jawOpen"].value').keyframe_points:
        point.co.y = 0.6
    start("close_lips")
    yield from until(lambda: not running())
    waiting: list[int] = []

    def look(*_: object) -> None:
        waiting.append(len(live._due) + len(live._mending))

    scene.render.resolution_x = scene.render.resolution_y = 64
    bpy.app.handlers.render_pre.append(look)
    try:
        scene.sequence_editor.strips[0].dgtalker.lips = 0.8
        assert live._due
        bpy.ops.render.render("INVOKE_DEFAULT")
        yield from until(lambda: waiting and not bpy.app.is_job_running("RENDER"))
    finally:
        bpy.app.handlers.render_pre.remove(look)
    assert waiting == [0]


CASES = (
    sliders_undo_and_redo_are_followed,
    f12_right_after_a_slider_waits_until_lips_are_closed,
    keys_of_a_style_are_followed,
    keys_that_are_dragged_are_followed_when_they_are_let_go,
    lips_are_checked_and_motion_is_exported,
    finishing_writes_keys,
    escape_ends_it_and_changes_nothing,
    undo_meanwhile_does_no_harm,
    another_file_ends_it,
    a_closed_window_ends_it,
    two_at_once_both_finish,
    a_fault_leaves_the_window_usable,
    a_voice_moves_the_head_until_escape_and_one_undo_takes_it_away,
    a_gallery_follows_its_sliders_and_escape_ends_the_making,
    expressions_are_drawn_saved_and_applied_from_the_asset_browser,
    a_handle_is_dragged_with_the_pointer_and_escape_takes_it_back,
    a_training_is_drawn_paused_resumed_and_its_head_added,
    a_training_survives_another_file_whose_scene_gets_no_head,
    live_heads_hide_meshes_and_are_hidden_by_them,
    a_camera_view_agrees_with_f12,
    an_engine_that_ends_brings_the_meshes_back_until_it_is_there_again,
    another_file_and_the_switch_end_live_heads,
)


def all_cases() -> Generator[None, None, bool]:
    """The cases that the command line names, or all; whether one failed."""
    bpy.ops.extensions.package_install_files(
        filepath=os.environ["DGTALKER_ZIP"], repo="user_default", enable_on_install=True
    )
    bpy.context.preferences.addons[ADDON].preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
    chosen = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    failed = False
    for case in CASES:
        if chosen and case.__name__ not in chosen:
            continue
        verdict = "ok"
        try:
            yield from empty_file()
            yield from case()
        except Exception:  # noqa: BLE001 (the next case starts with another file)
            traceback.print_exc(file=sys.stdout)
            verdict, failed = "failed", True
        print(f"{case.__name__}: {verdict}", flush=True)
    return failed


drive(all_cases(), pause=0.1)

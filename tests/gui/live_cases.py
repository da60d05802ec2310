"""Live in a real window: what `modal.py` runs of it."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import bpy
from steps import ADDON, Drawings, Steps, heads, press_escape, running, start, until

SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"


def keyed(head: bpy.types.Object) -> bool:
    animation = head.data.shape_keys.animation_data
    return bool(animation and animation.action)


def a_voice_moves_the_head_until_escape_and_one_undo_takes_it_away() -> Steps:
    start("add_head")
    yield from until(lambda: not running())
    (head,) = heads()
    name, scene = head.name, bpy.context.scene
    lips = sys.modules[f"{ADDON}.speech.live_lips"].LiveLips
    tick, spent = lips.tick, []

    def timed(self) -> None:
        begun = time.thread_time()
        tick(self)
        spent.append(time.thread_time() - begun)

    lips.tick = timed
    try:
        with Drawings(bpy.types.DGTALKER_PT_speech):
            start("live", file=str(SAMPLE))
            yield from until(lambda: head.data.shape_keys.key_blocks["jawOpen"].value > 0.1, 60)
            yield from press_escape()
            yield from until(lambda: not running(), 60)
    finally:
        lips.tick = tick
    assert statistics.median(spent) < 0.002, spent
    (strip,) = scene.sequence_editor.strips_all
    assert strip.dgtalker.speaker == head
    assert keyed(head)
    bpy.ops.ed.undo()
    yield
    head = bpy.data.objects[name]
    assert not keyed(head)
    assert head.data.shape_keys.key_blocks["jawOpen"].value == 0.0
    editor = bpy.context.scene.sequence_editor
    assert not (editor and len(editor.strips_all))

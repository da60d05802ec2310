"""Seconds to write a performance of 52 controls × 3000 frames as keys, and what `keyframe_insert` takes; a step of a
speech slider over a minute of speech, and mixing 20 minutes of sound.

Run by `python build.py bench keys`; prints JSON. The smaller sample with `keyframe_insert` is scaled by its keys, which
flatters it: an insertion takes longer the more keys a curve has.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
import wave
from pathlib import Path

PROFILE = tempfile.TemporaryDirectory(prefix="dgtalker-bench-")
os.environ["BLENDER_USER_RESOURCES"] = PROFILE.name

import bpy  # noqa: E402 (the profile must be known before Blender starts)
import numpy as np  # noqa: E402
from timelines.speakers import make_head  # noqa: E402

ADDON = "bl_ext.user_default.dgtalker"
FRAMES = 3000
INSERTED_FRAMES = 100
REPEATS = 5
SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"


def seconds(work, *arguments) -> float:
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def insert_keys(head: bpy.types.Object, weights: np.ndarray, names: tuple[str, ...]) -> None:
    blocks = [head.data.shape_keys.key_blocks[name] for name in names]
    for frame, row in enumerate(weights.tolist()):
        for block, value in zip(blocks, row, strict=True):
            block.value = value
            block.keyframe_insert("value", frame=frame)


def strip_of(duration: float, channel: int) -> bpy.types.SoundStrip:
    """A strip that plays the sample over and over."""
    path = Path(PROFILE.name) / f"{duration:g}.wav"
    with wave.open(str(SAMPLE)) as source, wave.open(str(path), "wb") as whole:
        whole.setparams(source.getparams())
        frames, size = source.readframes(source.getnframes()), int(duration * source.getframerate())
        whole.writeframes((frames * (1 + size // source.getnframes()))[: size * source.getsampwidth()])
    editor = bpy.context.scene.sequence_editor_create()
    return editor.strips.new_sound(path.stem, str(path), channel=channel, frame_start=1)


def slider_step() -> float:
    """Seconds from a change of a strip's slider to the changed keys, for a minute of speech."""
    strip = strip_of(60.0, 1)
    strip.dgtalker.speaker = make_head("Speaker")
    bpy.ops.dgtalker.animate()
    return statistics.median(seconds(setattr, strip.dgtalker, "lips", lips) for lips in np.linspace(0.5, 1.5, 6))


def mixdown() -> float:
    """Seconds to mix 20 minutes of sound."""
    name, scene = strip_of(20 * 60.0, 2).name, bpy.context.scene
    sounds = sys.modules[f"{ADDON}.speech.timeline.strips"].sound_strips(scene)
    wanted = [sound for sound in sounds if sound.strip.name == name]
    return seconds(sys.modules[f"{ADDON}.speech.timeline.mixdown"].mix, scene, wanted, 0, 20 * 60 * scene.render.fps)


def main() -> None:
    archive = os.environ["DGTALKER_ZIP"]
    with contextlib.redirect_stdout(sys.stderr):
        bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    bpy.context.preferences.addons[ADDON].preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
    keys = sys.modules[f"{ADDON}.speech.keys.keyframes"]
    from dgtalker_engine.performance import Performance
    from dgtalker_engine.rig import ARKIT_NAMES

    weights = np.random.default_rng(0).random((FRAMES, len(ARKIT_NAMES)), np.float32)
    performance = Performance(25.0, ARKIT_NAMES, weights)
    first = [seconds(keys.write, make_head(f"New {i}"), performance, 1) for i in range(REPEATS)]
    head = make_head("Again")
    again = [seconds(keys.write, head, performance, 1) for _ in range(REPEATS + 1)][1:]
    inserted = seconds(insert_keys, make_head("Inserted"), weights[:INSERTED_FRAMES], ARKIT_NAMES)
    figures = {
        "controls": len(ARKIT_NAMES),
        "frames": FRAMES,
        "write_s": round(statistics.median(first), 4),
        "rewrite_s": round(statistics.median(again), 4),
        "keyframe_insert_s": round(inserted * FRAMES / INSERTED_FRAMES, 2),
        "keyframe_insert_measured_frames": INSERTED_FRAMES,
        "slider_step_s": round(slider_step(), 4),
        "mixdown_20_minutes_s": round(mixdown(), 3),
        "bars": {"slider_step_s": 1.0, "mixdown_20_minutes_s": 20.0},
    }
    sys.modules[f"{ADDON}.bridge.engine"].stop()
    print(json.dumps(figures, indent=2), flush=True)


main()
PROFILE.cleanup()
os._exit(0)  # bpy may crash while the interpreter ends

"""Mixing without Blender's mixdown, for Blenders that cannot write sound.

Builds of some Linux distributions (Debian's 5.2.2 with FFmpeg 9) read sound but write empty files, and report success.
Ends, places, volume and its keys count here too; retiming and modifiers are refused rather than forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aud
import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import channels

from ... import animation_data
from ...properties import strip_properties
from . import strips
from .timing import Clock, Span

QUALITY = 2
"""Of aud's resampling: medium."""


def mix(
    scene: bpy.types.Scene, sounds: Sequence[strips.SoundStrip], first: int, rate: int, count: int, folder: Path
) -> np.ndarray:
    """Mixes strips from the start of frame `first` on, float32 (count,).

    Args:
        folder: for the files of packed sounds.

    Raises:
        DGTalkerError: a strip is retimed or has modifiers.
    """
    clock = strips.clock(scene)
    mixed = np.zeros(count, np.float32)
    for sound in sounds:
        _check(sound.strip)
        samples = _decode(sound.strip, rate, folder)
        begin = _content_start(sound.strip, clock) - clock.seconds(first)
        audible = Span(clock.seconds(sound.span.start - first), clock.seconds(sound.span.end - first))
        whole = Span(begin, begin + len(samples) / rate).clipped(audible).clipped(Span(0.0, count / rate))
        at, end = round(whole.start * rate), min(round(whole.end * rate), count)
        skipped = at - round(begin * rate)
        chunk = samples[skipped : skipped + max(0, end - at)]
        mixed[at : at + len(chunk)] += chunk * _volume(
            scene, sound.strip, clock, first + clock.frames(at / rate), chunk, rate
        )
    return mixed


def _check(strip: Any) -> None:
    if len(strip.retiming_keys) or len(strip.modifiers):
        raise DGTalkerError(
            f"This Blender cannot write sound, and the strip {strip.name} is retimed or has modifiers.",
            "Use the Blender of blender.org: builds of some Linux distributions do not fit their FFmpeg.",
        )


def _decode(strip: Any, rate: int, folder: Path) -> np.ndarray:
    """The strip's whole sound, the mean of its channels or the one that was chosen, float32 (n,)."""
    path = strips.file_of(strip.sound)
    if strip.sound.packed_file is not None:
        path = folder / f"packed{path.suffix}"
        path.write_bytes(strip.sound.packed_file.data)
    source: Any = aud.Sound(str(path))  # type: ignore (its stub takes no arguments)
    if int(source.specs[0]) != rate:
        source = source.resample(rate, QUALITY)
    samples = source.data()
    channel = strip_properties(strip).channel
    if channel != "ALL":
        return samples[:, 0 if channel == "LEFT" else min(1, samples.shape[1] - 1)]
    return samples @ channels.weights([samples])


def _content_start(strip: Any, clock: Clock) -> float:
    frame, offset = strips.content(strip)
    return clock.seconds(frame) + offset


def _volume(
    scene: bpy.types.Scene, strip: Any, clock: Clock, frame: float, chunk: np.ndarray, rate: int
) -> np.ndarray | float:
    """The strip's volume over `chunk`, which starts at `frame`."""
    path = strip.path_from_id("volume")
    curve = next((curve for curve in animation_data.active_curves(scene) if curve.data_path == path), None)
    if curve is None:
        return strip.volume
    frames = np.arange(np.floor(frame), frame + clock.frames(len(chunk) / rate) + 2)
    values = [curve.evaluate(each) for each in frames]
    return np.interp(frame + np.arange(len(chunk)) / rate * clock.rate, frames, values).astype(np.float32)

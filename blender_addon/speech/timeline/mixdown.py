"""What is heard of one head's strips, as mono sound. Blender's own mixdown does the mixing, in a copy of the scene."""

from __future__ import annotations

import contextlib
import shutil
import struct
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import channels

from ...properties import strip_properties
from . import fallback_mixdown, strips

MAX_RATE = 48000
MIN_RATE = 8000
MAX_SAMPLES = 120 * 1024 * 1024
"""What one message to the engine holds (256 MiB) as float16, with room for transcripts."""

CHANNELS = {"LEFT": np.array([1.0, 0.0], np.float32), "RIGHT": np.array([0.0, 1.0], np.float32)}
"""What is taken of each channel where an animator chose one."""

BLOCK = 1 << 20
SPARE = 1 << 24
"""Bytes left over on the disk after a mix."""


@dataclass(frozen=True)
class Mix:
    """Sound from the start of frame `first` on.

    Attributes:
        samples: float16 (n,), finer than speech needs. A mono source is 3 dB softer than a stereo one, as Blender plays
            it; speech is understood at any level, so that is left as it is.
        rate: samples per second.
    """

    samples: np.ndarray
    rate: int


def mix(scene: bpy.types.Scene, sounds: Sequence[strips.SoundStrip], first: int, last: int) -> Mix:
    """Mixes some strips of a scene, as they are heard, over the frames `first` to `last`.

    Trims, volume keys, meta strips, retiming and muted channels count. The scene's own mute and volume do not: they
    are how the animator listens, not what the heads say.

    Raises:
        DGTalkerError: a sound is missing or unreadable, the mix is too long, or there is no room for it on the disk.
    """
    clock = strips.clock(scene)
    rate = _rate(sounds, clock.seconds(last + 1 - first))
    count = clock.samples(last + 1 - first, rate)
    with tempfile.TemporaryDirectory(dir=bpy.app.tempdir or None, prefix="dgtalker-") as folder:
        if shutil.disk_usage(folder).free < 8 * count + SPARE:
            raise DGTalkerError("There is no room for the mixed sound.", f"Make room on the disk of {folder}.")
        parts: list[np.ndarray] = []
        for channel, heard in _by_channel(sounds).items():
            path = Path(folder) / f"{channel}.wav"
            with _alone(scene, heard) as copy:
                copy.frame_start, copy.frame_end = first, last
                write(copy, path, rate)
            part = _read(path, count, channel)
            if part is None:
                samples = fallback_mixdown.mix(scene, sounds, first, rate, count, Path(folder)).astype(np.float16)
                return Mix(samples, rate)
            path.unlink()
            parts.append(part)
    samples = parts[0]
    for part in parts[1:]:
        samples += part
    return Mix(samples, rate)


def _by_channel(sounds: Sequence[strips.SoundStrip]) -> dict[str, list[strips.SoundStrip]]:
    """Strips of which the same channel is heard, which are mixed together."""
    groups: dict[str, list[strips.SoundStrip]] = {}
    for sound in sounds:
        groups.setdefault(strip_properties(sound.strip).channel, []).append(sound)
    return groups


def _rate(sounds: Sequence[strips.SoundStrip], seconds: float) -> int:
    """The sources' own rate where possible: Blender's resampling is most of the time of a long mix."""
    own = max(strips.sample_rate(sound.strip) for sound in sounds)
    wanted = min(max(own, MIN_RATE), MAX_RATE)
    for rate in (wanted, 24000, 16000):
        if rate <= wanted and seconds * rate <= MAX_SAMPLES:
            return rate
    raise DGTalkerError(
        f"From the first to the last of these strips {seconds / 60:.0f} minutes pass; two hours are the most.",
        "Move strips to another scene, or mute some and animate in parts.",
    )


@contextlib.contextmanager
def _alone(scene: bpy.types.Scene, sounds: Sequence[strips.SoundStrip]) -> Iterator[bpy.types.Scene]:
    """A copy of the scene in which nothing but these strips is heard, or evaluated; removed at the end."""
    kept = {sound.strip.as_pointer() for sound in sounds}
    with bare_copy(scene) as copy:
        copy.use_audio = True
        copy.audio_volume = 1.0
        for original, strip in zip(scene.sequence_editor.strips_all, copy.sequence_editor.strips_all, strict=True):
            if strip.type != "META" and original.as_pointer() not in kept:
                strip.mute = True
                if strip.type == "SOUND":
                    # Muted sound is read and resampled all the same.
                    silent: Any = strip
                    silent.sound = None
        yield copy


@contextlib.contextmanager
def bare_copy(scene: bpy.types.Scene, kept: Sequence[bpy.types.Object] = ()) -> Iterator[bpy.types.Scene]:
    """A copy of the scene with no other objects than these; removed at the end.

    The mixdown plays through the copy's frames, which would evaluate all objects, and run other add-ons' handlers.
    """
    handlers: tuple[list, ...] = (bpy.app.handlers.frame_change_pre, bpy.app.handlers.frame_change_post)
    saved: list[list] = [list(functions) for functions in handlers]
    copy = scene.copy()
    try:
        for functions in handlers:
            functions.clear()
        for child in list(copy.collection.children):
            copy.collection.children.unlink(child)
        for ob in list(copy.collection.objects):
            copy.collection.objects.unlink(ob)
        for ob in kept:
            copy.collection.objects.link(ob)
        copy.background_set = None
        yield copy
    finally:
        bpy.data.scenes.remove(copy)
        for functions, before in zip(handlers, saved, strict=True):
            functions[:] = before


def write(scene: bpy.types.Scene, path: Path, rate: int, layout: Any = "STEREO") -> None:
    """Writes what is heard of a scene's frames to a WAV file of float32. Blender clips mono mixes.

    1024, because it aborts at some other accuracies.
    """
    try:
        override = bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0])
        with override:  # type: ignore (its stub is no context manager)
            bpy.ops.sound.mixdown(
                filepath=str(path),
                check_existing=False,
                relative_path=False,
                container="WAV",
                codec="PCM",
                format="F32",
                channels=layout,
                mixrate=rate,
                accuracy=1024,
            )
    except RuntimeError as error:
        raise DGTalkerError(f"Blender could not mix the sound: {error}") from error


def _read(path: Path, count: int, channel: str) -> np.ndarray | None:
    """Both channels as one, or one of them, float16 (count,); the file is up to one buffer longer.

    None where Blender has not written so much.
    """
    if not path.is_file():
        return None
    samples = np.empty(count, np.float16)
    mix = CHANNELS[channel] if channel in CHANNELS else channels.weights(_blocks(path, count))
    done = 0
    for block in _blocks(path, count):
        samples[done : done + len(block)] = block @ mix
        done += len(block)
    return samples if done == count else None


def _blocks(path: Path, count: int) -> Iterator[np.ndarray]:
    """The first `count` samples, float32 (n, 2) at a time; fewer where the file is shorter."""
    with path.open("rb") as file:
        _find_data(file)
        for start in range(0, count, BLOCK):
            block = np.fromfile(file, "<f4", 2 * min(BLOCK, count - start))
            yield block[: len(block) // 2 * 2].reshape(-1, 2)


def _find_data(file: BinaryIO) -> None:
    """Goes to the first sample of a RIFF file; the standard library reads no float32."""
    file.seek(12)
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            return
        file.seek(size + size % 2, 1)

"""Live: a head's sliders follow a microphone, and what was heard becomes a strip and keys."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance.live import live_take

from .. import animation_data
from ..bridge import engine
from ..bridge.live_feed import LiveFeed
from ..head import model
from ..properties import speaker_properties
from . import animation
from .keys import keyframes, visibility
from .takes import line_bank, lines, other_scenes, retarget, storage, wanted, words
from .timeline import adding, sound_identity, speakers, strips

ADDON = str(__package__).rsplit(".", 1)[0]

BY_EAR = "live"
"""What a line was heard as that nobody has listened to but the microphone: Animate listens to it."""

SHORTEST = 0.2
"""Seconds of sound that make a line."""

_LONGEST_NAME = 50
"""Letters of a head's name in a file's, which may have 255 bytes."""

Pose = dict[tuple[int, str], float]
"""Sliders as the animator had them, by the Key's session_uid and the block's name."""

_poses: dict[int, Pose] = {}
"""Before each Live of this session, by its number: an undo may lead into the middle of one."""


class LiveLips:
    """A head that follows a voice, from `LiveLips(…)` to `finish`."""

    def __init__(
        self, context: bpy.types.Context, head: bpy.types.Object, microphone: str = "", file: str = ""
    ) -> None:
        """Begins to listen; a moment later the head follows.

        Args:
            context: its scene's current frame is where the line will start, unless playback runs.
            head: a speaker.
            microphone: its name; empty for the system's usual one.
            file: a sound file that is heard in the microphone's place.

        Raises:
            DGTalkerError: the head cannot be animated.
        """
        reason = animation.disabled_reason(context, [head])
        if reason:
            raise DGTalkerError(reason, code="refused")
        other_scenes.keep(strips.timeline(context), [head])
        self._number, self.name = head.session_uid, head.name
        self._timeline = strips.remembered(adding.target(context))
        self._shown = strips.remembered(context.scene)
        self._live, self._before = len(_poses) + 1, Pose()
        _poses[self._live] = self._before
        self._first = float(context.scene.frame_current)
        self._in_sync = False
        self.path = _new_file(head)
        self.feed = LiveFeed(engine.request, microphone, self.path, file)
        keyframes.following.add(self._number)
        bpy.app.handlers.frame_change_post.append(self._frame_changed)
        bpy.app.handlers.save_pre.append(self._saved)

    def tick(self) -> None:
        """Lets the sliders be as the newest weights ask for; never waits. What is rendered meanwhile is what is keyed.

        Raises:
            DGTalkerError: the head was deleted.
        """
        latest = self.feed.latest
        if latest is None or bpy.app.is_job_running("RENDER"):
            return
        self._synchronise()
        weights = dict(zip(self.feed.names, latest.tolist(), strict=True))
        head = self._head()
        if speaker_properties(head).live != self._live:
            speaker_properties(head).live = self._live
        for part in speakers.meshes(head):
            key = model.key_of(part)
            if key is None:
                continue
            animated: set[str] | None = None
            for control, name in speakers.controls(part).items():
                block = key.key_blocks.get(name)
                if control not in weights or block is None:
                    continue
                place = (key.session_uid, name)
                if place not in self._before:
                    if animated is None:
                        animated = {curve.data_path for curve in animation_data.active_curves(key)}
                    rests = block.path_from_id("value") in animated
                    self._before[place] = 0.0 if rests else block.value
                block.value = min(self._before[place] + weights[control], block.slider_max)

    def finish(self, context: bpy.types.Context) -> list[str]:
        """Ends it, and makes a strip and keys of what was heard; sentences for the user.

        Raises:
            DGTalkerError: nothing was heard, or keys cannot be written; the sound file stays where it is.
        """
        self.feed.stop()
        self.feed.wait()
        self.let_go()
        if self.feed.seconds < SHORTEST:
            if self.feed.names:  # else the file is not ours, if there is one
                with contextlib.suppress(OSError):
                    self.path.unlink(missing_ok=True)
            raise self.feed.error or DGTalkerError("Nothing was recorded.", "Press Live, and speak.", code="refused")
        notes = [str(self.feed.error)] if self.feed.error else []
        try:
            strip = adding.add_sound(context, str(self.path), self._head(), round(self._first), self._timeline())
            return notes + self._write(strip)
        except DGTalkerError as error:
            raise self.explained(error) from error

    def explained(self, error: DGTalkerError) -> DGTalkerError:
        """An error that says where the recording is."""
        return DGTalkerError(error.message, f"{error.hint} The recording is {self.path}.".strip(), error.code)

    def let_go(self) -> None:
        """Lets the sliders be as they were, and the microphone go."""
        self.feed.stop()
        keyframes.following.discard(self._number)
        for handlers, own in (
            (bpy.app.handlers.frame_change_post, self._frame_changed),
            (bpy.app.handlers.save_pre, self._saved),
        ):
            if own in handlers:
                handlers.remove(own)
        self._rest()
        self._before = Pose()

    def _rest(self) -> None:
        _lay(self._before)
        for ob in bpy.data.objects:
            if ob.session_uid == self._number:
                speaker_properties(ob).live = 0

    def _write(self, strip: Any) -> list[str]:
        """Lays the line out among the speaker's others, and writes its keys."""
        head, scene = self._head(), self._timeline()
        clock = strips.clock(scene)
        take = live_take(
            self.feed.rows, self.feed.interval, self.feed.names, fps=clock.rate, duration=self.feed.seconds
        )
        every = lines.of(scene, head)
        mine = next((line for line in every if line.name == strip.name and line.alone), None)
        if mine is None:
            raise DGTalkerError(
                f"{strip.name} sounds at the same time as another strip of {head.name}: no keys were written.",
                "Move one of them, or give it to another head, and press Animate.",
            )
        heard = line_bank.HeardLine(
            sound=mine.sound,
            heard_as=BY_EAR,
            start=mine.played.start,
            end=mine.played.end,
            begins=0.0,
            take=take.to_bytes(),
        )
        unheard = lines.unheard(every)
        laid = [replace(line, heard_as=BY_EAR) if line is mine else line for line in every]
        laid = [line for line, own in zip(laid, every, strict=True) if own is mine or own not in unheard]
        sounds = strips.audible_of(scene, head)
        notes = retarget.lift(head)
        moves = lines.lay_out(
            scene,
            head,
            laid,
            [heard],
            strips_hash=storage.strips_hash(scene, sounds),
            sounds=sound_identity.digests(sounds),
            transcript_hash=storage.transcript_hash(sounds),
            manner_of=storage.wanted_manner(head),
            notes=lines.notes_that_stay(head),
        )
        own: Any = speaker_properties(head)
        own.heard = 0  # nobody but the microphone has: Animate listens to it
        lines.fill_words(scene, head)
        spoken = words.take_of(head)
        assert spoken is not None
        notes += retarget.write(head, spoken, own.first, wanted.directions_of(scene, head, own.first), moves)
        others = len([line for line in unheard if line is not mine])
        if others:
            notes.append(f"{others} other lines of {head.name} wait for Animate.")
        return notes + visibility.notes(head)

    def _synchronise(self) -> None:
        """Where playback runs, the line starts where its first sound was heard."""
        if self._in_sync or not _playing():
            return
        scene = self._shown()
        now = scene.frame_current - strips.clock(scene).frames(self.feed.seconds)
        self._first, self._in_sync = now, True

    def _frame_changed(self, *_: Any) -> None:
        """Playback sets what is keyed: the voice goes on above it."""
        with contextlib.suppress(DGTalkerError):  # the next tick says it
            self.tick()

    def _saved(self, *_: Any) -> None:
        """What is saved are the animator's sliders; the next tick moves them again."""
        self._rest()

    def _head(self) -> bpy.types.Object:
        for ob in bpy.data.objects:
            if ob.session_uid == self._number and speakers.is_speaker(ob):
                return ob
        raise DGTalkerError(f"The head {self.name} was deleted meanwhile.")


def _lay(before: Mapping[tuple[int, str], float]) -> None:
    """Lets sliders be as they were, or as they are keyed at this frame."""
    scene = bpy.context.scene  # none while Blender opens another file
    for key in bpy.data.shape_keys:
        names = [name for number, name in before if number == key.session_uid and name in key.key_blocks]
        keyed = {curve.data_path: curve for curve in animation_data.active_curves(key)} if names else {}
        for name in names:
            block = key.key_blocks[name]
            curve = keyed.get(block.path_from_id("value"))
            pose = before[key.session_uid, name]
            block.value = curve.evaluate(scene.frame_current_final) if curve and scene else pose


@persistent
def _undone(*_: Any) -> None:
    """What an undo step that was made during a Live holds are the sliders of that moment, which are nobody's pose."""
    for head in bpy.data.objects:
        own = speaker_properties(head)
        if own.live and head.session_uid not in keyframes.following:
            _lay(_poses.get(own.live, {}))
            own.live = 0


def add() -> None:
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.append(_undone)


def remove() -> None:
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.remove(_undone)


def disabled_reason(context: bpy.types.Context, head: bpy.types.Object | None) -> str:
    """Why a head cannot follow a microphone; empty when it can."""
    if head is None:
        return "Select a head."
    return (
        adding.disabled_reason(context) or keyframes.locked_reason(head) or animation.disabled_reason(context, [head])
    )


def _playing() -> bool:
    return any(window.screen.is_animation_playing for window in bpy.context.window_manager.windows)


def _new_file(head: bpy.types.Object) -> Path:
    """A sound file that is not there yet: beside the .blend, or, before that was saved, in the extension's folder."""
    if bpy.data.filepath:
        folder = Path(bpy.path.abspath("//"))
    else:
        folder = Path(bpy.utils.extension_path_user(ADDON, path="recordings", create=True))
    name = bpy.path.clean_name(head.name)[:_LONGEST_NAME]
    stamp = time.strftime("%Y-%m-%d %H.%M.%S")
    return next(
        path
        for path in (folder / f"{name} {stamp}{more}.wav" for more in ("", *(f" {n}" for n in range(2, 1000))))
        if not path.exists()
    )

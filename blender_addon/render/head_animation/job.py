"""The render job of Head Animation: Blender evaluates frame after frame as for any render, and the engine, which gets
them in batches, writes their files while the next batch is read.

Blender's own job is what gives the scene as renders see it, progress, ESC, and a window that goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import bpy
from bpy.app.handlers import persistent

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.files import make_folder, put_empty, remove_empty
from dgtalker_engine.wire import SequenceRequest, Shot

from ...bridge import engine as bridge
from .. import camera, output
from .batch import Batch
from .plan import Plan

_FIRST_BATCH, _LARGEST_BATCH = 16, 128
_CLAIMED = 8
"""Frames of a batch where other machines render the same shot."""
_POLL = 0.05
_SAID_EVERY = 0.5

current: Job | None = None
"""The job that Blender is about to do, or does."""

last: Job | None = None
"""The job that was done before."""


class Renderer(Protocol):
    """What a job needs of Blender's render engine."""

    @property
    def resolution_x(self) -> int: ...
    @property
    def resolution_y(self) -> int: ...
    @property
    def camera_override(self) -> bpy.types.Object | None: ...
    def views(self, settings: bpy.types.RenderSettings) -> Iterator[str]: ...
    def eye(self, seen_by: bpy.types.Object) -> camera.Eye: ...
    def frame_set(self, frame: int, subframe: float) -> None: ...
    def read(
        self,
        depsgraph: bpy.types.Depsgraph,
        seen_by: bpy.types.Object,
        size: tuple[int, int],
        region: tuple[int, int, int, int] | None,
        eye: camera.Eye | None,
    ) -> tuple[Shot, list[str]]: ...
    def test_break(self) -> bool: ...
    def update_progress(self, progress: float) -> None: ...
    def update_stats(self, stats: str, info: str) -> None: ...
    def report(self, type: set[Any], message: str) -> None: ...
    def show(self, seen: Shot, layer: str, view: str) -> None: ...


class Job:
    """One Head Animation.

    Attributes:
        folder: of the files, once the first is known.
        pictures: the files by the numbers of their frames, of the first view.
        total, rendered, kept: how many files there are to be, were made, and were there already.
        seconds: that it has taken.
        error: why it ended early; None while it runs and where it ended well.
        done: whether it has ended.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.folder: Path | None = None
        self.pictures: dict[int, Path] = {}
        self.rendered = self.kept = 0
        self.seconds = 0.0
        self.error: DGTalkerError | None = None
        self.done = False
        self._began = self._said = time.monotonic()
        self._waiting: tuple[bridge.Pending, Batch] | None = None
        self.total = len(plan.frames) * len(plan.views)
        self._encoded = 0.0
        self._placeholders: list[Path] = []
        self._warned: set[str] = set()

    @property
    def note(self) -> str:
        """What was done, for the user."""
        total = self.total
        words = [f"{self.rendered} of {total} frames rendered"]
        if self.rendered:
            words.append(f"{self.rendered / max(self.seconds, 1e-3):.1f} frames/s")
        if self.kept:
            words.append(f"{self.kept} kept as they were")
        film = self.plan.film
        if film is None:
            return f"{', '.join(words)}, in {self.folder}"
        where = f"The pictures stay in {film.pictures}: the next film takes those that are the same."
        return f"{', '.join(words)}. {where}" if self.error else f"{film.path}: {', '.join(words)}. {where}"

    def run(self, owner: Renderer, depsgraph: bpy.types.Depsgraph) -> None:
        """Do it, in the thread and with the depsgraph of a render.

        Raises:
            DGTalkerError: a frame cannot be rendered or written; Cancelled after ESC. Files that are there are whole.
        """
        scene = depsgraph.scene
        assert scene is not None
        before = scene.frame_current, scene.frame_subframe
        self._began = time.monotonic()
        if self.plan.unsigned:
            owner.report({"WARNING"}, self.plan.unsigned)
        film = self.plan.film
        try:
            if film is not None:
                film.check(self.plan.frames, self._size(owner, depsgraph), lambda _: self._beat(owner))
            for batch in self._batches(owner, depsgraph, scene):
                self._finish(owner, depsgraph)
                self._submit(self._claimed(batch), scene)
            self._finish(owner, depsgraph)
            self.seconds = time.monotonic() - self._began
            if film is not None:
                film.encode(self.plan.frames, lambda done: self._encoding(owner, done))
                self.folder = film.path.parent
        except DGTalkerError as error:
            self.error = error
            self.seconds = time.monotonic() - self._began
            raise
        finally:
            self.done = True
            if self._waiting is not None:
                self._waiting[0].cancel()
                self._waiting = None
            for file in self._placeholders:
                remove_empty(file)
            owner.frame_set(*before)
        owner.report({"INFO"}, f"Head Animation: {self.note}")

    def _batches(self, owner: Renderer, depsgraph: bpy.types.Depsgraph, scene: bpy.types.Scene) -> Iterator[Batch]:
        """The frames that may have to be rendered."""
        most = _CLAIMED if self.plan.placeholders else _FIRST_BATCH
        batch = Batch()
        for number in self.plan.frames:
            self._beat(owner)
            there = [self.plan.file(scene, number, suffix) for suffix in self.plan.views.values()]
            if not self.plan.overwrite and all(file is not None and file.exists() for file in there):
                self.kept += len(there)
                self.pictures[number] = (there[0] or Path()).absolute()
                self.folder = self.pictures[number].parent
                continue
            for view, seen in self._frame(owner, depsgraph, number):
                file = self.plan.file(scene, number, self.plan.views[view])  # anew: it may name the frame's camera
                if file is None:
                    raise DGTalkerError("The output path has a mistake in its templates.", "See the output properties.")
                if len(batch.shots) >= most or not batch.takes(seen):
                    yield batch
                    batch = Batch()
                    most = most if self.plan.placeholders else min(2 * most, _LARGEST_BATCH)
                self.pictures.setdefault(number, file.absolute())
                batch.add(seen, file.absolute())
                self.folder = batch.files[0].parent
        if batch.shots:
            yield batch

    def _claimed(self, batch: Batch) -> Batch:
        """A batch without the frames that another machine was quicker to begin. An empty file says of the others that
        this one does; it is not the engine that puts it there, which may be killed and would not know it again."""
        if not self.plan.placeholders:
            return batch
        mine = Batch()
        for seen, file in zip(batch.shots, batch.files, strict=True):
            make_folder(file.parent)
            is_new = put_empty(file)
            if is_new:
                self._placeholders.append(file)
            if is_new or self.plan.overwrite:
                mine.add(seen, file)
            else:
                self.kept += 1
        return mine

    def _size(self, owner: Renderer, depsgraph: bpy.types.Depsgraph) -> tuple[int, int]:
        """Of the files' pictures."""
        width, height = owner.resolution_x, owner.resolution_y
        region = camera.region(depsgraph.scene_eval.render, width, height)
        return (width, height) if region is None or self.plan.whole else region[2:]

    def _frame(self, owner: Renderer, depsgraph: bpy.types.Depsgraph, number: int) -> Iterator[tuple[str, Shot]]:
        """What is seen of a frame, by the names of the views."""
        owner.frame_set(number, 0.0)
        if owner.camera_override is None:
            raise DGTalkerError(f"There is no camera in frame {number}.", "Bind one to a marker before it.")
        size = (owner.resolution_x, owner.resolution_y)
        settings = depsgraph.scene_eval.render
        region = camera.region(settings, *size)
        for view in owner.views(settings):
            eye = owner.eye(owner.camera_override) if view else None
            seen, warnings = owner.read(depsgraph, owner.camera_override, size, region, eye)
            for warning in warnings:
                if warning not in self._warned:
                    self._warned.add(warning)
                    owner.report({"WARNING"}, warning)
            (frame,) = seen.frames
            yield view, replace(seen, frames=(replace(frame, number=number),))

    def _submit(self, batch: Batch, scene: bpy.types.Scene) -> None:
        if not batch.shots:
            return
        joined = batch.joined()
        output.check_room(scene, joined.frames[0].number, joined.width, joined.height)
        request = SequenceRequest(
            shot=joined,
            files=tuple(str(file) for file in batch.files),
            format=self.plan.format,
            whole=self.plan.whole,
            overwrite=self.plan.overwrite or self.plan.placeholders,
            display=self.plan.display,
            credential=self.plan.credential,
        )
        header, body = request.to_message()
        self._waiting = bridge.submit("render_sequence", header, list(body)), batch

    def _finish(self, owner: Renderer, depsgraph: bpy.types.Depsgraph) -> None:
        """Wait for the batch that the engine has, if it has one."""
        if self._waiting is None:
            return
        pending, batch = self._waiting
        while not pending.wait(_POLL):
            self._beat(owner)
        reply = pending.result()
        self._waiting = None
        self.rendered += reply.header["rendered"]
        self.kept += reply.header["kept"]
        self._beat(owner)
        layer = depsgraph.view_layer
        if not bpy.app.background and layer is not None:
            owner.show(batch.shots[-1], layer.name, list(self.plan.views)[-1])

    def _encoding(self, owner: Renderer, done: float) -> None:
        self._encoded = done
        self._beat(owner)

    def _beat(self, owner: Renderer) -> None:
        """Whatever has to happen often: ESC, avatars for the engine, progress."""
        if owner.test_break():
            raise Cancelled
        finished, total = self.rendered + self.kept, self.total
        if self._waiting is not None:
            pending, batch = self._waiting
            _ = pending.done  # it reads avatars where the engine needs them
            finished += int(pending.progress[0] * len(batch.shots))
        now = time.monotonic()
        if now - self._said < _SAID_EVERY:
            return
        self._said = now
        # A film's pictures are half of its way.
        owner.update_progress((finished / total + self._encoded) / (1 if self.plan.film is None else 2))
        if self._encoded:
            owner.update_stats("Head Animation", f"{int(self._encoded * total)} of {total} frames are in the film")
            return
        rate = (finished - self.kept) / (now - self._began)
        left = f", {rate:.1f} frames/s, {(total - finished) / rate:.0f} s left" if rate > 0 else ""
        owner.update_stats("Head Animation", f"{finished} of {total} frames{left}")


def begun(scene: bpy.types.Scene | None) -> Job | None:
    """The job that a render of this scene is; None for any other render."""
    if current is None or scene is None or current.plan.scene != scene.name_full:
        return None
    return current


@persistent
def end(*_: object) -> None:
    """Handler for the end of a render job, whatever became of it."""
    global current, last
    if current is not None:
        if current.plan.film is not None:
            current.plan.film.forget_sound()
        current, last = None, current


@persistent
def forget(*_: object) -> None:
    """Handler for another file: what was done before is none of its business."""
    global last
    last = None

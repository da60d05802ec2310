"""The render job of Head Animation: Blender evaluates frame after frame as for any render, and the engine, which gets
them in batches, writes their files while the next batch is read.

Blender's own job is what gives the scene as renders see it, progress, ESC, and a window that goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.files import make_folder, put_empty, remove_empty
from dgtalker_engine.wire import SequenceRequest, Shot

from ...bridge import engine as bridge
from .. import camera, output
from .batch import Batch
from .plan import Plan
from .renderer import Renderer
from .spool import Spool

_FIRST_BATCH, _LARGEST_BATCH = 16, 128
_CLAIMED = 8
"""Frames of a batch where other machines render the same shot."""
_POLL = 0.05
_SAID_EVERY = 0.5

current: Job | None = None
"""The job that Blender is about to do, or does."""

last: Job | None = None
"""The job that was done before."""


class Job:
    """One Head Animation.

    Attributes:
        folder: of the files, once the first is known.
        pictures: the files by the numbers of their frames, of the first view.
        total, rendered, kept: how many files there are to be, were made, and were there already.
        seconds: that it has taken.
        error: why it ended early; None while it runs and where it ended well.
        done: whether it has ended.
        spool: what view layers show of frames that others have still to be read for.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.folder: Path | None = None
        self.pictures: dict[int, Path] = {}
        self.rendered = self.kept = 0
        self.seconds = 0.0
        self.error: DGTalkerError | None = None
        self.done = False
        self._began = self._said = self._writing_since = time.monotonic()
        self._waiting: tuple[bridge.Pending, Batch] | None = None
        self.total = len(plan.frames) * len(plan.views)
        self._encoded = 0.0
        self._placeholders: list[Path] = []
        self._warned: set[str] = set()
        self._left: set[int] = set()
        self.spool = Spool()

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
        """Do it, or a view layer's part of it, in the thread and with the depsgraph of a render.

        Blender renders one view layer after another, and a file needs all of them: what each shows of every frame is
        kept until the last one's turn.

        Raises:
            DGTalkerError: a frame cannot be rendered or written; Cancelled after ESC. Files that are there are whole.
        """
        scene = depsgraph.scene
        assert scene is not None
        layer = depsgraph.view_layer
        if self.done or layer is None or layer.name not in self.plan.layers:
            return
        before = scene.frame_current, scene.frame_subframe
        place = self.plan.layers.index(layer.name)
        is_last, is_done = place == len(self.plan.layers) - 1, False
        try:
            if place == 0:
                self._begin(owner, depsgraph)
            if is_last:
                self._write(owner, depsgraph, scene)
            else:
                self._keep(owner, depsgraph, scene, place)
            is_done = True
        except DGTalkerError as error:
            self.error = error
            raise
        finally:
            if is_last or not is_done:
                self._end()
            owner.frame_set(*before)
        if self.done:
            owner.report({"INFO"}, f"Head Animation: {self.note}")

    def _begin(self, owner: Renderer, depsgraph: bpy.types.Depsgraph) -> None:
        self._began = time.monotonic()
        if self.plan.unsigned:
            owner.report({"WARNING"}, self.plan.unsigned)
        film = self.plan.film
        if film is not None:
            film.check(self.plan.frames, self._size(owner, depsgraph), lambda _: self._beat(owner))

    def _end(self) -> None:
        """Whatever became of it."""
        self.done = True
        self.seconds = self.seconds or time.monotonic() - self._began
        if self._waiting is not None:
            self._waiting[0].cancel()
            self._waiting = None
        for file in self._placeholders:
            remove_empty(file)
        self.spool.clear()

    def _keep(self, owner: Renderer, depsgraph: bpy.types.Depsgraph, scene: bpy.types.Scene, place: int) -> None:
        """The turn of a view layer after which others come: what it shows is kept."""
        name = self.plan.layers[place]
        for i, number in enumerate(self.plan.frames):
            if owner.test_break():
                raise Cancelled
            if place == 0 and self._is_there(scene, number):
                self._left.add(number)
            if number not in self._left:
                for view, seen in self._frame(owner, depsgraph, number):
                    self.spool.put(number, view, seen)
            if time.monotonic() - self._said >= _SAID_EVERY:
                self._said = time.monotonic()
                owner.update_progress((place + i / len(self.plan.frames)) / len(self.plan.layers))
                owner.update_stats("Head Animation", f"{name}: {i} of {len(self.plan.frames)} frames are read")

    def _write(self, owner: Renderer, depsgraph: bpy.types.Depsgraph, scene: bpy.types.Scene) -> None:
        """The last view layer's turn: files are written."""
        self._writing_since = time.monotonic()
        for batch in self._batches(owner, depsgraph, scene):
            self._finish(owner, depsgraph)
            self._submit(self._claimed(batch), scene)
        self._finish(owner, depsgraph)
        self.seconds = time.monotonic() - self._began
        film = self.plan.film
        if film is not None:
            film.encode(self.plan.frames, lambda done: self._encoding(owner, done))
            self.folder = film.path.parent

    def _is_there(self, scene: bpy.types.Scene, number: int) -> bool:
        """Whether a frame's files stay whatever they hold."""
        files = self._files(scene, number)
        return not self.plan.overwrite and all(file is not None and file.exists() for file in files)

    def _files(self, scene: bpy.types.Scene, number: int) -> list[Path | None]:
        return [self.plan.file(scene, number, suffix) for suffix in self.plan.views.values()]

    def _batches(self, owner: Renderer, depsgraph: bpy.types.Depsgraph, scene: bpy.types.Scene) -> Iterator[Batch]:
        """The frames that may have to be rendered."""
        most = _CLAIMED if self.plan.placeholders else _FIRST_BATCH
        batch = Batch()
        for number in self.plan.frames:
            self._beat(owner)
            if number in self._left or self._is_there(scene, number):
                files = self._files(scene, number)
                self.kept += len(files)
                self.pictures[number] = (files[0] or Path()).absolute()
                self.folder = self.pictures[number].parent
                continue
            for view, seen in self._frame(owner, depsgraph, number):
                file = self.plan.file(scene, number, self.plan.views[view])  # anew: it may name the frame's camera
                if file is None:
                    raise output.mistaken()
                layers = (*self.spool.take(number, view), seen)
                if len(batch.frames) >= most or not batch.takes(layers):
                    yield batch
                    batch = Batch()
                    most = most if self.plan.placeholders else min(2 * most, _LARGEST_BATCH)
                self.pictures.setdefault(number, file.absolute())
                batch.add(layers, file.absolute())
                self.folder = batch.files[0].parent
        if batch.frames:
            yield batch

    def _claimed(self, batch: Batch) -> Batch:
        """A batch without the frames that another machine was quicker to begin. An empty file says of the others that
        this one does; it is not the engine that puts it there, which may be killed and would not know it again."""
        if not self.plan.placeholders:
            return batch
        mine = Batch()
        for layers, file in zip(batch.frames, batch.files, strict=True):
            make_folder(file.parent)
            is_new = put_empty(file)
            if is_new:
                self._placeholders.append(file)
            if is_new or self.plan.overwrite:
                mine.add(layers, file)
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
            seen, warnings = owner.read(
                depsgraph, owner.camera_override, size, region, eye, bool(self.plan.format.layers)
            )
            for warning in warnings:
                if warning not in self._warned:
                    self._warned.add(warning)
                    owner.report({"WARNING"}, warning)
            (frame,) = seen.frames
            yield view, replace(seen, frames=(replace(frame, number=number),))

    def _submit(self, batch: Batch, scene: bpy.types.Scene) -> None:
        if not batch.frames:
            return
        shots = batch.joined()
        output.check_room(scene, shots[0].frames[0].number, shots[0].width, shots[0].height)
        request = SequenceRequest(
            shots=shots,
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
            owner.show(batch.frames[-1][-1], layer.name, list(self.plan.views)[-1])

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
            finished += int(pending.progress[0] * len(batch.frames))
        now = time.monotonic()
        if now - self._said < _SAID_EVERY:
            return
        self._said = now
        # A film's pictures are half of its way.
        part = (finished / total + self._encoded) / (1 if self.plan.film is None else 2)
        owner.update_progress((len(self.plan.layers) - 1 + part) / len(self.plan.layers))
        if self._encoded:
            owner.update_stats("Head Animation", f"{int(self._encoded * total)} of {total} frames are in the film")
            return
        rate = (finished - self.kept) / (now - self._writing_since)
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
        current.spool.clear()
        if current.plan.film is not None:
            current.plan.film.forget_sound()
        current, last = None, current


@persistent
def forget(*_: object) -> None:
    """Handler for another file: what was done before is none of its business."""
    global last
    last = None

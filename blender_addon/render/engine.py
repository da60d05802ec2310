"""The render engine DGTALKER: heads come out of F12 like everything else in Blender."""

from __future__ import annotations

import math
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.wire import Shot, cryptomatte, provenance

from ..bridge import engine as bridge
from ..properties import original_of
from . import camera, colours, motion, output, passes, picture, shot
from .head_animation import job
from .scene_pairs import main_of
from .shutter import Shutter
from .viewport import live

last_error: DGTalkerError | None = None
"""Why the last render failed. As a compositor's second scene a failed render does not raise: look here then."""

_cut_off: DGTalkerError | None = None
"""What is wrong with a file of this job; the next frame says it, since a handler cannot."""

_output: str = ""
"""The scene whose output this job writes: as a compositor's second scene another than the one that is rendered."""

_began = 0.0
"""When this job began, seconds."""

_CLOCK = 2.0
"""Seconds by which a disk's clock may be behind, or round."""

_said: set[str] = set()
"""What this job has warned of: an animation says it once."""

_to_say: list[str] = []
"""Warnings of this job that its first frame says, since handlers cannot."""

_without_heads: DGTalkerError | None = None
"""Why the heads failed that belong into the picture that Blender is about to write."""

_is_frame_whole = True
"""Whether the frame that Blender has written last may stay as it is."""

_drawn = False
"""Whether heads were rendered in this job: other engines' files are none of our business."""


@persistent
def begin_job(scene: bpy.types.Scene, *_: object) -> None:
    """Handler for the start of a render job."""
    global last_error, _cut_off, _without_heads, _output, _drawn, _began
    last_error = _cut_off = _without_heads = None
    _said.clear()
    _to_say.clear()
    _output, _drawn, _began = scene.name_full, False, time.time()


def refuse(error: DGTalkerError) -> None:
    """Let the scenes of this job that DGTALKER renders say what is wrong, from now on."""
    global last_error, _cut_off
    last_error = _cut_off = error


def warn(text: str) -> None:
    """Let the first frame of this job that DGTALKER renders say something."""
    _to_say.append(text)


def is_frame_whole() -> bool:
    """Whether the frame that Blender has written last has its heads, and was not cut off; after `check_file`."""
    return _is_frame_whole


def since() -> float | None:
    """From when on files are this job's, seconds; None where it has rendered no heads."""
    return _began - _CLOCK if _drawn else None


def fail(error: DGTalkerError) -> None:
    """Say what is wrong with a file that is written, and end the job as far as a handler can."""
    global last_error
    last_error = error
    print(f"DGTalker: {error}", file=sys.stderr, flush=True)
    if _is_command_line():
        # Blender itself would end with status 0: a farm would take the frames for finished.
        bridge.stop()
        os._exit(1)


@persistent
def check_file(scene: bpy.types.Scene, *_: object) -> None:
    """Handler for when Blender has written a frame, or has failed to, which leaves a part of some formats."""
    global _cut_off, _without_heads, _is_frame_whole
    if not _drawn:
        return
    failed, _without_heads = _without_heads, None
    _is_frame_whole = True
    try:
        if failed is not None:
            output.remove_written(scene, scene.frame_current, _began - _CLOCK, failed)
        else:
            output.check_written(scene, scene.frame_current, _began - _CLOCK)
    except DGTalkerError as error:
        _is_frame_whole = False
        if failed is None:  # after lacking heads the next frame tries again: an engine that died is started anew
            _cut_off = error
        fail(error)


def _is_command_line() -> bool:
    """Whether this is `blender -b FILE -a`, or `-f`, and not somebody's script."""
    asked = {"-a", "--render-anim", "-f", "--render-frame"} & set(sys.argv)
    return bpy.app.background and bool(bpy.app.binary_path) and bool(asked)


class DGTalkerRenderEngine(bpy.types.RenderEngine):
    bl_idname = "DGTALKER"
    bl_label = "DGTalker"
    bl_use_postprocess = True
    bl_use_eevee_viewport = True
    bl_use_shading_nodes_custom = False

    avatars: frozenset[str] = frozenset()
    """Content hashes of who is seen in the view layers rendered so far; Blender makes an engine for every frame."""

    def update_render_passes(self, scene: bpy.types.Scene, renderlayer: bpy.types.ViewLayer) -> None:
        self.register_pass(scene, renderlayer, "Combined", 4, "RGBA", "COLOR")
        for each in passes.asked(renderlayer, scene):
            self.register_pass(scene, renderlayer, each.name, len(each.letters), each.letters, passes.socket(each))
        if main_of(scene) is not None:
            for name in ("Hidden", passes.HELD_OUT.name):
                self.register_pass(scene, renderlayer, name, 1, "X", "VALUE")

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Render one view layer of one frame.

        Whatever goes wrong is reported: Blender takes a render that raises for a finished one and writes a blank file.
        """
        try:
            self._render(depsgraph)
        except DGTalkerError as error:
            if not (isinstance(error, Cancelled) and self.test_break()):
                self._fail(error, depsgraph)
        except Exception as error:  # noqa: BLE001 (as said above)
            traceback.print_exc()
            self._fail(
                DGTalkerError(f"Rendering failed: {error!r}.", "This is a fault of DGTalker; please report it."),
                depsgraph,
            )

    def view_update(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        """Blender calls this before a viewport's first `view_draw`: the heads are read as they are drawn."""

    def view_draw(self, context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
        """Draw the viewport's Rendered mode."""
        hint = "" if live.is_on() else "Turn on Live Heads in the viewport's overlays"
        self.update_stats("DGTalker", hint)
        live.draw_rendered(context, depsgraph)

    def _fail(self, error: DGTalkerError, depsgraph: bpy.types.Depsgraph) -> None:
        global last_error, _without_heads, _drawn
        last_error = error
        if main_of(depsgraph.scene) is not None:
            _without_heads, _drawn = error, True
        self.report({"ERROR"}, str(error))

    def show(self, seen: Shot, layer: str, view: str) -> None:
        """Put the picture of a Shot of one frame into Blender's result."""
        region = seen.region or (0, 0, seen.width, seen.height)
        for band in picture.bands(replace(seen, passes=())):
            image = picture.render(band, None, self.test_break)
            self._write(image, layer, region, band.region or region, view)

    def _render(self, depsgraph: bpy.types.Depsgraph) -> None:
        animation = job.begun(depsgraph.scene)
        if animation is not None:
            animation.run(self, depsgraph)
            return
        settings = depsgraph.scene_eval.render
        if self.camera_override is None:
            raise DGTalkerError("The scene has no camera.", "Add one, or choose one in the scene's properties.")
        size = (self.resolution_x, self.resolution_y)
        region = camera.region(settings, *size) or (0, 0, *size)
        if _cut_off is not None:
            raise _cut_off
        global _drawn
        _drawn = True
        written: Any = bpy.data.scenes.get(_output) or depsgraph.scene
        output.check_room(written, depsgraph.scene_eval.frame_current, *size)
        stereo = settings.use_multiview
        for view in self.views(settings):
            self.update_stats(view, "Reading the scene")
            eye = self.eye(self.camera_override) if stereo else None
            asked, warnings = self.read(depsgraph, self.camera_override, size, region, eye, True)
            for warning in [*_to_say, *warnings]:
                if warning not in _said:
                    _said.add(warning)
                    self.report({"WARNING"}, warning)
            layer = depsgraph.view_layer.name
            self._draw(asked, layer, region, view)
            self._mark(asked.avatars, cryptomatte.metadata(layer, asked, asked.frames[0]))

    def read(
        self,
        depsgraph: bpy.types.Depsgraph,
        seen_by: bpy.types.Object,
        size: tuple[int, int],
        region: tuple[int, int, int, int] | None,
        eye: camera.Eye | None,
        with_passes: bool,
    ) -> tuple[Shot, list[str]]:
        """A Shot of the frame that is evaluated, with its motion, and warnings for the user.

        Args:
            seen_by: the camera, evaluated.
            eye: of stereoscopy: where the camera stands for the view that is rendered.
            with_passes: whether it has those of the view layer.
        """
        sharp, warnings = shot.frame_shot(depsgraph, seen_by, size, region, self.test_break, eye, with_passes)
        shutter = motion.shutter_of(depsgraph)
        is_told = any(each.kind == "vector" for each in sharp.passes)
        if not sharp.frames[0].heads or not (shutter or is_told):
            return sharp, warnings
        moving, more_warnings = self._with_motion(
            sharp, depsgraph, original_of(seen_by), shutter, stereo=eye is not None, is_told=is_told
        )
        return moving, warnings + more_warnings

    def _with_motion(
        self,
        sharp: Shot,
        depsgraph: bpy.types.Depsgraph,
        seen_by: bpy.types.Object,
        shutter: Shutter | None,
        *,
        stereo: bool,
        is_told: bool,
    ) -> tuple[Shot, list[str]]:
        """The frame with its sub-frames, where it `is_told` how heads move with its neighbours, too; the scene is as
        it was afterwards."""
        scene = depsgraph.scene_eval  # in a window the animator may be in another frame of the original meanwhile
        frame = scene.frame_current + scene.frame_subframe

        def at(time: float) -> tuple[bpy.types.Object, camera.Eye | None]:
            whole = math.floor(frame + time)
            self.frame_set(whole, frame + time - whole)
            evaluated = seen_by.evaluated_get(depsgraph)
            return evaluated, self.eye(evaluated) if stereo else None

        def on_progress(fraction: float) -> None:
            self.update_stats("", f"Reading the scene's motion, {fraction:.0%}")

        try:
            if is_told:
                sharp = motion.with_neighbours(sharp, depsgraph, at, self.test_break)
                at(0.0)
            if shutter is None:
                return sharp, []
            return motion.with_subframes(sharp, depsgraph, shutter, at, self.test_break, on_progress)
        finally:
            at(0.0)

    def eye(self, seen_by: bpy.types.Object) -> camera.Eye:
        """Where a camera stands for the view that is rendered."""
        owner: Any = self
        model = np.array(owner.camera_model_matrix(seen_by), np.float64)
        return camera.Eye(model.reshape(4, 4), owner.camera_shift_x(seen_by))

    def views(self, settings: bpy.types.RenderSettings) -> Iterator[str]:
        """The names of what is seen at once, each of which is being rendered meanwhile; empty for the only one."""
        if not settings.use_multiview:
            yield ""
            return
        views: Any = settings.stereo_views if settings.views_format == "STEREO_3D" else settings.views
        for view in views:
            if not view.use:
                continue
            self.active_view_set(view.name)
            yield view.name

    def _draw(self, asked: Shot, layer: str, region: tuple[int, int, int, int], view: str) -> None:
        """Render one view into Blender's result, in bands."""
        bands = picture.bands(asked)
        for i, band in enumerate(bands):

            def on_progress(fraction: float, text: str, i: int = i) -> None:
                self.update_progress((i + fraction) / len(bands))
                self.update_stats("", text)

            image = picture.render(band, on_progress, self.test_break)
            self._write(image, layer, region, band.region or region, view)
            self.update_progress((i + 1) / len(bands))

    def _mark(self, avatars: Sequence[str], more: Mapping[str, str]) -> None:
        """Say in the files' metadata that this is a synthetic face, and whose; Blender does so in PNG, EXR and JPEG."""
        self.avatars |= set(avatars)
        for name, text in more.items():
            self.get_result().stamp_data_add_field(name, text)
        if self.avatars:
            self.get_result().stamp_data_add_field(provenance.KEYWORD, provenance.xmp(sorted(self.avatars)))

    def _write(
        self,
        image: picture.Picture,
        layer: str,
        region: tuple[int, int, int, int],
        band: tuple[int, int, int, int],
        view: str,
    ) -> None:
        """Put a band of the region into Blender's result, whose first row is the lowest."""
        width, height = band[2:]
        bottom = region[1] + region[3] - band[1] - height
        result = self.begin_result(0, bottom, width, height, layer=layer, view=view)
        if (result.resolution_x, result.resolution_y) != (width, height):
            self.end_result(result, cancel=True)
            raise DGTalkerError(
                "Blender asks for a picture of another size than this scene's.",
                "Give all scenes that are rendered together the same resolution and render border.",
            )
        combined = colours.to_scene_linear(image.rgba)
        values = {"Combined": combined, "Depth": image.depth, "Hidden": image.hidden, **image.planes}
        targets: Any = result.layers[0].passes
        for name, numbers in values.items():
            if name in targets:
                targets[name].rect.foreach_set(np.ascontiguousarray(numbers[::-1], np.float32).ravel())
        self.end_result(result)

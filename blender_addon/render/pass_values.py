"""The numbers of the passes that a view layer asks for, band by band."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import bpy
import numpy as np

from dgtalker_engine.wire import Shot

from . import camera, passes, picture, shot


class PassValues:
    """Of one view of one view layer.

    Args:
        depsgraph: of the render.
        camera_object: evaluated.
        size: width and height of the whole picture.
        eye: of a stereo camera.
    """

    def __init__(
        self,
        depsgraph: bpy.types.Depsgraph,
        camera_object: bpy.types.Object,
        size: tuple[int, int],
        eye: camera.Eye | None,
    ) -> None:
        layer = depsgraph.view_layer
        assert layer is not None
        self._layer = layer
        self._world = self._layer.world_override or depsgraph.scene_eval.world
        settings = depsgraph.scene_eval.render
        aspect = (settings.pixel_aspect_x, settings.pixel_aspect_y)
        self._view, self._before = camera.shot_camera(camera_object, *size, aspect, eye)
        needed = passes.needs_shares(self._layer)
        self._heads = [seen.object for seen in shot.seen_heads(depsgraph)[0]] if needed else []

    def of(
        self, band: Shot, image: picture.Picture, should_cancel: Callable[[], bool] | None = None
    ) -> dict[str, np.ndarray]:
        """Float32 (H, W) or (H, W, channels), top row first, by the name of the pass.

        Args:
            band: what was rendered.
            image: what came out.
            should_cancel: asked while normals, and each head alone where several are seen, are rendered.
        """
        layer, shape = self._layer, image.depth.shape
        corner = (band.region or (0, 0))[:2]
        values: dict[str, np.ndarray] = {}
        found = self._shares(band, image, should_cancel)
        if layer.use_pass_position:
            values["Position"] = passes.positions(image.depth, self._view, self._before, corner)
        if layer.use_pass_normal:
            facing = picture.render(replace(band, background=None, shows_normals=True), None, should_cancel)
            values["Normal"] = passes.normals(facing.rgba, self._before)
        if layer.use_pass_mist:
            alpha = image.rgba[..., 3] if band.background is None else (image.depth < passes.NOTHING).astype(np.float32)
            values["Mist"] = passes.mist(image.depth, alpha, self._view, corner, self._world)
        if layer.use_pass_object_index:
            values[passes.OBJECT_INDEX] = passes.whose(shape, found, [each.head.pass_index for each in found])
            alphas: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(shape, np.float32))
            for share in found:
                name = passes.alpha_name(share.head)
                alphas[name] = alphas[name] + share.covered
            values |= alphas
        if layer.use_pass_material_index:
            numbers = [passes.material_index(share.head) for share in found]
            values[passes.MATERIAL_INDEX] = passes.whose(shape, found, numbers)
        if layer.use_pass_cryptomatte_object:
            values |= passes.cryptomattes(layer, shape, found)
        return values

    def metadata(self) -> dict[str, str]:
        """What goes into the header of a file with these passes."""
        return passes.crypto_metadata(self._layer, self._heads) if self._layer.use_pass_cryptomatte_object else {}

    def _shares(
        self, band: Shot, image: picture.Picture, should_cancel: Callable[[], bool] | None
    ) -> list[passes.Share]:
        if len(self._heads) == 1 and band.background is None:
            return [passes.Share(self._heads[0], image.rgba[..., 3])]
        (frame,) = band.frames
        pictures = []
        for i, head in enumerate(self._heads):
            moments = tuple(replace(each, heads=each.heads[i : i + 1]) for each in frame.subframes)
            one = replace(frame, heads=frame.heads[i : i + 1], subframes=moments)
            alone = replace(band, frames=(one,), background=None)
            drawn = picture.render(alone, None, should_cancel)
            pictures.append((head, drawn.rgba[..., 3], drawn.depth))
        return passes.shares(pictures) if pictures else []

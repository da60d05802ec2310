"""What Head Animation is to do, read from the scene; what it cannot do is refused before anything is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import FileFormat, SigningCredential

from ...head import model
from .. import camera, colours, output
from ..signing import settings as signing
from . import film, view_transform

ENGINE = "DGTALKER"
_ELSE = "Or render with Ctrl-F12."


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A job, for as long as the scene may change meanwhile.

    Attributes:
        scene: its name.
        frames: their numbers.
        format: of the files.
        layers: the names of the view layers whose pictures they hold, in the order in which Blender renders them.
        whole, overwrite, display, credential: of `wire.SequenceRequest`.
        unsigned: why the files are not signed although it is wanted; empty where they are, or nobody wants it.
        views: suffixes of the files of what sees the scene at once, by name; one, without name, where it is the camera.
        placeholders: whether an empty file is put where a picture will be, so that other machines leave it out.
        film: what the pictures become; None where they are what was asked for.
    """

    scene: str
    frames: tuple[int, ...]
    format: FileFormat
    layers: tuple[str, ...]
    views: dict[str, str]
    whole: bool
    overwrite: bool
    placeholders: bool
    display: bytes
    credential: SigningCredential | None
    unsigned: str
    film: film.Film | None

    def file(self, scene: bpy.types.Scene, number: int, view: str = "") -> Path | None:
        """Where a frame's picture is to be; None where the scene's path cannot be told.

        Args:
            view: the suffix of what sees it; empty where nothing else does.
        """
        return self.film.picture(number) if self.film is not None else output.target(scene, number, view)


def disabled_reason(scene: bpy.types.Scene) -> str:
    """Why the heads of a scene cannot be rendered by themselves; empty where they can."""
    if scene.render.engine != ENGINE:
        return "The scene is rendered by another engine: choose DGTalker in the render properties."
    if not model.heads(scene):
        return "There is no Gaussian head in the scene: add one with Add ▸ Gaussian Head."
    if bpy.app.is_job_running("RENDER"):
        return "Blender is rendering already."
    return ""


def make(scene: bpy.types.Scene) -> Plan:
    """What a scene's output properties ask for.

    Raises:
        DGTalkerError: something of it is not done here.
    """
    _check_scene(scene)
    layers = _layers(scene)
    kind = _file_format(scene, layers)
    frames = tuple(range(scene.frame_start, scene.frame_end + 1, scene.frame_step))
    if not frames:
        raise DGTalkerError("The scene has no frames.", "Look at Frame Start and End in the output properties.")
    render = scene.render
    is_film = render.is_movie_format
    signed = signing.is_wanted(scene)
    if signed:
        signing.check(scene)
    unsigned = signing.unsigned_reason(scene) if signed else ""
    display = b""
    if kind.kind == "png":
        stops = view_transform.exposure(scene)
        if stops is None:
            display = view_transform.sampled(scene)
        else:
            kind = FileFormat(bits=kind.bits, alpha=kind.alpha, exposure=stops)
    return Plan(
        scene=scene.name_full,
        frames=frames,
        format=kind,
        layers=layers,
        views=_views(scene),
        whole=render.use_border and not render.use_crop_to_border,
        overwrite=render.use_overwrite or is_film,
        placeholders=render.use_placeholder and not is_film,
        display=display,
        credential=signing.credential() if signed and not unsigned and not is_film else None,
        unsigned=unsigned,
        film=film.of(scene) if is_film else None,
    )


def _check_scene(scene: bpy.types.Scene) -> None:
    """Raises DGTalkerError for what Blender does to a picture after, or instead of, its render engine."""
    render = scene.render
    cameras = {marker.camera for marker in scene.timeline_markers} | {scene.camera}
    for each in cameras - {None}:
        if each.type == "CAMERA":
            camera.check_kind(cast("bpy.types.Camera", each.data).type)
    if not cameras - {None}:
        raise DGTalkerError("The scene has no camera.", "Add one, or choose one in the scene's properties.")
    if render.use_compositing and output.has_compositor(scene):
        raise DGTalkerError(
            "Head Animation does not go through the compositor.",
            f"Turn off Post Processing ▸ Compositing in the output properties. {_ELSE}",
        )
    strips: Any = scene.sequence_editor.strips if scene.sequence_editor is not None else ()
    if render.use_sequencer and any(strip.type != "SOUND" and not strip.mute for strip in strips):
        raise DGTalkerError(
            "Head Animation does not render the sequencer's pictures.",
            f"Turn off Post Processing ▸ Sequencer in the output properties. {_ELSE}",
        )
    if render.use_stamp:
        raise DGTalkerError(
            "Head Animation does not burn metadata into pictures.",
            f"Turn off Metadata ▸ Burn Into Image in the output properties. {_ELSE}",
        )


def _views(scene: bpy.types.Scene) -> dict[str, str]:
    render: Any = scene.render
    if not render.use_multiview:
        return {"": ""}
    kind = render.image_settings.views_format
    if kind != "INDIVIDUAL" or render.is_movie_format:
        what = (
            "films"
            if kind == "INDIVIDUAL"
            else bpy.types.UILayout.enum_item_name(render.image_settings, "views_format", kind)
        )
        raise DGTalkerError(
            f"Head Animation writes stereoscopic pictures as a file for each view, not as {what}.",
            f"Choose pictures, and Views Format ▸ Individual, in the output properties. {_ELSE}",
        )
    views = render.stereo_views if render.views_format == "STEREO_3D" else render.views
    return {view.name: view.file_suffix for view in views if view.use}


def _layers(scene: bpy.types.Scene) -> tuple[str, ...]:
    """Of a file: all that are rendered, or the first where it holds no more, as Blender has it."""
    rendered = [layer.name for layer in scene.view_layers if layer.use]
    shown = bpy.context.view_layer
    if scene.render.use_single_layer and bpy.context.scene == scene and shown is not None:
        rendered = [shown.name]
    if not rendered:
        raise DGTalkerError("No view layer is rendered.", "Turn on Use for Rendering in one's properties.")
    is_layered = scene.render.image_settings.file_format == "OPEN_EXR_MULTILAYER"
    return tuple(rendered if is_layered else rendered[:1])


def _file_format(scene: bpy.types.Scene, layers: tuple[str, ...]) -> FileFormat:
    settings: Any = scene.render.image_settings
    kind = settings.file_format
    is_film = scene.render.is_movie_format
    if kind not in ("PNG", "OPEN_EXR", "OPEN_EXR_MULTILAYER") and not is_film:
        label = bpy.types.UILayout.enum_item_name(settings, "file_format", kind)
        raise DGTalkerError(
            f"Head Animation writes PNG, OpenEXR and films, not {label}.",
            f"Choose another file format in the output properties. {_ELSE}",
        )
    if settings.color_mode == "BW":
        raise DGTalkerError("Head Animation does not write grey pictures.", f"Choose RGB or RGBA. {_ELSE}")
    alpha = settings.color_mode == "RGBA"
    if is_film:
        return FileFormat(bits=film.bits(scene), alpha=alpha)
    bits = int(settings.color_depth)
    if kind == "PNG":
        return FileFormat(bits=bits, alpha=alpha)
    if settings.color_management == "OVERRIDE" or not _is_rec709():
        raise DGTalkerError(
            "Head Animation writes OpenEXR in linear Rec.709, and this file asks for another colour space.",
            f"Set Color Management to Follow Scene, and the working space to Linear Rec.709. {_ELSE}",
        )
    if kind == "OPEN_EXR":
        return FileFormat(kind="exr", bits=bits, alpha=alpha)
    return FileFormat(kind="exr", bits=bits, layers=layers)


def _is_rec709() -> bool:
    return bool(np.array_equal(colours.to_scene_linear(np.eye(4, dtype=np.float32)), np.eye(4)))

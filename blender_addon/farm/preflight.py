"""Looks at the file that is open as a worker of a farm has to render it: engine, heads, files, and one frame."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import SignRequest

from ..bridge import avatars, engine
from ..head import model
from ..render import engine as rendering
from ..render.scene_pairs import one_frame
from ..render.signing import jobs as signing
from ..render.signing import settings as signing_settings
from ..render.whole_files import is_whole
from ..speech.keys import keyframes
from ..speech.takes import retarget
from ..speech.timeline import speakers
from .findings import Finding, of_error

_NOT_TO_RENDER = ("capture", "signing", "speech")
"""Of the doctor's lines, what pictures do without."""

_TILES = ("<UDIM>", "<UVTILE>")
"""What stands in the path of an image of tiles for each tile's number."""

_RENDERED_BY_US = rendering.DGTalkerRenderEngine.bl_idname


def examine(scene: bpy.types.Scene) -> Iterator[Finding]:
    """What a farm would meet in a scene, one thing after the other; the last is a frame that was rendered."""
    yield Finding(f"{Path(bpy.data.filepath).name or 'The file'} opens in Blender {bpy.app.version_string}.")
    yield from _files(scene)
    heads = heads_of(scene)
    yield _scene(scene, heads)
    works = yield from _engine()
    if not works:
        return
    for head in heads:
        yield _avatar(head)
        yield from _speech(head)
    if heads and signing_settings.is_wanted(scene):
        yield _signing(scene)
    yield _frame(scene)


def heads_of(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The heads that a render of a scene shows: its own, and those of the scene that renders heads for it."""
    other = one_frame(scene).heads
    return list(dict.fromkeys([*model.heads(scene), *(model.heads(other) if other else [])]))


def _files(scene: bpy.types.Scene) -> Iterator[Finding]:
    """Files that this one needs and that are not there. Sounds are heard by nobody who renders pictures."""
    settings: Any = scene.render
    silent, others = _missing()
    if silent:
        yield Finding(
            f"Sounds are missing: {', '.join(silent)}.",
            ok=not settings.is_movie_format,
            advice="File ▸ External Data ▸ Find Missing Files, or pack them. Pictures come out without.",
        )
    if others:
        yield Finding(
            f"Files are missing: {', '.join(others)}.",
            ok=False,
            advice="File ▸ External Data ▸ Find Missing Files, or Pack Resources.",
        )
    if not silent and not others:
        yield Finding("No file is missing.")


def _missing() -> tuple[list[str], list[str]]:
    """Names of sounds, and of all others. Texts are in the file, wherever they came from."""
    data: Any = bpy.data
    audio: set[str] = getattr(bpy.path, "extensions_audio")  # noqa: B009 (no stub knows it)
    sounds: set[str] = set()
    others: set[str] = set()
    for owner, paths in data.file_path_map(include_libraries=True).items():
        for path in (Path(bpy.path.abspath(path, library=owner.library)) for path in paths):
            if isinstance(owner, bpy.types.Text) or _is_there(path):
                continue
            heard = isinstance(owner, bpy.types.Sound) or path.suffix.lower() in audio
            (sounds if heard else others).add(path.name)
    return sorted(sounds), sorted(others - sounds)  # a scene names its strips' sounds, too


def _is_there(path: Path) -> bool:
    """Whether a file is; of an image of tiles, whether one of them is."""
    if not any(token in path.name for token in _TILES):
        return path.exists()
    stem, _, rest = re.sub("|".join(_TILES), "\0", path.name).partition("\0")
    return any(each.name.startswith(stem) and each.name.endswith(rest) for each in _listed(path.parent))


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _scene(scene: bpy.types.Scene, heads: list[bpy.types.Object]) -> Finding:
    if scene.camera is None:
        return Finding(f"{scene.name} has no camera.", ok=False, advice="Add one, or choose one in its properties.")
    if not heads:
        return Finding(f"{scene.name} has no head.", advice="Any Blender renders it.")
    settings: Any = scene.render
    if settings.engine != _RENDERED_BY_US and one_frame(scene).heads is None:
        return Finding(
            f"{scene.name} is rendered by {settings.engine}, which does not draw heads.",
            ok=False,
            advice="Choose DGTalker as its engine, or Render ▸ Heads with Cycles.",
        )
    return Finding(f"{scene.name} shows {', '.join(head.name for head in heads)}.")


def _engine() -> Iterator[Finding]:
    """Whether the engine answers, and what its doctor says; returns whether it does."""
    try:
        lines = engine.submit("doctor").result().header["report"]["lines"]
    except DGTalkerError as error:
        yield of_error(error)
        return False
    needed = [line for line in lines if line["name"] not in _NOT_TO_RENDER]
    bad = [
        Finding(f"{line['text'].rstrip('.')}.", ok=False, advice=line["advice"]) for line in needed if not line["ok"]
    ]
    yield from bad or [Finding(f"{lines[0]['text']}: it works.")]
    return True


def _avatar(head: bpy.types.Object) -> Finding:
    try:
        image = avatars.avatar_of(head)
        avatars.ensure_open(head)
    except DGTalkerError as error:
        return of_error(error)
    if image.packed_file is None:
        return Finding(f"{head.name}'s avatar lies beside the file.", advice="Pack it: then it cannot be left behind.")
    return Finding(f"{head.name}'s avatar is in the file.")


def _speech(head: bpy.types.Object) -> Iterator[Finding]:
    """Keys are in the file; that they are of another timeline than there is now is worth knowing."""
    if speakers.is_speaker(head) and keyframes.spoken(head) and (reason := retarget.outdated_reason(head)):
        yield Finding(f"{head.name}'s keys are rendered as they are.", advice=reason)


def _signing(scene: bpy.types.Scene) -> Finding:
    """Whether this machine can sign what it renders."""
    if reason := signing_settings.unsigned_reason(scene):
        return Finding("The files are not signed.", advice=reason)
    try:
        signing_settings.check(scene)
        signing.sign(SignRequest(files=(), credential=signing_settings.credential()))
    except DGTalkerError as error:
        return of_error(error)
    return Finding("This machine's certificate signs the files.")


def _frame(scene: bpy.types.Scene) -> Finding:
    """Renders the current frame as a PNG, unsigned, into a folder that goes; every setting is as before afterwards."""
    render: Any = scene.render
    owner: Any = scene
    settings = render.image_settings
    names = ("media_type", "file_format", "color_mode", "color_depth")
    before = {name: getattr(settings, name) for name in names if hasattr(settings, name)}
    path, number, signed = render.filepath, scene.frame_current, owner.dgtalker_sign
    with tempfile.TemporaryDirectory() as folder:
        try:
            if "media_type" in before:
                settings.media_type = "IMAGE"
            settings.file_format, settings.color_mode = "PNG", "RGBA"
            render.filepath = str(Path(folder) / "frame.png")
            owner.dgtalker_sign = False
            bpy.ops.render.render(write_still=True, scene=scene.name)
        except RuntimeError as error:
            return Finding(f"Frame {number} cannot be rendered.", ok=False, advice=str(error).strip())
        finally:
            render.filepath, owner.dgtalker_sign = path, signed
            for name, value in before.items():
                setattr(settings, name, value)
        written = list(Path(folder).iterdir())  # of stereo, one for each eye
        if rendering.last_error is not None:
            return of_error(rendering.last_error)
        if not written or not all(map(is_whole, written)):
            return Finding(f"Frame {number} was rendered, but not written.", ok=False, advice="Is the disk full?")
        return Finding(f"Frame {number} is rendered, {render.resolution_x} × {render.resolution_y}.")

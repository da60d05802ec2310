"""A film of Head Animation: the engine's pictures lie in a folder beside it, and Blender encodes the film of them."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import check_target, patiently, replacing
from dgtalker_engine.wire import SignRequest
from dgtalker_engine.wire.provenance import DIGEST_KEYWORD

from ...bridge import engine as bridge
from ...speech.timeline import mixdown
from .. import output
from ..signing import settings as signing
from .child import Child

_ELSE = "Or render with Ctrl-F12."
_POLL = 0.05
_HEADER = 4096
"""Bytes; a WAV file that is no longer has no sound."""
_BEGINNING = 1 << 16
"""Bytes, in which the engine's pictures say what they are made of."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """What becomes of the pictures.

    Attributes:
        path: of the film, absolute.
        pictures: the folder of its pictures, which stays: what has not changed is not rendered anew the next time.
        settings: of `child_script.encode`'s task.
        sound: a folder with what is heard, `sound.wav`; None for silence. It is removed when the job ends.
        signing: what the film is signed with; None for nothing.
        blender: `Child`'s.
    """

    path: Path
    pictures: Path
    settings: dict[str, Any]
    sound: tempfile.TemporaryDirectory[str] | None
    signing: SignRequest | None
    blender: str = field(default_factory=lambda: bpy.app.binary_path)

    def picture(self, number: int) -> Path:
        return self.pictures / f"frame_{number:04d}.png"

    def check(self, numbers: Sequence[int], size: tuple[int, int], beat: Callable[[float], None]) -> None:
        """Whether the film can be made once its pictures are there, and these can.

        Args:
            numbers: of its frames.
            size: of the pictures, pixels.
            beat: as `encode` has it.

        Raises:
            DGTalkerError: it cannot, or somebody else's pictures would be replaced.
        """
        check_target(self.path)
        for number in numbers:
            beat(0.0)
            _check_ours(self.picture(number))
        if self.signing is not None:
            bridge.request("sign_files", self.signing.to_header())
        with _temporary() as folder:
            # It goes with its folder: the Blender that made it has it open to its end.
            film = Path(folder) / f"tried{self.path.suffix}"
            self._done({"work": "try_encoder", "size": size}, film, lambda _: beat(0.0))

    def encode(self, numbers: Sequence[int], beat: Callable[[float], None]) -> None:
        """Makes the film of its pictures, whole or not at all.

        Args:
            numbers: of its frames.
            beat: is told often which part is done; what it raises ends the work.

        Raises:
            DGTalkerError: the film cannot be made. One that was there still is.
        """
        encoded = self.pictures / f"encoding-{secrets.token_hex(6)}{self.path.suffix}"
        task = {
            "work": "encode",
            "folder": str(self.pictures),
            "pictures": [self.picture(number).name for number in numbers],
            "sound": str(Path(self.sound.name) / "sound.wav") if self.sound is not None else "",
        }
        try:
            self._done(task, encoded, beat)
            if self.signing is not None:
                bridge.request("sign_files", replace(self.signing, files=(str(encoded),)).to_header())
            with replacing(self.path) as temporary:
                patiently(lambda: os.replace(encoded, temporary))
        finally:
            encoded.unlink(missing_ok=True)

    def _done(self, task: dict[str, Any], film: Path, beat: Callable[[float], None]) -> None:
        """Has another Blender do a task of which a film comes."""
        whole = {**self.settings, **task, "film": str(film), "unfinished": str(film)}
        child = Child(self.blender, "Encoding the film", whole)
        try:
            while not child.wait(_POLL):
                beat(child.progress[0])
            child.result()
        finally:
            if not child.done:
                child.cancel()

    def forget_sound(self) -> None:
        if self.sound is not None:
            self.sound.cleanup()


def of(scene: bpy.types.Scene) -> Film:
    """The film that a scene's output properties ask for. Its sound is mixed now.

    Raises:
        DGTalkerError: something of it is not done here.
    """
    render, settings = scene.render, _image_settings(scene)
    if render.ffmpeg.use_autosplit:
        raise DGTalkerError(
            "Head Animation does not split films.", f"Turn off Autosplit Output in the output properties. {_ELSE}"
        )
    own = settings.color_management == "OVERRIDE"
    display = (settings if own else scene).display_settings.display_device
    if display != "sRGB":
        raise DGTalkerError(
            f"Head Animation makes films for sRGB displays, not for {display}.",
            f"Choose sRGB in Color Management ▸ Display. {_ELSE}",
        )
    path = output.target(scene, scene.frame_start)
    if path is None:
        raise output.mistaken()
    path = path.absolute()
    numbers = f"{scene.frame_start:04d}-{scene.frame_end:04d}"
    name = path.stem.removesuffix(numbers).rstrip("_-. ") or "film"
    signed = signing.is_wanted(scene) and not signing.unsigned_reason(scene)
    return Film(
        path=path,
        pictures=path.parent / f"{name}_frames",
        settings={
            "fps": render.fps,
            "fps_base": render.fps_base,
            "pixel_aspect": [render.pixel_aspect_x, render.pixel_aspect_y],
            "image": {name: value for name in ("color_mode", "color_depth") if (value := getattr(settings, name))},
            "ffmpeg": _values(render.ffmpeg),
        },
        signing=_sign_request(scene) if signed else None,
        sound=_mixed(scene),
    )


def bits(scene: bpy.types.Scene) -> int:
    """Of a film's pictures: at least as many as of its colours. What a codec does not have reads as nothing."""
    return 16 if _image_settings(scene).color_depth in ("10", "12", "16") else 8


def _check_ours(picture: Path) -> None:
    """Raises DGTalkerError where a picture would be replaced that Head Animation has not made."""
    try:
        with picture.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError:  # it is not there, or the engine says why it cannot be read
        return
    if beginning and DIGEST_KEYWORD.encode() not in beginning:
        raise DGTalkerError(
            f"{picture} is not of Head Animation, and would be replaced by a picture of the film.",
            f"Move it elsewhere, or choose another output path. {_ELSE}",
        )


def _temporary() -> tempfile.TemporaryDirectory[str]:
    """A folder where Blender has its own."""
    return tempfile.TemporaryDirectory(dir=bpy.app.tempdir or None, prefix="dgtalker-", ignore_cleanup_errors=True)


def _image_settings(scene: bpy.types.Scene) -> Any:
    return scene.render.image_settings


def _values(owner: Any) -> dict[str, Any]:
    """Settings of Blender's by name, in the order in which one allows the next."""
    properties = owner.bl_rna.properties
    return {each.identifier: getattr(owner, each.identifier) for each in properties if not each.is_readonly}


def _sign_request(scene: bpy.types.Scene) -> SignRequest:
    return SignRequest(files=(), credential=signing.credential(), composite=False, avatars=signing.avatars(scene))


def _mixed(scene: bpy.types.Scene) -> tempfile.TemporaryDirectory[str] | None:
    """What is heard of a scene's frames, as Ctrl-F12 has it; None where nothing is."""
    ffmpeg: Any = scene.render.ffmpeg
    strips: Any = scene.sequence_editor.strips_all if scene.sequence_editor is not None else ()
    speakers = [ob for ob in scene.objects if ob.type == "SPEAKER"]
    listeners = [ob for ob in scene.objects if ob.type == "CAMERA"]
    if ffmpeg.audio_codec == "NONE" or not (speakers or any(strip.type in ("SOUND", "SCENE") for strip in strips)):
        return None
    folder = _temporary()
    path = Path(folder.name) / "sound.wav"
    try:
        with mixdown.bare_copy(scene, [*speakers, *listeners]) as copy:
            mixdown.write(copy, path, ffmpeg.audio_mixrate, ffmpeg.audio_channels)
        if not path.is_file() or path.stat().st_size <= _HEADER:
            raise DGTalkerError(
                "This Blender cannot write sound.",
                "Choose Audio Codec ▸ No Audio in the output properties, or use the Blender of blender.org.",
            )
    except DGTalkerError:
        folder.cleanup()
        raise
    return folder

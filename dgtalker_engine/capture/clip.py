"""A clip: a video's face cut out, frame by frame, with what was tracked in it. A folder, made by `pipeline.capture`.

clip.json                 ClipInfo
frames/000000.jpg         by the number of the frame in the stretch, at the clip's fps; rejected ones are missing
masks/000000.png          the person's matte
tracks.safetensors        Tracks, one row for each frame that was kept
sound.wav                 where the video has sound: mono, 16 bit, from the stretch's beginning
report.html               for people
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import soundfile

from ..errors import DGTalkerError
from ..files import is_file, printable, write_whole
from . import pictures
from .tracks import FILE as TRACKS
from .tracks import Tracks

if TYPE_CHECKING:
    from ..gaussians import Camera
    from .face_model import FaceModel

INFO = "clip.json"
SOUND = "sound.wav"
VERSION = 1

_AGAIN = "Capture the video again, into another folder."


@dataclass(frozen=True, kw_only=True)
class Source:
    """The video that a clip is from.

    Attributes:
        name: of the file.
        digest: `video.Video.digest`.
        width, height: pixels of the upright picture.
        rotation: degrees counter-clockwise by which its stored pictures were turned to stand upright.
        start, end: of the stretch that was taken, seconds in the file's time.
        asked_start, asked_seconds: of the stretch that was asked for.
    """

    name: str
    digest: str
    width: int
    height: int
    rotation: int
    start: float
    end: float
    asked_start: float = 0.0
    asked_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Crop:
    """The square that was cut out of the upright picture, pixels: left, top, and length of a side."""

    x: int
    y: int
    side: int

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """The square of a picture (H, W, …)."""
        return picture[self.y : self.y + self.side, self.x : self.x + self.side]


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A frame that was left out: its number, its time as in `Tracks.times`, and why, for people to read."""

    frame: int
    time: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClipInfo:
    """What clip.json says.

    Attributes:
        fps: frames per second; frame n is the one at about n / fps seconds.
        size: pixels of a frame's side.
        source: the video.
        crop: where in it the frames lie.
        kept: numbers of the frames that are there, rising.
        rejected: those that are not.
        notes: what the user should know of how the video was taken, sentences.
        cannot_teach: what no frame shows, sentences.
        face_model: name of the face model that was fitted; empty where none was yet.
        face_model_hash: `FaceModel.digest`.
        face_model_file: where the user's file of it lay; empty for the one that the engine brings.
        consent: of the person, as `avatar.base.Consent` has it; None where nobody was asked yet.
        photometric: whether poses and expressions were refined on the pictures.
        seconds: that each stage of the capture took, by its name.
    """

    fps: float
    size: int
    source: Source
    crop: Crop
    kept: tuple[int, ...]
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    cannot_teach: tuple[str, ...] = ()
    face_model: str = ""
    face_model_hash: str = ""
    face_model_file: str = ""
    consent: Mapping[str, str] | None = None
    photometric: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.fps <= 0 or self.size < 1 or self.crop.side < 1:
            raise DGTalkerError("A clip needs a rate, a size and a crop above 0.")
        if any(b <= a for a, b in zip(self.kept, self.kept[1:], strict=False)):
            raise DGTalkerError("The numbers of a clip's frames do not rise.")

    def to_json(self) -> dict[str, Any]:
        return {"version": VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The info of clip.json.

        Raises:
            DGTalkerError: it is of another version or not complete.
        """
        values = dict(data)
        version = values.pop("version", None)
        if version != VERSION:
            raise DGTalkerError(f"The clip is of version {version}, this engine reads version {VERSION}.", _AGAIN)
        try:
            values["source"] = Source(**values["source"])
            values["crop"] = Crop(**values["crop"])
            values["rejected"] = tuple(Rejected(**each) for each in values["rejected"])
            for name in ("kept", "notes", "cannot_teach"):
                values[name] = tuple(values[name])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise DGTalkerError(f"The clip's {INFO} is damaged: {error}.", _AGAIN) from error


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip on the disk; its pictures are read when they are asked for.

    Attributes:
        folder: where it lies.
        info: clip.json.
        tracks: one row for each frame.
    """

    folder: Path
    info: ClipInfo
    tracks: Tracks

    @classmethod
    def load(cls, folder: Path) -> Clip:
        """Opens a clip.

        Raises:
            DGTalkerError: the folder is no clip, or something in it is missing or damaged.
        """
        path = folder / INFO
        if not is_file(path):
            raise DGTalkerError(
                f"{printable(folder)} is no clip.", "Make one: python -m dgtalker_engine capture VIDEO -o CLIP"
            )
        try:
            info = ClipInfo.from_json(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise DGTalkerError(f"{path} is damaged: {error}.", _AGAIN) from error
        tracks = Tracks.load(folder / TRACKS)
        if len(tracks) != len(info.kept):
            raise DGTalkerError(f"{folder} has {len(info.kept)} frames, but tracks of {len(tracks)}.", _AGAIN)
        clip = cls(folder=folder, info=info, tracks=tracks)
        missing = [p for i in range(len(clip)) for p in (clip.frame_path(i), clip.mask_path(i)) if not p.is_file()]
        if missing:
            raise DGTalkerError(f"{missing[0]} is missing, one of {len(missing)} files.", _AGAIN)
        return clip

    def __len__(self) -> int:
        return len(self.info.kept)

    def check_face_model(self, face_model: FaceModel) -> None:
        """Raises DGTalkerError where the clip's tracks are of another face model: its numbers mean something else."""
        if self.info.face_model_hash != face_model.digest:
            raise DGTalkerError(f"{self.folder} was captured with another face model.", _AGAIN)

    def frame_path(self, index: int) -> Path:
        return frame_path(self.folder, self.info.kept[index])

    def mask_path(self, index: int) -> Path:
        return mask_path(self.folder, self.info.kept[index])

    def frame(self, index: int) -> np.ndarray:
        """A frame that was kept: uint8 (size, size, 3) sRGB."""
        return pictures.read_rgb(self.frame_path(index))

    def mask(self, index: int) -> np.ndarray:
        """The person's matte in it: uint8 (size, size), 255 where the person is."""
        return pictures.read_grey(self.mask_path(index))

    def camera(self, index: int, scale: float = 1.0) -> Camera:
        """The camera that saw the head of `Tracks` in a frame, standing in head space.

        Args:
            index: of the frame.
            scale: of the picture's side against the clip's.
        """
        from ..gaussians import Camera  # it brings torch, which nobody needs who only looks at a video

        side = round(self.info.size * scale)
        focal = self.tracks.focal * side / self.info.size
        K = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]], np.float64)
        pose = self.tracks.head_to_camera[index].astype(np.float64)
        return Camera(K=K, world_to_camera=pose, width=side, height=side)

    def sound(self) -> tuple[np.ndarray, int]:
        """Mono float32 samples (n,) and their rate in Hz; no samples where the video is mute."""
        path = self.folder / SOUND
        if not path.is_file():
            return np.zeros(0, np.float32), 16000
        try:
            samples, rate = soundfile.read(path, dtype="float32")
        except soundfile.SoundFileError as error:
            raise DGTalkerError(f"{path} cannot be read: {error}.", _AGAIN) from error
        return samples, int(rate)

    def save_tracks(self, tracks: Tracks, **changes: Any) -> Clip:
        """The clip with other tracks of the same frames, written.

        Args:
            tracks: take the place of those that are there.
            changes: fields of `ClipInfo` that change with them, such as ``photometric=True``.
        """
        if len(tracks) != len(self):
            raise DGTalkerError(f"The clip has {len(self)} frames, the tracks {len(tracks)}.")
        tracks.save(self.folder / TRACKS)
        return dataclasses.replace(self, tracks=tracks).save_info(**changes)

    def save_info(self, **changes: Any) -> Clip:
        """The clip with other fields of `ClipInfo`, written."""
        info = dataclasses.replace(self.info, **changes)
        write_info(self.folder, info)
        return dataclasses.replace(self, info=info)


def write_info(folder: Path, info: ClipInfo) -> None:
    """Writes clip.json: from then on the folder is a clip."""
    write_whole(folder / INFO, json.dumps(info.to_json(), indent=1).encode())


def frame_path(folder: Path, number: int) -> Path:
    return folder / "frames" / f"{number:06d}.jpg"


def mask_path(folder: Path, number: int) -> Path:
    return folder / "masks" / f"{number:06d}.png"

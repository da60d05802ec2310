"""What an avatar that was trained says about its training, in its file's document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """How an avatar came about, how good it is, and what it never saw.

    Attributes:
        system: that trained it.
        version: of the engine.
        clip_seconds: how long the video was, the frames that were kept.
        frames: how many were kept.
        bake_psnr: dB inside the head, the file's pictures against the trained model's, over expressions of the clip.
        bake_lip_error: px of a picture of 512², how far lips of the file lie from the model's, the mean.
        unsupported: controls of the rig that the clip never showed; they move as the face model does.
    """

    system: str
    version: str
    clip_seconds: float
    frames: int
    bake_psnr: float
    bake_lip_error: float
    unsupported: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "system": self.system,
            "version": self.version,
            "clip_seconds": self.clip_seconds,
            "frames": self.frames,
            "bake": {"psnr": self.bake_psnr, "lip_error": self.bake_lip_error},
            "unsupported": list(self.unsupported),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], controls: tuple[str, ...]) -> TrainingRecord:
        """Raises KeyError, TypeError or ValueError when `data` is not what `to_json` makes for a rig of `controls`."""
        unsupported = tuple(str(name) for name in data["unsupported"])
        strangers = set(unsupported) - set(controls)
        if strangers:
            raise ValueError(f"{min(strangers)!r} is no control of the rig")
        return cls(
            system=str(data["system"]),
            version=str(data["version"]),
            clip_seconds=float(data["clip_seconds"]),
            frames=int(data["frames"]),
            bake_psnr=float(data["bake"]["psnr"]),
            bake_lip_error=float(data["bake"]["lip_error"]),
            unsupported=unsupported,
        )

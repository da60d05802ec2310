"""Rigs: the ordered controls of an avatar, and the ARKit names. NumPy only; Blender imports this module."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from enum import IntEnum
from typing import Any, Literal, get_args

import numpy as np

from .errors import DGTalkerError

Group = Literal["lip", "expression", "pose", "latent"]

ARKIT_NAMES: tuple[str, ...] = (
    "eyeBlinkLeft",
    "eyeLookDownLeft",
    "eyeLookInLeft",
    "eyeLookOutLeft",
    "eyeLookUpLeft",
    "eyeSquintLeft",
    "eyeWideLeft",
    "eyeBlinkRight",
    "eyeLookDownRight",
    "eyeLookInRight",
    "eyeLookOutRight",
    "eyeLookUpRight",
    "eyeSquintRight",
    "eyeWideRight",
    "jawForward",
    "jawRight",
    "jawLeft",
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthRight",
    "mouthLeft",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)
"""Apple's 52 ARKit blendshapes, in the order of Live Link Face."""

HEAD_NAMES: tuple[str, ...] = ("headYaw", "headPitch", "headRoll")
"""Head rotation in a Performance: radians, right-handed about the axes of head space. Yaw about +Z (positive: the face
turns to its own left, +X), pitch about +X (positive: the face looks down), roll about +Y (positive: the top of the
head tilts to its own left). Together an XYZ Euler rotation (pitch, roll, yaw). Never part of a rig: it turns the head
as a whole, or, by `performance.neck`, over its neck."""


POSE_NAMES: tuple[str, ...] = ("headTurn", "headNod", "headTilt", "gazeSide", "gazeUp")
"""Controls of the built-in heads beside the ARKit names, -1 to 1, for hand animation: the head over a still neck, and
both eyes with their lids. Senses are those of `HEAD_NAMES`: at 1 headTurn turns the face to its own left (+X, about
+Z), headNod looks down (about +X), headTilt tilts the top of the head to its own left (about +Y), gazeSide looks to
the face's own left and gazeUp up."""

NECK_TURNS: dict[str, tuple[float, float, float]] = {
    "headTurn": (0.0, 0.0, math.radians(30.0)),
    "headNod": (math.radians(24.0), 0.0, 0.0),
    "headTilt": (0.0, math.radians(22.0), 0.0),
}
"""The rotation vectors in head space, axis times radians, by which `POSE_NAMES` turn the head over its neck at 1. Their
joint adds them up."""

SIDEWAYS_NAMES: tuple[str, ...] = ("headTurn", "headTilt", "gazeSide")
"""Controls that change their sign when the face is mirrored."""


class Surface(IntEnum):
    """What a face of an avatar's proxy mesh shows; the numbers stand in .dgt files."""

    SKIN = 0
    LIPS = 1
    HAIR = 2
    EYE_WHITE = 3
    IRIS = 4
    PUPIL = 5
    TEETH = 6
    MOUTH = 7
    CLOTH = 8
    TRIM = 9


_LARGEST = 1e6
"""Of a control's range: far above what sliders have, and far below what float32 overflows with."""


@dataclass(frozen=True)
class Control:
    """One slider of an avatar."""

    name: str
    group: Group
    _: KW_ONLY
    minimum: float = 0.0
    maximum: float = 1.0
    default: float = 0.0

    def __post_init__(self) -> None:
        # 63 bytes are what Blender keeps of a shape key's name
        if not self.name or not self.name.isprintable() or len(self.name.encode()) > 63:
            raise DGTalkerError(f"A control has the unusable name {self.name!r}.")
        if self.group not in get_args(Group):
            raise DGTalkerError(f"Control {self.name} has the unknown group {self.group!r}.")
        limits = (self.minimum, self.default, self.maximum)
        if not np.all(np.abs(limits) <= _LARGEST) or not self.minimum <= self.default <= self.maximum:
            raise DGTalkerError(f"Control {self.name} has a range that does not hold its default.")


@dataclass(frozen=True)
class Rig:
    """The ordered controls of an avatar."""

    controls: tuple[Control, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.controls):
            raise DGTalkerError("A rig has two controls of the same name.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(control.name for control in self.controls)

    @property
    def defaults(self) -> np.ndarray:
        """Weights at rest, float32 (controls,)."""
        return np.array([control.default for control in self.controls], np.float32)

    def weights(self, values: Mapping[str, float]) -> np.ndarray:
        """Weights in this rig's order, float32 (controls,): `values` by name, the default elsewhere, clamped to range.

        Raises:
            DGTalkerError: a value is not a finite number.
        """
        weights = self.defaults
        for i, control in enumerate(self.controls):
            if control.name in values:
                weights[i] = values[control.name]
                if not np.isfinite(weights[i]):
                    raise DGTalkerError(f"The weight of {control.name} is not a finite number.")
                weights[i] = np.clip(weights[i], control.minimum, control.maximum)
        return weights

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(control) for control in self.controls]

    @classmethod
    def from_json(cls, data: Sequence[Mapping[str, Any]]) -> Rig:
        """Raises DGTalkerError when `data` is not a list of controls as `to_json` writes them."""
        try:
            return cls(
                tuple(
                    Control(
                        str(item["name"]),
                        item["group"],
                        minimum=float(item["minimum"]),
                        maximum=float(item["maximum"]),
                        default=float(item["default"]),
                    )
                    for item in data
                )
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DGTalkerError(f"The rig cannot be read: {error}.") from error


def arkit_rig() -> Rig:
    """The 52 ARKit blendshapes; jaw, mouth and tongue are the lip group, everything else is expression."""
    lip = ("jaw", "mouth", "tongue")
    return Rig(tuple(Control(name, "lip" if name.startswith(lip) else "expression") for name in ARKIT_NAMES))


def head_rig() -> Rig:
    """The rig of the built-in heads: ARKit's blendshapes, head and gaze."""
    pose = tuple(Control(name, "pose", minimum=-1.0, maximum=1.0) for name in POSE_NAMES)
    return Rig(arkit_rig().controls + pose)


def mirrored(name: str) -> str:
    """The control of the other side: ``mouthSmileLeft`` → ``mouthSmileRight``; names without a side stay."""
    if name.endswith("Left"):
        return name[:-4] + "Right"
    if name.endswith("Right"):
        return name[:-5] + "Left"
    return name

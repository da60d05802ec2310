"""Avatars: the .dgt file, the kinds of avatar, and the built-in heads."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import numpy as np

from ..errors import DGTalkerError
from . import dgt
from .base import Avatar, Consent, Metadata, ProxyMesh
from .kinds.linear import file
from .kinds.linear.joints import turn
from .kinds.linear.model import LinearAvatar
from .kinds.linear.posing import blendshapes, pose
from .sampled_record import SampledRecord
from .training_record import TrainingRecord

__all__ = [
    "BUILTIN_NAMES",
    "KINDS",
    "Avatar",
    "Consent",
    "LinearAvatar",
    "Metadata",
    "ProxyMesh",
    "SampledRecord",
    "TrainingRecord",
    "builtin",
    "load",
    "pack",
    "save",
    "warm_up",
]

KINDS: dict[str, dgt.Kind] = {"linear": file.KIND}
"""Every kind of avatar, by the name that stands in its file."""
BUILTIN_NAMES = ("robin", "wren", "heron")
ASSETS = Path(__file__).parent / "assets"


def load(data: bytes | Path) -> Avatar:
    """The avatar in a .dgt file or its bytes.

    Raises:
        DGTalkerError: the file cannot be read, is damaged, too large, from a newer version or of an unknown kind.
    """
    return dgt.parse(dgt.read(data) if isinstance(data, Path) else data, KINDS)


def pack(avatar: Avatar, extras: dgt.Tensors = MappingProxyType({})) -> bytes:
    """The bytes of the .dgt file of an avatar. Raises DGTalkerError where its kind is unknown.

    Args:
        extras: tensors that the file keeps beside the avatar's, for those who know them.
    """
    return dgt.pack(avatar, KINDS, extras)


def save(avatar: Avatar, path: Path, extras: dgt.Tensors = MappingProxyType({})) -> None:
    """Writes a .dgt file as `pack` has it, whole or not at all. Raises DGTalkerError where that is not possible."""
    dgt.write(pack(avatar, extras), path)


def builtin(name: str) -> bytes:
    """The .dgt file of a built-in head.

    Raises:
        DGTalkerError: there is no such head, or its file was not made yet.
    """
    _check_name(name)
    path = ASSETS / f"{name}.dgt"
    if not path.is_file():
        raise DGTalkerError(
            f"The file of the built-in head {name!r} is missing.",
            "Install the engine again, or make the heads anew: python build.py avatar",
        )
    return dgt.read(path)


def _check_name(name: str) -> None:
    if name not in BUILTIN_NAMES:
        raise DGTalkerError(f"There is no built-in head {name!r}.", f"There is {', '.join(BUILTIN_NAMES)}.")


def warm_up() -> None:
    """Compiles the kernels that pose, or loads them where this version was compiled on this machine before."""
    base, values = np.zeros((1, 3), np.float32), np.ones((1, 3))
    pose([blendshapes(base, np.array([0, 1]), np.zeros(1, np.int64), values)], np.ones(1))
    quats, joint_weights = np.array([[1, 0, 0, 0]], np.float32), np.ones((1, 1), np.uint8)
    turn(base, quats, np.zeros((1, 3), np.float32), joint_weights, np.array([[0.0, 0.0, 1e-3]]))

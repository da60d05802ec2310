"""Avatars: the .dgt file, the kinds of avatar, and the built-in head."""

from __future__ import annotations

from pathlib import Path

from ..errors import DGTalkerError
from . import dgt, linear_file
from .base import Avatar, Consent, Metadata, ProxyMesh
from .head.character import CHARACTERS
from .linear import LinearAvatar

__all__ = [
    "BUILTIN_NAMES",
    "KINDS",
    "Avatar",
    "Consent",
    "LinearAvatar",
    "Metadata",
    "ProxyMesh",
    "builtin",
    "load",
    "make_builtin",
    "save",
]

KINDS: dict[str, dgt.Kind] = {"linear": linear_file.KIND}
BUILTIN_NAMES: tuple[str, ...] = tuple(CHARACTERS)
ASSETS = Path(__file__).parent / "assets"


def load(data: bytes | Path) -> Avatar:
    """The avatar in a .dgt file or its bytes.

    Raises:
        DGTalkerError: the file cannot be read, is damaged, too large, from a newer version or of an unknown kind.
    """
    return dgt.parse(dgt.read(data) if isinstance(data, Path) else data, KINDS)


def save(avatar: LinearAvatar, path: Path) -> None:
    """Writes a .dgt file, whole or not at all. Raises DGTalkerError where that is not possible."""
    dgt.write(linear_file.pack(avatar), path)


def builtin(name: str) -> bytes:
    """The .dgt file of a built-in head.

    Raises:
        DGTalkerError: there is no such head, or its file was not made yet.
    """
    _check_name(name)
    path = ASSETS / f"{name}.dgt"
    if not path.is_file():
        raise DGTalkerError(
            f"The built-in head {name!r} has not been made.",
            f"Run: python -m dgtalker_engine avatar make {name} -o {path}",
        )
    return dgt.read(path)


def make_builtin(name: str) -> bytes:
    """Makes a built-in head from nothing: the bytes of its .dgt file, the same every time.

    Raises:
        DGTalkerError: there is no such head.
    """
    _check_name(name)
    from .head.build import build_head  # compiles for seconds, and only making a head needs it

    return linear_file.pack(build_head(CHARACTERS[name]))


def _check_name(name: str) -> None:
    if name not in BUILTIN_NAMES:
        raise DGTalkerError(f"There is no built-in head {name!r}.", f"There is {', '.join(BUILTIN_NAMES)}.")

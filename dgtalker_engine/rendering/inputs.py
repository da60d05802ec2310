"""What the command line names: the file of a shot, and avatars."""

from __future__ import annotations

from pathlib import Path

from .. import avatar as avatars_room
from ..avatar import Avatar
from ..errors import DGTalkerError
from ..files import read_file
from ..wire import Shot

BUILTIN_PREFIX = "builtin:"
MAX_SHOT_BYTES = 256 << 20


def open_avatar(name: str, folder: Path = Path()) -> Avatar:
    """The avatar of a .dgt file, relative to `folder`, or of ``builtin:NAME``; a bare built-in name does too."""
    if name.startswith(BUILTIN_PREFIX) or (name in avatars_room.BUILTIN_NAMES and not (folder / name).exists()):
        return avatars_room.load(avatars_room.builtin(name.removeprefix(BUILTIN_PREFIX)))
    path = folder / name
    file = avatars_room.dgt.read(path)
    try:
        return avatars_room.load(file)
    except DGTalkerError as error:
        raise DGTalkerError(f"The avatar {path} cannot be used: {error.message}", error.hint) from error


def load_shot(path: Path) -> Shot:
    """Raises DGTalkerError when the file cannot be read or is not a Shot."""
    return Shot.from_json(read_file(path, MAX_SHOT_BYTES, "The shot"))

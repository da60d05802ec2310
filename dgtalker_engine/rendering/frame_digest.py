"""What a picture depends on, as one short text: a file that carries the same one need not be rendered again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..wire import Shot, ShotFrame
from ..wire.provenance import version
from .formats import Format


def frame_digest(
    shot: Shot, frame: ShotFrame, avatars: Sequence[str], kind: Format, whole: bool = False, signed_by: str = ""
) -> str:
    """SHA-256, in hexadecimal digits, of what is seen in a frame, who sees it, what the file holds, and the engine's
    version.

    Args:
        shot: the frame's.
        frame: whose number does not count.
        avatars: content hashes, in the order of `shot.avatars`.
        kind: of the file.
        whole: `SequenceRequest.whole`.
        signed_by: `Signer.signed_by` of what its file is signed with; empty for none.
    """
    about: dict[str, Any] = {
        "version": version(),
        "frame": replace(frame.with_avatars([0] * len(avatars)), number=0),
        "avatars": [avatars[head.avatar] for head in frame.heads],
        "picture": [
            shot.width,
            shot.height,
            shot.region,
            shot.background,
            shot.filter_width,
            shot.shows_normals,
            shot.passes,
            whole,
        ],
        "format": kind.settings,
        "signed_by": signed_by,
        "display": "" if kind.display is None else hashlib.sha256(kind.display.tobytes()).hexdigest(),
    }
    text = json.dumps(about, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def joined(digests: Sequence[str]) -> str:
    """Of a file, by those of its layers."""
    return digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _plain(part: Any) -> Any:
    return hashlib.sha256(part).hexdigest() if isinstance(part, bytes) else vars(part)

"""An avatar that nothing moves: a cloud as a head without controls, for all that draws heads."""

from __future__ import annotations

import re

import numpy as np

from ...gaussians.cloud import FIELDS, Gaussians
from ...rig import Rig
from ..base import PLAIN_VERSION, Consent, Metadata
from ..kinds.linear.model import LinearAvatar
from ..sparse import morton
from .hull import hull

_NAME_LENGTH = 60


def still_avatar(cloud: Gaussians, name: str) -> LinearAvatar:
    """The avatar of a cloud in head space.

    Its Gaussians are ordered by place, so that those side by side share a fine scale in the file.

    Whose face it may be is unknown, and so is its licence: the formats of splats have no place for either.

    Args:
        cloud: on the processor.
        name: shown to the user, of any letters.
    """
    readable = re.sub(r"\s+", " ", "".join(letter if letter.isprintable() else " " for letter in name)).strip()
    metadata = Metadata(
        format_version=PLAIN_VERSION,
        kind="linear",
        name=readable[:_NAME_LENGTH] or "Splats",
        rig=Rig(()),
        consent=Consent(subject="", scope="", granted_by="", date="", status="unknown"),
        licence="",
        hash="",
    )
    means = cloud.means.numpy()
    order = np.argsort(morton(means, np.zeros(len(means), np.int64), 1), kind="stable")
    base = {field: getattr(cloud, field).numpy()[order] for field in FIELDS}
    return LinearAvatar(metadata=metadata, base=base, deltas={}, sculpted=hull(cloud))

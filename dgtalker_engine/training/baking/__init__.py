"""From a trained model to linear Gaussian blendshapes: the avatar that Blender plays.

A model poses its Gaussians by a mesh, networks, whatever; playing has 10 ms a frame and a file. So what it does is
measured: at rest, control by control, where controls work together, and at expressions of the clip. The sums of
docs/dgt.md that are nearest to it are kept, as far as they can be seen, and their distance from the model is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ... import avatar
from ...avatar import LinearAvatar, Metadata, ProxyMesh
from ...avatar.base import FORMAT_VERSION, Consent
from ...errors import DGTalkerError
from ...gaussians import Gaussians
from . import blendshapes, pruning
from .blendshapes import Blendshapes
from .comparison import BakeError, compare
from .source import BakeSource

__all__ = ["BakeError", "BakeSource", "Baked", "bake"]

LEAST_DECIBELS = 25.0
"""Below that a file is not its model, whatever is the reason."""

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Baked:
    """What was baked.

    Attributes:
        avatar: as its file is read, without a record of the training.
        error: how far it is from the model.
    """

    avatar: LinearAvatar
    error: BakeError


def bake(
    source: BakeSource,
    proxy: ProxyMesh,
    proxy_joint_weights: np.ndarray,
    *,
    name: str,
    consent: Consent,
    licence: str,
    progress: Progress,
    most: int = pruning.MOST,
) -> Baked:
    """The avatar of a model; the same every time.

    Args:
        source: the model.
        proxy: the mesh with the deltas of the rig's controls, without correctives and without what joints do.
        proxy_joint_weights: uint8 (J, V).
        name, consent, licence: go into the document.
        progress: is told the fraction done, and raises `Cancelled` to stop.
        most: Gaussians of the avatar.

    Raises:
        DGTalkerError: the avatar's pictures are not those of the model.
    """
    stays = pruning.kept(source, _part(progress, 0.0, 0.4), most)
    rows = stays.rows
    fewer = replace(
        source,
        pose=lambda weights, latents: _rows(source.pose(weights, latents), rows),
        joint_weights=source.joint_weights[:, rows],
        lips=source.lips[rows],
    )
    shapes = blendshapes.fit(fewer, _part(progress, 0.4, 0.6))
    metadata = Metadata(
        format_version=FORMAT_VERSION,
        kind="linear",
        name=name,
        rig=source.rig,
        consent=consent,
        licence=licence,
        hash="",
        correctives=shapes.correctives,
        joints=source.joints,
        latents=source.latents,
    )

    def assembled(shapes: Blendshapes) -> LinearAvatar:
        return LinearAvatar(
            metadata=metadata,
            base=shapes.base,
            deltas=shapes.deltas,
            sculpted=_with_blocks(proxy, shapes.correctives),
            joint_weights=fewer.joint_weights,
            proxy_joint_weights=proxy_joint_weights,
        )

    shapes = pruning.refit(stays, shapes, assembled(shapes).pose, _part(progress, 0.6, 0.9))
    # measured as it is read: small integers and all
    written = avatar.load(avatar.pack(assembled(shapes)))
    assert isinstance(written, LinearAvatar)
    error = compare(source, written, rows, _part(progress, 0.9, 1.0))
    if error.psnr < LEAST_DECIBELS:
        raise DGTalkerError(
            f"The head could not be written as blendshapes: its pictures are {error.psnr:.1f} dB from the model's.",
            "The video may be too short or too dark to train from; look at the capture's report.",
        )
    progress(1.0)
    return Baked(written, error)


def _part(progress: Progress, start: float, end: float) -> Progress:
    return lambda fraction: progress(start + (end - start) * fraction)


def _rows(cloud: Gaussians, rows: np.ndarray) -> Gaussians:
    return cloud.map(lambda tensor: tensor[rows])


def _with_blocks(proxy: ProxyMesh, correctives: tuple[tuple[str, ...], ...]) -> ProxyMesh:
    """The mesh with a delta for every corrective: it has none, what it shows in Solid mode is a sum."""
    nothing = np.zeros((len(correctives), *proxy.vertices.shape), np.float32)
    return replace(proxy, deltas=np.concatenate([proxy.deltas, nothing]), correctives=correctives)

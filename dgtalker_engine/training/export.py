"""From a trained head to its .dgt file, which is opened again and looked at before it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from .. import avatar
from ..avatar import Avatar, Consent, TrainingRecord
from ..avatar.kinds.linear.joints import turn
from ..avatar.latents import Latents
from ..avatar.refiner import Refiner
from ..capture.clip import Clip
from ..capture.face_model import FaceModel, Region
from ..capture.report import REPORT
from ..errors import DGTalkerError
from ..gaussians import Gaussians
from ..rig import ARKIT_NAMES
from ..wire import provenance
from .baking import BakeSource, bake, pictures
from .face_rig import FaceRig, OwnControl, face_rig
from .loop import Run
from .lower_edge import presence
from .metrics import psnr
from .proxy import proxy_mesh
from .stages import told_fractions
from .support import unsupported
from .threads import one_torch_thread

LICENCE = "As its consent says"
SAME_DECIBELS = 60.0
EYE_DEPTH = 0.008
"""Metres that an eye sinks behind lids that shut, and fades: what frames never showed of lids may let it through."""
SEEN_SHARE, LEAST_REACH = 0.98, 1e-3
"""The share of the frames within whose latents what was learned of them holds whole."""


@dataclass(frozen=True, kw_only=True)
class LatentMap:
    """K latents, bound · tanh(z / bound) with z = offset + expression · linear.

    Attributes:
        linear: float32 (E, K).
        offset: float32 (K,).
        bound: of every latent.
    """

    linear: np.ndarray
    offset: np.ndarray
    bound: float


class HeadPose(Protocol):
    """`TrainedHead.pose`."""

    def __call__(
        self, expression: torch.Tensor, joint_pose: torch.Tensor, turn: torch.Tensor | None = None, /
    ) -> Gaussians: ...


@dataclass(frozen=True, kw_only=True)
class TrainedHead:
    """What a system hands over: N Gaussians that a face model's parameters move.

    Attributes:
        pose: the Gaussians in head space at an expression (E,) and turns of the face model's joints beside it (J, 3),
            float32 tensors; where it is given, as lights and camera of the clip show a head with this
            `ClipFrames.turn` (3,).
        pose_with: the same where the latents (K,), what was learned of the speaker's own expressions, do not follow
            from the expression.
        latents: how they do; None: there are none.
        triangles: int64 (N,), the face model's triangle that each Gaussian is bound to; -1 for hair, which is to none.
        barycentrics: float32 (N, 3), where in it.
        neck: bool (N,), what is left out where the head is drawn over a frame's own neck and shoulders.
        extras: tensors that the file keeps beside the avatar's.
        controls: sliders of the person's own, `FaceRig.own`.
        refiner: what corrects its final pictures; None: nothing.
    """

    pose: HeadPose
    pose_with: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], Gaussians]
    latents: LatentMap | None
    triangles: np.ndarray
    barycentrics: np.ndarray
    neck: np.ndarray
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)
    controls: Mapping[str, OwnControl] = field(default_factory=dict)
    refiner: Refiner | None = None


def export(
    head: TrainedHead, clip: Clip, face_model: FaceModel, consent: Consent, *, system: str, path: Path, run: Run
) -> dict[str, Any]:
    """Writes the file of a head.

    Args:
        head: what was trained.
        clip: that it was trained on.
        face_model: that moves it.
        consent: of the person, for the file.
        system: its name, for the file's record.
        path: of the file; its stem is the avatar's name. What is there stays until the new one is whole.
        run: is told how far it is, and shown the head.

    Returns:
        What JSON can hold of its figures.

    Raises:
        DGTalkerError: the avatar is not the model, or the file cannot be written.
        Cancelled: the user wants it to stop; nothing was written.
    """
    with one_torch_thread():
        return _export(head, clip, face_model, consent, system=system, path=path, run=run)


def _export(
    head: TrainedHead, clip: Clip, face_model: FaceModel, consent: Consent, *, system: str, path: Path, run: Run
) -> dict[str, Any]:
    rig = face_rig(face_model, clip.tracks.identity).with_own(head.controls)
    source = bake_source(head, clip, face_model, rig)
    proxy = proxy_mesh(face_model, clip.tracks.identity, rig, source.cloud(rig.rig.defaults), head.triangles < 0)
    progress = told_fractions(run)
    baked = bake(source, proxy, rig.vertex_weights, name=path.stem, consent=consent, licence=LICENCE, progress=progress)
    record = TrainingRecord(
        system=system,
        version=provenance.version(),
        clip_seconds=round(len(clip) / clip.info.fps, 2),
        frames=len(clip),
        bake_psnr=baked.error.psnr,
        bake_lip_error=baked.error.lip_error,
        unsupported=unsupported(clip, face_model),
    )
    metadata = replace(baked.avatar.metadata, training=record)
    finished = replace(baked.avatar, metadata=metadata, refiner=head.refiner)
    path.parent.mkdir(parents=True, exist_ok=True)
    avatar.save(finished, path, head.extras)
    written = avatar.load(path)
    run.show(_checked(written, finished, source))
    report = clip.folder / REPORT
    return {
        "output": str(path),
        "name": path.stem,
        "system": system,
        "gaussians": len(finished.base["means"]),
        "bytes": path.stat().st_size,
        "refined": head.refiner is not None,
        "clip_seconds": record.clip_seconds,
        "frames": record.frames,
        "bake": {"psnr": record.bake_psnr, "lip_error": record.bake_lip_error},
        "unsupported": list(record.unsupported),
        "report": str(report) if report.is_file() else "",
    }


def bake_source(head: TrainedHead, clip: Clip, face_model: FaceModel, rig: FaceRig) -> BakeSource:
    """What of a head is baked, moved by its rig: eyes sink and fade behind lids that shut, shoulders fade below."""
    still = torch.zeros((len(face_model.joint_names), 3))
    bound = head.triangles >= 0
    corners = np.where(bound[:, None], face_model.faces.numpy()[head.triangles], -1)
    with torch.no_grad():
        rest = head.pose(torch.from_numpy(rig.expression(rig.rig.defaults)), still)
    joint_weights = rig.joint_weights(corners, head.barycentrics, rest.means.cpu().numpy())
    person = face_model.vertices(torch.from_numpy(clip.tracks.identity), torch.zeros(len(face_model.expression_names)))
    present = torch.from_numpy(presence(face_model, person.numpy(), rest.means.cpu().numpy(), head.neck))
    on_eyes = bound & (face_model.regions.numpy()[head.triangles] == Region.EYES)
    left = rest.means[:, 0].cpu().numpy() > 0
    eyes = [
        (rig.rig.names.index(f"eyeBlink{side}"), on_eyes & (left == (side == "Left"))) for side in ("Left", "Right")
    ]
    joint = rig.joints[-1]
    pivot = np.array([joint.pivot], np.float32)

    def pose(weights: np.ndarray, latents: np.ndarray) -> Gaussians:
        cloud = head.pose_with(torch.from_numpy(rig.expression(weights)), still, torch.from_numpy(latents))
        cloud = cloud.map(lambda each: each.detach().cpu())
        means, quats = cloud.means.numpy().copy(), cloud.quats.numpy().copy()
        opacities = cloud.opacities * present
        for blink, eye in eyes:
            shut = max(2 * float(weights[blink]) - 1, 0)
            means[eye, 1] += EYE_DEPTH * shut
            opacities[eye] *= 1 - shut
        vector = weights.astype(float) @ joint.vectors(rig.rig)
        turn(means, quats, pivot, joint_weights[-1:], vector[None])
        return replace(cloud, means=torch.from_numpy(means), quats=torch.from_numpy(quats), opacities=opacities)

    examples = np.zeros((len(clip), len(rig.rig.controls)), np.float32)
    examples[:, : len(ARKIT_NAMES)] = rig.weights(clip.tracks.expression)
    return BakeSource(
        pose=pose,
        latents=None if head.latents is None else _latents(head.latents, rig, examples[:, : len(ARKIT_NAMES)]),
        rig=rig.rig,
        joints=rig.joints,
        joint_weights=joint_weights,
        lips=bound & (face_model.regions.numpy()[head.triangles] == Region.LIPS),
        examples=examples,
        cameras=[clip.camera(i) for i in range(len(clip))],
    )


def _latents(pose: LatentMap, rig: FaceRig, examples: np.ndarray) -> Latents:
    """The latents of the rig's weights: gaze and head have no part in them."""
    linear = np.zeros((len(rig.rig.controls), len(pose.offset)))
    linear[: len(ARKIT_NAMES)] = pose.linear * rig.reach[:, None]
    for name, own in rig.own.items():
        linear[rig.rig.names.index(name)] = own.end @ pose.linear
    seen = np.linalg.norm(examples @ linear[: len(ARKIT_NAMES)] + pose.offset, axis=1)
    # a single frame may be a mistake
    reach = max(float(np.quantile(seen, SEEN_SHARE)), LEAST_REACH)
    return Latents(
        tuple(tuple(_short(number) for number in row) for row in linear),
        tuple(_short(number) for number in pose.offset),
        _short(pose.bound),
        _short(reach),
    )


def _short(number: float) -> float:
    """With as many digits as float32 has, since it stands in the file as text."""
    return float(f"{number:.7g}")


def _checked(written: Avatar, expected: Avatar, source: BakeSource) -> np.ndarray:
    """A picture of the file's head, sRGB from 0 to 1, once it has been found to be what was to be written."""
    view = pictures.seen(source, most=1)[0]
    rgb, alpha = pictures.drawn(written.pose(view.weights), view.camera)
    wanted, _ = pictures.drawn(expected.pose(view.weights), view.camera)
    if not bool((alpha > 0.5).any()) or psnr(rgb.clamp(0, 1), wanted.clamp(0, 1)) < SAME_DECIBELS:
        raise DGTalkerError(
            "The file that was written does not show the head that was trained.",
            "Look whether the disk is full or damaged, and start the job again: it goes on where it was.",
        )
    return rgb.clamp(0, 1).numpy()

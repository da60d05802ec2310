"""What every avatar offers, however its Gaussians are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
import torch

from ..errors import DGTalkerError
from ..gaussians.cloud import Gaussians
from ..rig import Rig
from .joints import Joint
from .latents import Latents
from .sampled_record import SampledRecord
from .training_record import TrainingRecord

if TYPE_CHECKING:
    from .refiner import Refiner

FORMAT_VERSION = 3
PLAIN_VERSION = 2
"""What is read, and what is written where there are no latents, so that older readers know it."""
MAX_FACTORS = 4
"""Controls of one corrective."""

ConsentStatus = Literal["self", "signed", "synthetic", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Consent:
    """Whose face this is, and what they agreed to.

    Attributes:
        subject: the person, or what the face was made from.
        scope: what the avatar may be used for.
        granted_by: who gave the consent.
        date: ISO 8601 date, empty where there is none.
        status: ``self`` (the user's own face), ``signed`` (a written consent exists), ``synthetic`` (nobody's face) or
            ``unknown``.
    """

    subject: str
    scope: str
    granted_by: str
    date: str
    status: ConsentStatus

    def __post_init__(self) -> None:
        if self.status not in get_args(ConsentStatus):
            raise DGTalkerError(
                f"The avatar's consent has the unknown status {self.status!r}.",
                f"It is one of {', '.join(get_args(ConsentStatus))}.",
            )


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What is known of an avatar without reading its tensors.

    Attributes:
        format_version: of the .dgt file.
        kind: how the Gaussians are made, a key of `avatar.KINDS`.
        name: shown to the user.
        rig: the ordered controls.
        consent: whose face it is.
        licence: SPDX identifier or a short text.
        hash: sha256 of the content, hexadecimal; names the avatar over the wire.
        correctives: names of controls; what one of them adds is weighted by the product of its controls' weights. A
            name may stand there twice.
        joints: what turns the posed Gaussians, one after another.
        latents: what follows from the weights and moves Gaussians as if there were more controls; None: nothing.
        training: how it was trained; None for heads that were not, and in files from before there was such a record.
        sampled: who it is of those who do not exist; None for all other heads.
    """

    format_version: int
    kind: str
    name: str
    rig: Rig
    consent: Consent
    licence: str
    hash: str
    correctives: tuple[tuple[str, ...], ...] = ()
    joints: tuple[Joint, ...] = ()
    latents: Latents | None = None
    training: TrainingRecord | None = None
    sampled: SampledRecord | None = None

    def to_json(self) -> dict[str, Any]:
        """Correctives, joints, latents and the records are left out where there are none."""
        more: dict[str, Any] = {}
        if self.correctives:
            more["correctives"] = [{"controls": list(names)} for names in self.correctives]
        if self.joints:
            more["joints"] = [joint.to_json() for joint in self.joints]
        if self.latents is not None:
            more["latents"] = self.latents.to_json()
        if self.training is not None:
            more["training"] = self.training.to_json()
        if self.sampled is not None:
            more["sampled"] = self.sampled.to_json()
        return {
            "format_version": self.format_version,
            "kind": self.kind,
            "name": self.name,
            "rig": self.rig.to_json(),
            "consent": asdict(self.consent),
            "licence": self.licence,
            "hash": self.hash,
            **more,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Metadata:
        """Raises DGTalkerError when `data` is not what `to_json` makes."""
        try:
            consent = data["consent"]
            rig = Rig.from_json(data["rig"])
            return cls(
                format_version=int(data["format_version"]),
                kind=str(data["kind"]),
                name=str(data["name"]),
                rig=rig,
                consent=Consent(
                    subject=str(consent["subject"]),
                    scope=str(consent["scope"]),
                    granted_by=str(consent["granted_by"]),
                    date=str(consent["date"]),
                    status=consent["status"],
                ),
                licence=str(data["licence"]),
                hash=str(data["hash"]),
                correctives=tuple(_corrective(item["controls"], rig) for item in data.get("correctives", ())),
                joints=tuple(Joint.from_json(item, rig) for item in data.get("joints", ())),
                latents=Latents.from_json(data["latents"], rig) if "latents" in data else None,
                training=TrainingRecord.from_json(data["training"], rig.names) if "training" in data else None,
                sampled=SampledRecord.from_json(data["sampled"]) if "sampled" in data else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DGTalkerError(
                f"The avatar's document cannot be read: {error!r}.", "docs/dgt.md lists what it must hold."
            ) from error


def _corrective(names: Sequence[str], rig: Rig) -> tuple[str, ...]:
    if not isinstance(names, list) or not 2 <= len(names) <= MAX_FACTORS or not set(names) <= set(rig.names):
        raise ValueError(f"a corrective has 2 to {MAX_FACTORS} of the rig's controls, not {names!r}")
    return tuple(names)


@dataclass(frozen=True, kw_only=True)
class ProxyMesh:
    """The mesh that stands for the avatar in Blender and deforms like its Gaussians; head space, metres.

    Attributes:
        vertices: float32 (V, 3).
        faces: int32 (F, 4), counter-clockwise from outside; -1 in the last place of a triangle.
        uv: float32 (V, 2), 0 to 1.
        colours: float32 (V, 4), scene-linear Rec.709 RGBA.
        deltas: float32 (C + K, V, 3), what one unit of each control adds to the vertices, in the rig's order, and after
            them what the correctives add.
        correctives: K of them, each weighted by the product of its controls' weights. The Gaussians' correctives come
            first; joints, which turn the Gaussians, add more here.
        surfaces: uint8 (F,) of `rig.Surface`, what each face shows; a file without it, and None here, mean skin.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    colours: np.ndarray
    deltas: np.ndarray
    correctives: tuple[tuple[str, ...], ...] = ()
    surfaces: np.ndarray | None = None


def corrective_indices(correctives: Sequence[Sequence[str]], rig: Rig) -> np.ndarray:
    """int32 (K, most): the indices of the correctives' controls in the rig, filled up with -1."""
    index = {name: i for i, name in enumerate(rig.names)}
    most = max((len(names) for names in correctives), default=0)
    rows = [[index[name] for name in names] + [-1] * (most - len(names)) for names in correctives]
    return np.array(rows, np.int32).reshape(len(rows), most)


class Avatar(Protocol):
    """A trained head. Blendshapes, FLAME skinning and networks all offer this and nothing else is asked of them."""

    @property
    def metadata(self) -> Metadata: ...

    @property
    def rig(self) -> Rig: ...

    @property
    def proxy(self) -> ProxyMesh: ...

    @property
    def refiner(self) -> Refiner | None:
        """What corrects the colours of final pictures; None: nothing."""
        ...

    @property
    def nbytes(self) -> int:
        """Bytes of all the arrays that the avatar holds now, wherever they lie; grows where posing keeps something."""
        ...

    def pose(self, weights: np.ndarray | torch.Tensor) -> Gaussians:
        """The Gaussians at `weights`, float32 (C,) in the rig's order; head space, metres.

        Args:
            weights: an array; or a tensor, through which gradients flow.

        Returns:
            Tensors on whatever device the kind poses on, which share no memory with the avatar.

        Raises:
            DGTalkerError: the number of weights is not that of the controls, or a weight is not a finite number.
        """
        ...


def checked_weights(weights: np.ndarray | torch.Tensor, rig: Rig) -> np.ndarray:
    """float32 (C,); DGTalkerError where the count is wrong or a weight is not finite."""
    if isinstance(weights, torch.Tensor):
        weights = weights.detach().cpu().numpy()
    weights = np.asarray(weights, np.float32)
    if weights.shape != (len(rig.controls),):
        raise DGTalkerError(f"{weights.size} weights were given to an avatar of {len(rig.controls)} controls.")
    if not np.all(np.isfinite(weights)):
        raise DGTalkerError("A weight is not a finite number.")
    return weights

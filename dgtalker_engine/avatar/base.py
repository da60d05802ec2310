"""What every avatar offers, however its Gaussians are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np

from ..errors import DGTalkerError
from ..gaussians.cloud import Gaussians
from ..rig import Rig

FORMAT_VERSION = 1

ConsentStatus = Literal["self", "signed", "synthetic", "unknown"]


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Metadata:
    """What is known of an avatar without reading its tensors.

    Attributes:
        format_version: of the .dgt file.
        kind: how the Gaussians are made, a key of `kinds.KINDS`.
        name: shown to the user.
        rig: the ordered controls.
        consent: whose face it is.
        licence: SPDX identifier or a short text.
        hash: sha256 of the content, hexadecimal; names the avatar over the wire.
    """

    format_version: int
    kind: str
    name: str
    rig: Rig
    consent: Consent
    licence: str
    hash: str

    def to_json(self) -> dict[str, Any]:
        return {
            "format_version": self.format_version,
            "kind": self.kind,
            "name": self.name,
            "rig": self.rig.to_json(),
            "consent": asdict(self.consent),
            "licence": self.licence,
            "hash": self.hash,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Metadata:
        """Raises DGTalkerError when `data` is not what `to_json` makes."""
        try:
            consent = data["consent"]
            return cls(
                int(data["format_version"]),
                str(data["kind"]),
                str(data["name"]),
                Rig.from_json(data["rig"]),
                Consent(
                    str(consent["subject"]),
                    str(consent["scope"]),
                    str(consent["granted_by"]),
                    str(consent["date"]),
                    consent["status"],
                ),
                str(data["licence"]),
                str(data["hash"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DGTalkerError(
                f"The avatar's document cannot be read: {error!r}.", "docs/dgt.md lists what it must hold."
            ) from error


@dataclass(frozen=True)
class ProxyMesh:
    """The mesh that stands for the avatar in Blender and deforms like its Gaussians; head space, metres.

    Attributes:
        vertices: float32 (V, 3).
        faces: int32 (F, 4), counter-clockwise from outside; -1 in the last place of a triangle.
        uv: float32 (V, 2), 0 to 1.
        colours: float32 (V, 4), scene-linear Rec.709 RGBA.
        deltas: float32 (C, V, 3), what one unit of each control adds to the vertices, in the rig's order.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    colours: np.ndarray
    deltas: np.ndarray


class Avatar(Protocol):
    """A trained head. Blendshapes, FLAME skinning and networks all offer this and nothing else."""

    @property
    def metadata(self) -> Metadata: ...

    @property
    def rig(self) -> Rig: ...

    @property
    def proxy(self) -> ProxyMesh: ...

    def pose(self, weights: np.ndarray) -> Gaussians:
        """The Gaussians at `weights`, float32 (C,) in the rig's order; head space, metres.

        Raises:
            DGTalkerError: the number of weights is not that of the controls, or a weight is not a finite number.
        """
        ...

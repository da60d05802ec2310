"""Avatars that tests make up."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch

from dgtalker_engine import avatar
from dgtalker_engine.avatar.joints import Joint
from dgtalker_engine.avatar.kinds.linear.model import LinearAvatar
from dgtalker_engine.avatar.latents import Latents
from dgtalker_engine.avatar.refiner import Reach, Refiner, Window
from dgtalker_engine.avatar.refiner.network import RefinerNetwork
from dgtalker_engine.avatar.sparse import SparseDeltas
from dgtalker_engine.rig import Control, Rig

ROWS, VERTICES = 700, 60
CORRECTIVES = (("jawOpen", "mouthClose"), ("jawOpen", "jawOpen"), ("headTurn", "jawOpen", "mouthClose"))
TURN, NOD = (0.0, 0.0, 0.45), (0.4, 0.0, 0.0)
LATENTS = Latents(((1.5, -0.4), (-0.8, 1.1), (0.0, 0.0), (0.3, 0.0)), (0.2, -0.1), 0.9, 1.2)
"""At rest and near it they are whole, at two of `WEIGHTS` on the way out, and gone at the last."""
WEIGHTS = ((0, 0, 0, 0), (0.2, 0.9, 1, -0.7), (0.5, -0.3, -1, 0), (0.95, 0, 0, 0), (1, -0.2, 0, 1), (1, -1, 0, 0))
WIDTHS = {"means": 3, "quats": 4, "scales": 3, "opacities": 1, "sh": 12}


def linear_head(moved: Collection[str] = tuple(WIDTHS), latents: Latents | None = None) -> LinearAvatar:
    """A head of kind `linear`; controls and latents change the attributes `moved`."""
    rng = np.random.default_rng(7)
    rig = Rig((Control("jawOpen", "lip"), Control("mouthClose", "lip"), Control("headTurn", "pose", minimum=-1.0),
               Control("headNod", "pose", minimum=-1.0)))  # fmt: skip
    joint = Joint((0.0, 0.02, -0.05), {"headTurn": TURN, "headNod": NOD})
    consent = avatar.Consent(subject="Nobody", scope="tests", granted_by="the tests", date="", status="synthetic")
    metadata = avatar.Metadata(
        format_version=2,
        kind="linear",
        name="Tester",
        rig=rig,
        consent=consent,
        licence="CC0-1.0",
        hash="",
        correctives=CORRECTIVES,
        joints=(joint,),
        latents=latents,
    )
    blocks = 7 + len(latents or ())
    quats = rng.normal(size=(ROWS, 4))
    sh = rng.normal(size=(ROWS, 4, 3)) * 0.5
    sh[90:, 1:] = 0
    base = {
        "means": rng.normal(size=(ROWS, 3)) * 0.05,
        "quats": quats / np.linalg.norm(quats, axis=1, keepdims=True),
        "scales": rng.uniform(0.001, 0.01, (ROWS, 3)),
        "opacities": rng.uniform(0, 1, ROWS),
        "sh": sh,
    }
    deltas = {
        name: SparseDeltas.from_dense(_sparse(rng, (blocks, ROWS, width)), 1e-5)
        for name, width in WIDTHS.items()
        if name in moved
    }
    proxy = avatar.ProxyMesh(
        vertices=(rng.normal(size=(VERTICES, 3)) * 0.05).astype("f4"),
        faces=np.array([[0, 1, 2, -1], [1, 2, 3, 4]], "i4"),
        uv=rng.random((VERTICES, 2)).astype("f4"),
        colours=np.ones((VERTICES, 4), "f4"),
        deltas=(rng.normal(size=(7, VERTICES, 3)) * 0.001).astype("f4"),
        correctives=CORRECTIVES,
        surfaces=np.array([0, 4], np.uint8),
    )
    return LinearAvatar(
        metadata=metadata,
        base={k: v.astype("f4") for k, v in base.items()},
        deltas=deltas,
        sculpted=proxy,
        joint_weights=rng.integers(0, 256, (1, ROWS), np.uint8),
        proxy_joint_weights=rng.integers(0, 256, (1, VERTICES), np.uint8),
    )


def refiner() -> Refiner:
    """One of random numbers, for heads that are seen from before them with the jaw up to half open."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = RefinerNetwork(4)
        torch.nn.init.normal_(network.leave.weight, std=0.3)
    return Refiner(
        network=network.eval().requires_grad_(False),
        window=Window(centre=np.array([0.0, 0.01, -0.02]), radius=0.16),
        reach=Reach(directions=np.array([[0, -1, 0], [0.1, -0.995, 0]], np.float32), ranges={"jawOpen": (0.0, 0.5)}),
    )


def _sparse(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    return rng.normal(size=shape) * 0.01 * (rng.random((*shape[:2], 1)) < 0.3)

"""People who do not exist as avatars: a head of the prior, baked to linear blendshapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ....avatar import Consent, SampledRecord
from ....avatar.kinds.linear.joints import turn
from ....capture.face_model import Region
from ....gaussians import Gaussians, render
from ....rig import ARKIT_NAMES
from ....training import one_torch_thread
from ....training.baking import Baked, BakeSource, bake
from ....training.face_rig import face_rig
from ....training.proxy import proxy_mesh
from ....wire.people import PersonRequest
from ..generator import Generator
from ..mapping import with_expression
from ..population.traits import between, draw, traits_of, with_traits
from .samples import draw_expression, draw_view, view

NOBODY = Consent(subject="Nobody: made by code", scope="Any use", granted_by="DGTalker", date="", status="synthetic")
LICENCE = "CC0-1.0"
_EXAMPLES, _YAW, _SIDE = 96, 30.0, 512
_TURNED, _GREY = 20.0, (0.36, 0.37, 0.39)


def code_of(request: PersonRequest) -> Tensor:
    """The code (1, code_size) of whoever was asked for; the same request is always the same one."""
    code = _drawn(request.seed)
    if request.morph or request.mix:
        code = between(code, _drawn(request.other), request.morph, request.mix)
    return torch.from_numpy(with_traits(code, request.traits))[None]


def _drawn(seed: int) -> np.ndarray:
    return draw(np.random.default_rng(seed))


@torch.no_grad()
def portrait(generator: Generator, latents: Tensor, side: int) -> np.ndarray:
    """A picture of a head at rest, turned a little to its left, before grey: opaque sRGB, uint8 (side, side, 4)."""
    image = render(generator(latents).cloud(0), view(side, _TURNED), background=_GREY)
    picture = np.full((side, side, 4), 255, np.uint8)
    picture[..., :3] = np.rint(255 * np.clip(np.asarray(image.rgb), 0, 1))
    return picture


def made(generator: Generator, request: PersonRequest, name: str, progress: Callable[[float], None]) -> Baked:
    """Whoever was asked for as an avatar that says in its file who that is; see `baked`."""
    code = code_of(request)
    baking = baked(generator, generator.mapping(code), name, progress)
    numbers = code[0].numpy()
    record = SampledRecord(
        request=request.to_json(),
        code=tuple(round(float(number), 4) for number in numbers),
        traits={trait: round(value, 3) for trait, value in traits_of(numbers).items()},
        psnr=round(baking.error.psnr, 2),
    )
    metadata = replace(baking.avatar.metadata, sampled=record)
    return replace(baking, avatar=replace(baking.avatar, metadata=metadata))


def baked(generator: Generator, latents: Tensor, name: str, progress: Callable[[float], None], seed: int = 0) -> Baked:
    """A head of the prior as an avatar, and how far its pictures are from the generator's over speech.

    Args:
        generator: of a decoded template.
        latents: the head at rest, W (1, width) or W+ (1, latents, width).
        name: of the avatar.
        progress: is told the fraction done, and raises `Cancelled` to stop.
        seed: of the expressions that it is measured at.

    Raises:
        DGTalkerError: the avatar's pictures are not those of the generator.
    """
    with one_torch_thread():
        return _baked(generator, latents.detach(), name, progress, seed)


def _baked(generator: Generator, latents: Tensor, name: str, progress: Callable[[float], None], seed: int) -> Baked:
    model = generator.face_model
    assert model is not None
    identity = generator.face(latents)[0][0].detach().numpy()
    rig = face_rig(model, identity)
    triangles = generator.triangles.numpy()
    regions = model.regions.numpy()[triangles]

    def shown(weights: np.ndarray) -> Gaussians:
        return generator(with_expression(latents, torch.from_numpy(rig.expression(weights)))).cloud(0)

    with torch.no_grad():
        rest = shown(rig.rig.defaults)
    corners = model.faces.numpy()[triangles]
    joint_weights = rig.joint_weights(corners, generator.barycentrics.numpy(), rest.means.numpy())
    joint = rig.joints[-1]
    pivot = np.array([joint.pivot], np.float32)

    def pose(weights: np.ndarray, _: np.ndarray) -> Gaussians:
        cloud = shown(weights)
        means, quats = cloud.means.numpy().copy(), cloud.quats.numpy().copy()
        turn(means, quats, pivot, joint_weights[-1:], (weights.astype(float) @ joint.vectors(rig.rig))[None])
        return replace(cloud, means=torch.from_numpy(means), quats=torch.from_numpy(quats))

    random = np.random.default_rng(seed)
    examples = np.zeros((_EXAMPLES, len(rig.rig.controls)), np.float32)
    examples[:, : len(ARKIT_NAMES)] = [draw_expression(ARKIT_NAMES, random) for _ in range(_EXAMPLES)]
    source = BakeSource(
        pose=pose,
        latents=None,
        rig=rig.rig,
        joints=rig.joints,
        joint_weights=joint_weights,
        lips=regions == Region.LIPS,
        examples=examples,
        cameras=[draw_view(_SIDE, _YAW, random) for _ in range(_EXAMPLES)],
    )
    # Hair stands off the scalp; the mesh that other things meet takes it in.
    proxy = proxy_mesh(model, identity, rig, rest, regions == Region.SCALP)
    return bake(
        source,
        proxy,
        rig.vertex_weights,
        name=name,
        consent=NOBODY,
        licence=LICENCE,
        progress=progress,
        most=generator.config.gaussians,
    )

"""Each of gsplat's stages beside its own reference, forward and backward, so that what breaks is named."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from dgtalker_engine.gaussians import Camera, Gaussians
from dgtalker_engine.gaussians.constants import CUDA_TILE, EPS2D
from dgtalker_engine.gaussians.reference import blending, projection, spherical_harmonics
from dgtalker_engine.gaussians.reference.projection import Ellipses

CPU = torch.device("cpu")


def stages(device: torch.device, cloud: Gaussians, camera: Camera) -> Iterator[dict[str, Any]]:
    """For each stage the relative errors of what it makes, and of its gradients.

    Args:
        device: where gsplat works.
        cloud: on the processor, with spherical harmonics of a degree above 0; few enough for the dense reference.
        camera: a pinhole, of a small picture.
    """
    yield {"case": "projection", "errors": of_projection(device, cloud, camera)}
    yield {"case": "spherical harmonics", "errors": of_spherical_harmonics(device, cloud)}
    yield {"case": "blending", "errors": of_blending(device, cloud, camera)}


def of_projection(device: torch.device, cloud: Gaussians, camera: Camera) -> dict[str, float]:
    gsplat = importlib.import_module("gsplat")
    theirs, ours = leaves_of(cloud, device, torch.float32), leaves_of(cloud, CPU, torch.float64)
    viewmat, K = (torch.tensor(np.float32(m), device=device)[None, None] for m in (camera.world_to_camera, camera.K))
    radii, centres, depths, conics, shares = gsplat.fully_fused_projection(
        theirs.means[None],
        None,
        theirs.quats[None],
        theirs.scales[None],
        viewmat,
        K,
        camera.width,
        camera.height,
        eps2d=EPS2D,
        near_plane=camera.near,
        far_plane=camera.far,
        calc_compensations=True,
        opacities=theirs.opacities.detach()[None],
    )
    seen = (radii[0, 0] > 0).all(dim=-1).cpu()
    plain = projection.project_all(ours, camera)
    expected = {
        "centres": plain.centres,
        "depths": plain.depths,
        "conics": torch.linalg.inv(plain.covariances).flatten(1)[:, [0, 1, 3]],
        "compensations": plain.opacities / ours.opacities,
    }
    pairs = zip(expected, (centres, depths, conics, shares), strict=True)
    found = {name: tensor[0, 0][seen.to(device)] for name, tensor in pairs}
    expected = {name: tensor[seen] for name, tensor in expected.items()}
    return compared(found, expected, theirs, ours, ("means", "quats", "scales"))


def of_spherical_harmonics(device: torch.device, cloud: Gaussians) -> dict[str, float]:
    gsplat = importlib.import_module("gsplat")
    theirs, ours = leaves_of(cloud, device, torch.float32), leaves_of(cloud, CPU, torch.float64)
    count = cloud.sh.shape[1]
    found = gsplat.spherical_harmonics(math.isqrt(count) - 1, theirs.means, theirs.sh)
    expected = torch.einsum("nk,nkc->nc", spherical_harmonics.basis(ours.means, count), ours.sh)
    return compared({"colours": found}, {"colours": expected}, theirs, ours, ("means", "sh"))


def of_blending(device: torch.device, cloud: Gaussians, camera: Camera) -> dict[str, float]:
    """Of the ellipses that the reference makes of the cloud, which both sides are given."""
    gsplat = importlib.import_module("gsplat")
    names = ("centres", "covariances", "opacities", "colours", "depths")
    with torch.no_grad():
        ellipses = projection.project(cloud.map(torch.Tensor.double), camera).front_to_back()
    ours = Ellipses(**{name: getattr(ellipses, name).clone().requires_grad_() for name in names})
    theirs = Ellipses(
        **{name: getattr(ellipses, name).to(device, torch.float32, copy=True).requires_grad_() for name in names}
    )
    # Half of each of two entries that are the same, as in the reference's square.
    inverse = torch.linalg.inv(theirs.covariances)
    conics = (0.5 * (inverse + inverse.mT)).flatten(1)[:, [0, 1, 3]]
    reach = 3.5 * torch.diagonal(theirs.covariances.detach(), dim1=1, dim2=2).sqrt()
    radii = torch.ceil(reach).int()[None]
    columns, rows = -(-camera.width // CUDA_TILE), -(-camera.height // CUDA_TILE)
    depths = theirs.depths.detach()[None]
    _, pairs, listed = gsplat.isect_tiles(theirs.centres.detach()[None], radii, depths, CUDA_TILE, columns, rows)
    painted, alpha = gsplat.rasterize_to_pixels(
        theirs.centres[None],
        conics[None],
        torch.cat([theirs.colours, theirs.depths[:, None]], dim=1)[None],
        theirs.opacities[None],
        camera.width,
        camera.height,
        CUDA_TILE,
        gsplat.isect_offset_encode(pairs, 1, columns, rows),
        listed,
        backgrounds=torch.zeros(1, 4, device=device),
    )
    region = (0, 0, camera.width, camera.height)
    rgb, expected_alpha, depth = blending.blend_dense(ours, region, torch.zeros(3).double())
    hit = torch.where(expected_alpha > 0, depth, 0) * expected_alpha
    found = {"colours": painted[0, ..., :3], "depths": painted[0, ..., 3], "alpha": alpha[0, ..., 0]}
    expected = {"colours": rgb, "depths": hit, "alpha": expected_alpha}
    return compared(found, expected, theirs, ours, names)


def compared(
    found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], theirs: Any, ours: Any, names: tuple[str, ...]
) -> dict[str, float]:
    """Relative errors of values, and of the gradients that a random weight for each of them has."""
    random, sides = torch.Generator().manual_seed(0), ([], [])
    errors = {name: relative(found[name], tensor) for name, tensor in expected.items()}
    for name, tensor in expected.items():
        weights = torch.rand(tensor.shape, generator=random, dtype=torch.float64) - 0.4
        # Each kind of value counts alike, whatever its unit.
        weights = weights / float(tensor.detach().norm())
        sides[0].append((found[name] * weights.to(found[name])).sum())
        sides[1].append((tensor * weights).sum())
    for terms in sides:
        torch.stack(terms).sum().backward()
    gradients = {
        f"gradients of {name}": relative(getattr(theirs, name).grad, getattr(ours, name).grad) for name in names
    }
    return errors | gradients


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The norm of the difference over the norm of what is expected."""
    difference = found.detach().cpu().double() - expected.detach().cpu().double()
    return float(difference.norm() / expected.detach().double().norm())


def leaves_of(cloud: Gaussians, device: torch.device, kind: torch.dtype) -> Gaussians:
    return cloud.map(lambda tensor: tensor.to(device, kind, copy=True).requires_grad_())

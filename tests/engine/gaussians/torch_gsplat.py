"""gsplat's functions that `gaussians.cuda` calls, with its signatures, made of the reference: slow, on the processor.

For tests of what calls them. They say nothing about gsplat itself: its pictures and gradients are looked at on a GPU,
by tests/gpu. As gsplat's, they leave whatever they like where a Gaussian is not seen: here, NaN.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from dgtalker_engine.gaussians import Camera, Gaussians
from dgtalker_engine.gaussians.constants import ALPHA_THRESHOLD
from dgtalker_engine.gaussians.reference import blending, projection
from dgtalker_engine.gaussians.reference.projection import Ellipses
from dgtalker_engine.gaussians.reference.spherical_harmonics import basis


def fully_fused_projection(
    means,
    covars,
    quats,
    scales,
    viewmats,
    Ks,
    width,
    height,
    eps2d=0.3,
    near_plane=0.01,
    far_plane=1e10,
    radius_clip=0.0,
    packed=False,
    sparse_grad=False,
    calc_compensations=False,
    camera_model="pinhole",
    opacities=None,
):
    """(B, N, …) clouds seen by (B, C, …) cameras: radii, centres, depths, conics and compensations, (B, C, N, …)."""
    batches, count = means.shape[:2]
    assert covars is None
    assert quats.shape == (batches, count, 4)
    assert viewmats.shape[0] == Ks.shape[0] == batches
    assert eps2d == projection.EPS2D
    assert not opacities.requires_grad, "gsplat gives opacities no gradient here"
    rows = []
    for b in range(batches):
        cloud = Gaussians(
            means=means[b],
            quats=quats[b],
            scales=scales[b],
            opacities=torch.ones(count),
            sh=torch.zeros(count, 1, 3),
        )
        for viewmat, K in zip(viewmats[b], Ks[b], strict=True):
            camera = Camera(
                K=K.double().numpy(),
                world_to_camera=viewmat.double().numpy(),
                width=width,
                height=height,
                orthographic=camera_model == "ortho",
                near=near_plane,
                far=far_plane,
            )
            plain = projection.project_all(cloud, camera)
            shares = plain.opacities  # of opacities of 1
            seen = projection.drawn(replace(plain, opacities=opacities[b]), camera)
            reach = torch.sqrt(
                2 * torch.log((opacities[b] / ALPHA_THRESHOLD).clamp(min=1))[:, None]
                * torch.diagonal(plain.covariances, dim1=1, dim2=2)
            )  # fmt: skip
            radii = torch.where(seen[:, None], torch.ceil(reach.detach()).clamp(max=1e6), 0).int()
            conics = torch.linalg.inv(plain.covariances)
            unknown = [
                torch.where(seen[:, None], values, torch.nan)
                for values in (plain.centres, plain.depths[:, None], conics.flatten(1)[:, [0, 1, 3]])
            ]
            rows.append((radii, unknown[0], unknown[1][:, 0], unknown[2], torch.where(seen, shares, 0)))
    radii, centres, depths, conics, shares = (
        torch.stack(column).unflatten(0, (batches, -1)) for column in zip(*rows, strict=True)
    )
    return radii, centres, depths, conics, shares if calc_compensations else None


def spherical_harmonics(degrees_to_use, dirs, coeffs, masks=None):
    """(…, 3) directions and (…, K, 3) coefficients: (…, 3)."""
    assert coeffs.shape == (*dirs.shape[:-1], (degrees_to_use + 1) ** 2, 3)
    factors = basis(dirs.reshape(-1, 3), coeffs.shape[-2]).reshape(coeffs.shape[:-1])
    values = torch.einsum("...k,...kc->...c", factors, coeffs)
    return values if masks is None else torch.where(masks[..., None], values, torch.nan)


def isect_tiles(means2d, radii, depths, tile_size, tile_width, tile_height):
    """Which of (F, N) Gaussians touch which tile, sorted by frame, tile and depth: counts, ids and flat numbers."""
    assert not means2d.requires_grad
    frames, count = depths.shape
    ids, flat = [], []
    per_gaussian = torch.zeros(frames, count, dtype=torch.int32)
    for f in range(frames):
        for i in torch.nonzero((radii[f] > 0).all(dim=-1))[:, 0].tolist():
            low = torch.floor((means2d[f, i] - radii[f, i]) / tile_size).tolist()
            high = torch.ceil((means2d[f, i] + radii[f, i]) / tile_size).tolist()
            for row in range(max(0, int(low[1])), min(tile_height, int(high[1]))):
                for column in range(max(0, int(low[0])), min(tile_width, int(high[0]))):
                    bits = int(np.float32(depths[f, i]).view(np.uint32))
                    ids.append((((f * tile_height + row) * tile_width + column) << 32) | bits)
                    flat.append(f * count + i)
                    per_gaussian[f, i] += 1
    ids, flat = torch.tensor(ids, dtype=torch.int64), torch.tensor(flat, dtype=torch.int32)
    order = torch.argsort(ids, stable=True)
    return per_gaussian, ids[order], flat[order]


def isect_offset_encode(isect_ids, n_images, tile_width, tile_height):
    """Where each tile's ids begin: (F, rows, columns)."""
    tiles = torch.arange(n_images * tile_width * tile_height, dtype=torch.int64)
    return torch.searchsorted(isect_ids, tiles << 32).int().reshape(n_images, tile_height, tile_width)


def rasterize_to_pixels(
    means2d,
    conics,
    colors,
    opacities,
    image_width,
    image_height,
    tile_size,
    isect_offsets,
    flatten_ids,
    backgrounds=None,
):
    """Colours (F, H, W, channels) and alpha (F, H, W, 1)."""
    frames, rows, columns = isect_offsets.shape
    assert backgrounds.shape == (frames, colors.shape[-1])
    assert (rows, columns) == (math.ceil(image_height / tile_size), math.ceil(image_width / tile_size))
    centres, conics, colors, opacities = (tensor.flatten(0, 1) for tensor in (means2d, conics, colors, opacities))
    ends = [*isect_offsets.flatten().tolist()[1:], len(flatten_ids)]
    ranges = iter(zip(isect_offsets.flatten().tolist(), ends, strict=True))
    pictures = []
    for f in range(frames):
        lines = []
        for row in range(rows):
            line = []
            for column in range(columns):
                listed = flatten_ids[slice(*next(ranges))].long()
                xx, xy, yy = conics[listed].unbind(dim=1)
                ellipses = Ellipses(
                    centres=centres[listed],
                    covariances=torch.linalg.inv(torch.stack([xx, xy, xy, yy], dim=1).reshape(-1, 2, 2)),
                    opacities=opacities[listed],
                    colours=colors[listed],
                    depths=colors[listed][:, 0],
                )
                y, x = torch.meshgrid(torch.arange(tile_size), torch.arange(tile_size), indexing="ij")
                pixels = torch.stack([x + column * tile_size, y + row * tile_size], dim=-1).reshape(-1, 2) + 0.5
                weights = blending.weights_of(ellipses, pixels.to(centres))
                alpha = weights.sum(dim=0)[:, None]
                painted = weights.T @ ellipses.colours + (1 - alpha) * backgrounds[f]
                line.append(torch.cat([painted, alpha], dim=1).reshape(tile_size, tile_size, -1))
            lines.append(torch.cat(line, dim=1))
        pictures.append(torch.cat(lines)[:image_height, :image_width])
    picture = torch.stack(pictures)
    return picture[..., :-1], picture[..., -1:]

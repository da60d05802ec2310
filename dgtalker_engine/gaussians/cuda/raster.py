"""One batch of frames, drawn by gsplat 1.5.3.

The steps of `gsplat.rasterization(packed=False, render_mode="RGB+ED")`, called one by one for three reasons:

- A region is that part of the whole picture. gsplat clamps the slopes of its linearised perspective to the picture's
  frustum, so moving the principal point and asking for a smaller picture would give Gaussians at the region's edge
  another shape. Here they are projected for the whole picture, and their centres are moved by the region's corner
  before its tiles are listed; only that difference is rounded (to 2⁻¹⁰ pixels at most, at 16384).
- An orthographic camera sees spherical harmonics from its one direction; gsplat takes those from its position.
- What cannot be written down in float32 is left out; in gsplat a conic of NaN would cover its tiles.

Each step is an operation of PyTorch's, gsplat's with kernels of their own for the way back: where tensors are asked
for, they are attached to the graph, and nothing of it is changed in place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import gsplat  # pyright: ignore[reportMissingImports] (only in environments with CUDA)
import numpy as np
import torch

from ..camera import Camera
from ..checks import Background
from ..cloud import Gaussians
from ..constants import CUDA_TILE, EPS2D, SH_C0
from . import shading
from .batching import Batch, Pictures, TooLargeError, draw_all
from .transfer import DeviceClouds, download, upload

_MOST_PAIRS = 2**31 - 1  # of Gaussians and tiles: gsplat counts them with int32
_LEAST_DEPTH = float(np.finfo(np.float32).tiny)  # of a pinhole's near plane: what lies in the eye's plane is nowhere
_NOWHERE = 1e30  # in a conic: α is 0 everywhere


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is drawn of every frame.

    Attributes:
        background: as in `gaussians.render`.
        scene_linear: premultiplied scene-linear RGBA instead of RGB and alpha.
        as_tensors: pictures stay on the GPU, attached to the graph; otherwise they are copied to the processor.
    """

    background: Background
    scene_linear: bool
    as_tensors: bool


def render(
    clouds: Sequence[Gaussians], cameras: Sequence[Camera], region: Sequence[int] | None, options: Options
) -> list[Pictures]:
    """Renders one frame after the other: (rgb, alpha, depth) each, or (rgba, depth) in scene-linear colours.

    The pictures of the frames that were drawn at once share memory.

    Raises:
        DGTalkerError: see `draw_all`; also for values that are not finite.
    """
    with torch.set_grad_enabled(torch.is_grad_enabled() and options.as_tensors):
        return draw_all(clouds, cameras, region, lambda batch: draw(batch, options), torch.cuda.empty_cache)


def device() -> torch.device:
    """The GPU that draws."""
    return torch.device("cuda", torch.cuda.current_device())


def draw(batch: Batch, options: Options) -> list[Pictures]:
    """Draws the frames of a batch."""
    alone = all(cloud is batch.clouds[0] for cloud in batch.clouds)
    clouds = [cloud if len(cloud) else _invisible(cloud) for cloud in (batch.clouds[:1] if alone else batch.clouds)]
    uploaded = upload(clouds, device())
    rendered, alpha = _rasterized(batch, uploaded, options)
    depth = shading.expected_depth(rendered[..., 3], alpha)
    if options.scene_linear:
        pictures = [shading.to_scene_linear(rendered[..., :3], alpha), depth]
    else:
        pictures = [rendered[..., :3].contiguous(), alpha, depth]
    if options.as_tensors:
        pictures = [picture.unbind() for picture in pictures]
        total, shortest = uploaded.checks.tolist()
    else:
        *pictures, (total, shortest) = download([*pictures, uploaded.checks])
    if not (math.isfinite(total) and shortest > 0):
        for cloud in clouds:
            cloud.check_values()
    return list(zip(*pictures, strict=True))


def _rasterized(batch: Batch, clouds: DeviceClouds, options: Options) -> tuple[torch.Tensor, torch.Tensor]:
    """Colours and accumulated depth (F, H, W, 4), and alpha (F, H, W), of F frames."""
    camera, frames, there = batch.cameras[0], len(batch), clouds.means.device
    x, y, width, height = batch.region
    # One cloud seen by F cameras, or F clouds seen by one each.
    split = (1, frames) if len(clouds.means) == 1 else (frames, 1)
    radii, centres, depths, conics, compensations = gsplat.fully_fused_projection(
        clouds.means,
        None,
        clouds.quats,
        clouds.scales,
        _tensor([each.world_to_camera for each in batch.cameras], there).view(*split, 4, 4),
        _tensor([each.K for each in batch.cameras], there).view(*split, 3, 3),
        camera.width,
        camera.height,
        eps2d=EPS2D,
        near_plane=camera.near if camera.orthographic else max(camera.near, _LEAST_DEPTH),
        far_plane=camera.far,
        calc_compensations=True,
        camera_model="ortho" if camera.orthographic else "pinhole",
        # For the radii only.
        opacities=clouds.opacities.detach(),
    )
    opacities = clouds.opacities[:, None].expand(*split, -1) * compensations
    conics = torch.nan_to_num(conics, _NOWHERE, _NOWHERE, _NOWHERE)
    centres = centres - _tensor([x, y], there)
    colours = _colours(clouds, _eyes(batch.cameras, there).view(*split, 3), camera.orthographic, radii)
    painted = torch.cat([colours, depths[..., None]], dim=-1)
    radii, centres, depths, conics, opacities, painted = (
        tensor.flatten(0, 1) for tensor in (radii, centres, depths, conics, opacities, painted)
    )

    columns, rows = -(-width // CUDA_TILE), -(-height // CUDA_TILE)
    _, pairs, listed = gsplat.isect_tiles(centres.detach(), radii, depths.detach(), CUDA_TILE, columns, rows)
    if len(pairs) > _MOST_PAIRS:
        raise TooLargeError
    starts = gsplat.isect_offset_encode(pairs, frames, columns, rows)
    behind = torch.as_tensor(options.background, dtype=torch.float32).to(there)
    # Nothing lies behind in depth.
    backgrounds = torch.nn.functional.pad(behind, (0, 1)).expand(frames, 4)
    rendered, alpha = gsplat.rasterize_to_pixels(
        centres, conics, painted, opacities, width, height, CUDA_TILE, starts, listed, backgrounds=backgrounds
    )
    return rendered, alpha[..., 0]


def _colours(clouds: DeviceClouds, eyes: torch.Tensor, orthographic: bool, radii: torch.Tensor) -> torch.Tensor:
    """(B, C, N, 3): the colours of B clouds that C cameras each see; of any value where radii (B, C, N, 2) are 0."""
    degree = math.isqrt(clouds.sh.shape[-2]) - 1
    shape = (*eyes.shape[:2], *clouds.means.shape[1:])
    if degree == 0:
        return torch.clamp_min(SH_C0 * clouds.sh[:, None, :, 0] + 0.5, 0).expand(shape)
    directions = eyes[:, :, None].expand(shape) if orthographic else clouds.means[:, None] - eyes[:, :, None]
    coefficients = clouds.sh[:, None].expand(*shape[:3], *clouds.sh.shape[2:])
    seen = (radii > 0).all(dim=-1)
    return torch.clamp_min(gsplat.spherical_harmonics(degree, directions, coefficients, masks=seen) + 0.5, 0)


def _eyes(cameras: Sequence[Camera], there: torch.device) -> torch.Tensor:
    """(F, 3): where the cameras are in the world, or the directions in which orthographic ones look."""
    eyes: list[np.ndarray] = []
    for camera in cameras:
        world_to_camera = np.asarray(camera.world_to_camera, np.float64)
        rotation, translation = world_to_camera[:3, :3], world_to_camera[:3, 3]
        eyes.append(rotation[2] if camera.orthographic else -np.linalg.solve(rotation, translation))
    return _tensor(eyes, there)


def _tensor(values: object, there: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.float32)).to(there, non_blocking=True)


def _invisible(cloud: Gaussians) -> Gaussians:
    """One Gaussian that is not seen, of the cloud's degree: gsplat divides by the number of Gaussians.

    It hangs on the cloud's graph, so that gradients of nothing are 0.
    """
    ones = {"means": 1.0, "quats": 1.0, "scales": 1.0, "opacities": 0.0, "sh": 0.0}
    return Gaussians(**{name: _filled(getattr(cloud, name), value) for name, value in ones.items()})


def _filled(tensor: torch.Tensor, value: float) -> torch.Tensor:
    return tensor.new_full((1, *tensor.shape[1:]), value) + tensor.sum(dim=0, keepdim=True)

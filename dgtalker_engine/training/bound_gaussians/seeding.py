"""The Gaussians that a training begins with: on which triangles they lie, how large they are, and their colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree
from torch import Tensor

from ...capture.face_model import FaceModel, Region
from ...capture.mesh_raster import rasterize
from ...capture.regions import project
from ...gaussians.constants import SH_C0
from ..clip_frames import ClipFrames
from .borrowing import borrowed
from .config import BoundGaussiansConfig
from .hairline import UNDER_HAIR, without_skin
from .shell import EDGE, NEAR, OUTER, THROUGH, Shell, around_person, fit_shell, seen_through

_FRAMES = 12
_DENSITY = {
    Region.SKIN: 1.0,
    Region.UPPER_FACE: 1.3,
    Region.LIPS: 4.0,
    Region.MOUTH_INSIDE: 0.7,
    Region.TEETH: 2.5,
    Region.EYES: 4.0,
}
"""Gaussians per area, relative; of the inner parts where they look out of the face."""
_OUTSIDE = (Region.SKIN, Region.UPPER_FACE, Region.SCALP, Region.NECK)
_BLINK = 1e-3  # metres by which a blink moves a lid
_INNER = (Region.MOUTH_INSIDE, Region.TEETH, Region.EYES)
_UNSEEN = 0.35  # density where no frame looks
_DEEP = 0.035  # metres behind the lips to which the mouth is filled
_JAW = -0.04  # the z below which skin may belong to the neck, metres
_CAVITY = (0.16, 0.06, 0.05)
"""sRGB of the inside of a mouth before anything is learned."""
_TEETH = (0.62, 0.56, 0.5)
_WIDTH, _THICKNESS = 0.6, 0.15  # standard deviations, in distances between neighbours
_FACING = 0.25  # cosine to the view: what is seen at a flatter angle takes its colour from elsewhere
_NECK_FACING = 0.45  # a collar that stands before the neck is at its sides


@dataclass(frozen=True)
class Seeds:
    """N Gaussians to begin with.

    Attributes:
        triangles: of the face model, then of the shell, int64 (N,).
        barycentrics: (N, 3).
        log_scales: in sizes of their triangles (N, 3).
        colours: coefficients of degree 0 (N, 3).
        shell: the hair's.
        regions: of all triangles of the face model and the shell, uint8 (F,).
        neck: which of them are below the head's mask, bool (F,).
        outside: which of them lie around the head, bool (F,); lids, lips and the mouth's inside do not: they are hidden
            now and seen then.
        lids: which of them are lids, bool (F,).
    """

    triangles: Tensor
    barycentrics: Tensor
    log_scales: Tensor
    colours: Tensor
    shell: Shell
    regions: Tensor
    neck: Tensor
    outside: Tensor
    lids: Tensor


def seed(frames: ClipFrames, config: BoundGaussiansConfig, random: np.random.Generator) -> Seeds:
    """Spreads Gaussians over the face model and the hair's shell, coloured as the training frames show them."""
    model = frames.face_model
    shell = Shell(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64))
    if config.hair_shell:
        shell = without_skin(fit_shell(frames), frames)
    vertices = np.concatenate([model.neutral.numpy(), shell.vertices])
    faces = np.concatenate([model.faces.numpy(), shell.faces + len(model.neutral)])
    regions = np.concatenate([model.regions.numpy(), np.full(len(shell.faces), Region.SCALP, np.uint8)])
    is_shell = np.arange(len(faces)) >= len(model.faces)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1) / 2
    normals /= np.maximum(2 * areas[:, None], 1e-12)

    views = [_Look(frames, index, shell, faces) for index in frames.spread(_FRAMES)]
    seen = np.mean([np.isin(np.arange(len(faces)), view.triangles) for view in views], axis=0) > 0.2

    # Skin below the jaw is outside the mask, too.
    below = np.mean([view.outside(faces) for view in views], axis=0) > 0.5
    neck = (regions == Region.NECK) | (below & (regions == Region.SKIN) & (corners[..., 2].mean(axis=1) < _JAW))
    density = np.zeros(len(faces))
    for region, amount in _DENSITY.items():
        density[regions == region] = amount
    density[neck] = 0
    density[~seen & ~np.isin(regions, _INNER)] *= _UNSEEN
    density[np.isin(regions, _INNER) & (normals[:, 1] > -0.1)] = 0  # looks backwards
    front = corners[regions == Region.LIPS][..., 1].min()
    there = ~_through([view.vertices for view in views], views)[faces].all(axis=1)
    density *= there
    inside = np.isin(regions, (Region.MOUTH_INSIDE, Region.TEETH))
    density[inside & (corners[..., 1].mean(axis=1) > front + _DEEP)] = 0
    hair = is_shell if config.hair_shell else regions == Region.SCALP
    on_hair = np.where(hair & there, np.where(seen, 1.0, _UNSEEN), 0.0)
    # Under the hair's edge the head goes on: else one looks into the shell from below and from beside. Where the
    # forehead is high, it is seen.
    face = KDTree(corners[np.isin(regions, (Region.SKIN, Region.UPPER_FACE))].mean(axis=1))
    near_face = face.query(corners.mean(axis=1), distance_upper_bound=UNDER_HAIR)[0] < UNDER_HAIR
    under_hair = near_face & (regions == Region.SCALP) & ~hair & there
    on_hair[under_hair] = np.where(seen, 1.0, _UNSEEN)[under_hair]

    picked = [_pick(density * areas, config.face_gaussians, random)]
    if on_hair.any():
        picked.append(_pick(on_hair * areas, config.hair_gaussians, random))
    on_neck = np.where(neck & there, np.where(below, 1.0, _UNSEEN), 0.0)
    if config.neck_gaussians:
        picked.append(_pick(on_neck * areas, config.neck_gaussians, random))
    triangles = np.concatenate(picked)
    barycentrics = random.dirichlet((1.0, 1.0, 1.0), len(triangles)).astype(np.float32)
    placed = [(barycentrics[:, :, None] * view.vertices[faces[triangles]]).sum(axis=1) for view in views]
    there = ~_through(placed, views)
    triangles, barycentrics = triangles[there], barycentrics[there]
    per_area = np.bincount(triangles, minlength=len(faces)) / np.maximum(areas, 1e-12)
    # What is expected on a triangle, not what chance put there.
    groups = ((density, config.face_gaussians), (on_hair, config.hair_gaussians), (on_neck, config.neck_gaussians))
    expected = sum(amount / max(amount @ areas, 1e-12) * count for amount, count in groups)
    spacing = 1 / np.sqrt(np.maximum(expected, 0.25 * per_area)[triangles])
    edges = [np.linalg.norm(corners[:, a] - corners[:, b], axis=1) for a, b in ((0, 1), (0, 2), (1, 2))]
    sizes = (np.mean(edges, axis=0))[triangles]
    scales = spacing[:, None] * np.array([_WIDTH, _THICKNESS, _WIDTH]) / sizes[:, None]
    points = (barycentrics[:, :, None] * corners[triangles]).sum(axis=1)
    outer = np.flatnonzero(~is_shell & np.isin(regions, OUTER))
    _, under = KDTree(corners[outer].mean(axis=1)).query(points)
    over_scalp = regions[outer[under]] == Region.SCALP
    shown_as = np.where(neck, Region.NECK, regions)[triangles]
    colours = _colours(views, triangles, barycentrics, faces, points, shown_as, over_scalp)
    lids = np.pad(_lids(model), (0, len(shell.faces)))
    return Seeds(
        torch.from_numpy(triangles),
        torch.from_numpy(barycentrics),
        torch.from_numpy(np.log(scales).astype(np.float32)),
        torch.from_numpy(((colours - 0.5) / SH_C0).astype(np.float32)),
        shell,
        torch.from_numpy(regions),
        torch.from_numpy(neck),
        torch.from_numpy(np.isin(regions, _OUTSIDE) & ~lids),
        torch.from_numpy(lids),
    )


def _lids(model: FaceModel) -> np.ndarray:
    """Which triangles of a face model blinks move, bool (F,)."""
    blinks = [index for index, name in enumerate(model.expression_names) if name.startswith("eyeBlink")]
    moved = model.expression[blinks].norm(dim=2).amax(dim=0) > _BLINK
    return moved[model.faces].any(dim=1).numpy()


def _pick(amounts: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """`count` triangles, about as often as their amounts say: evenly, not by chance."""
    order = random.permutation(len(amounts))
    ends = np.cumsum(amounts[order])
    places = (np.arange(count) + random.random()) / count * ends[-1]
    return order[np.minimum(np.searchsorted(ends, places, side="right"), len(order) - 1)]


def _through(points: list[np.ndarray], views: list[_Look]) -> np.ndarray:
    """Which points, given for each view (N, 3), lie where frames show what is behind the person (N,)."""
    through = [seen_through(view.camera, here, view.around) for here, view in zip(points, views, strict=True)]
    return np.mean(through, axis=0) > THROUGH


class _Look:
    """What a frame shows of the mesh and the shell together."""

    def __init__(self, frames: ClipFrames, index: int, shell: Shell, faces: np.ndarray) -> None:
        self.camera, self.head = frames.camera(index), frames.head(index)
        self.picture = frames.frame(index).numpy() / frames.gains[index]
        self.vertices = np.concatenate([frames.vertices(index).numpy(), shell.vertices])
        raster = rasterize(*project(self.camera, self.vertices), faces, frames.size, frames.size)
        self.depth = raster.depth
        person = self.head | (frames.labels(index) == Region.NECK)
        edge = max(1, round(EDGE * frames.size))
        self._sure = [binary_erosion(mask, iterations=edge, border_value=1) for mask in (person, self.head)]
        self.around = around_person(frames, index)
        self.triangles = np.unique(raster.triangles[(raster.triangles >= 0) & self.head])

    def outside(self, faces: np.ndarray) -> np.ndarray:
        """Which triangles (F,) lie, by their middles, before the person but outside the head's mask."""
        pixels, _ = project(self.camera, self.vertices[faces].mean(axis=1))
        column, row = np.clip(pixels.astype(int), 0, len(self.head) - 1).T
        return ~self.head[row, column]

    def colours(
        self, triangles: np.ndarray, barycentrics: np.ndarray, neck: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Colours (N, 3), and which of the Gaussians are seen (N,); `neck`: which are the neck's."""
        corners = self.vertices[triangles]
        points = (barycentrics[:, :, None] * corners).sum(axis=1)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        eye = -self.camera.world_to_camera[:3, :3].T @ self.camera.world_to_camera[:3, 3]
        towards = eye - points
        cosine = (normals * towards).sum(axis=1)
        cosine /= np.maximum(np.linalg.norm(normals, axis=1) * np.linalg.norm(towards, axis=1), 1e-12)
        pixels, depth = project(self.camera, points)
        column, row = np.clip(pixels.astype(int), 0, len(self.head) - 1).T
        # Skin beside the jaw does not take the collar's colour.
        shown = np.where(neck, *(sure[row, column] for sure in self._sure)) & (
            cosine > np.where(neck, _NECK_FACING, _FACING)
        )
        return self.picture[row, column], shown & (depth < self.depth[row, column] + NEAR)


def _colours(
    views: list[_Look],
    triangles: np.ndarray,
    barycentrics: np.ndarray,
    faces: np.ndarray,
    points: np.ndarray,
    regions: np.ndarray,
    over_scalp: np.ndarray,
) -> np.ndarray:
    """sRGB (N, 3): the mean of the frames that show a Gaussian; else that of the other half, and of what is near."""
    total, count = np.zeros((len(triangles), 3)), np.zeros(len(triangles))
    for view in views:
        colours, seen = view.colours(faces[triangles], barycentrics, regions == Region.NECK)
        total += colours * seen[:, None]
        count += seen
    known = (count >= 0.25 * len(views)) & ~np.isin(regions, (Region.MOUTH_INSIDE, Region.TEETH))
    colours = total / np.maximum(count, 1)[:, None]
    colours[~known] = borrowed(points, colours, known, regions, over_scalp)[~known]
    colours[regions == Region.MOUTH_INSIDE] = _CAVITY
    colours[regions == Region.TEETH] = _TEETH
    return colours

"""Fits a head's Gaussians to pictures: colours that change with view and pose, opacities and sizes.

Places and rotations stay as they were sculpted, and what mirrors each other stays alike in size and opacity, so the
rig's movements and their symmetry hold as before. What controls move also keeps its opacity: it has to cover in poses
that no picture shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import KDTree

from ..avatar.kinds.linear.model import LinearAvatar
from ..avatar.sparse import SparseDeltas
from ..gaussians import render
from ..gaussians.camera import Camera
from ..gaussians.cloud import Gaussians
from ..training import losses, metrics
from .cycles.cycles_render import Picture
from .cycles.views import FacePose
from .sculpture.surfels import smooth

SEED = 4
MIDDLE = 8e-3  # m
MOST_GROWTH = 0.3
FACE_Y = (-0.040, -0.070)  # m: what a pose changes fades between, towards the ears: its pictures show the front alone
LEAST_CHANGE = 0.07  # of the constant spherical harmonic, 4 of 255 steps of brightness


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a fit goes: steps, the first half of them on pictures of half the size, learning rates at its start (they
    fall to a tenth), and what holds values back."""

    steps: int
    colour_rate: float = 0.03
    sh_rate: float = 0.008
    change_rate: float = 0.015
    opacity_rate: float = 0.04
    size_rate: float = 0.02
    sh_pull: float = 2e-4
    change_pull: float = 2e-4
    size_pull: float = 1e-3


@dataclass(frozen=True)
class Fit:
    """What a fit found.

    Attributes:
        sh: (N, 4, 3).
        opacities: (N,).
        growth: (N, 3), factors of the sizes.
        changes: by pose, (N, 3): what the pose adds to the first spherical harmonic.
    """

    sh: np.ndarray
    opacities: np.ndarray
    growth: np.ndarray
    changes: dict[str, np.ndarray]


def twins(means: np.ndarray) -> np.ndarray:
    """For each of N places the first of those that it or its mirror image (x → -x) coincides with, (N,)."""
    folded = np.abs(means * [1.0, 0.0, 0.0]) + means * [0.0, 1.0, 1.0]
    index = np.arange(len(means))
    for a, b in sorted(KDTree(folded).query_pairs(2e-7)):
        index[b] = min(index[b], index[a])
    return np.unique(index, return_inverse=True)[1]


class Model(torch.nn.Module):
    """The parameters, and the cloud that they make in a pose."""

    def __init__(self, avatar: LinearAvatar, adjustable: np.ndarray, changing: list[str]) -> None:
        super().__init__()
        base = avatar.base
        count = len(base["means"])
        pairs = twins(base["means"])
        still = adjustable.copy()
        still[avatar.deltas["means"].index] = 0
        self.pairs = torch.from_numpy(pairs)
        self.adjustable = torch.from_numpy(adjustable[:, None].astype(np.float32))
        self.front = self.adjustable * torch.from_numpy(smooth(*FACE_Y, base["means"][:, 1:2])).float()
        self.still = torch.from_numpy(still.astype(np.float32))
        self.given_colour = torch.from_numpy(base["sh"][:, 0])
        self.given_opacity = torch.logit(torch.from_numpy(base["opacities"]), 4e-3)
        self.colour = torch.nn.Parameter(torch.zeros(count, 3))
        self.sh_rest = torch.nn.Parameter(torch.zeros(count, 3, 3))
        self.opacity = torch.nn.Parameter(torch.zeros(pairs.max() + 1))
        self.size = torch.nn.Parameter(torch.zeros(pairs.max() + 1, 3))
        self.changes = torch.nn.ParameterDict({name: torch.zeros(count, 3) for name in changing})
        self.avatar = avatar
        self.posed: dict[str, Gaussians] = {}

    def growth(self) -> torch.Tensor:
        """(N, 3), factors between 1 / 1.35 and 1.35."""
        return torch.exp(MOST_GROWTH * self.adjustable * torch.tanh(self.size)[self.pairs])

    def opacities(self) -> torch.Tensor:
        return torch.sigmoid(self.given_opacity + self.still * self.opacity[self.pairs])

    def sh(self) -> torch.Tensor:
        """(N, 4, 3)."""
        colour = self.given_colour + self.adjustable * self.colour
        return torch.cat([colour[:, None], self.adjustable[:, None] * self.sh_rest], dim=1)

    def cloud(self, pose: FacePose) -> Gaussians:
        if pose.name not in self.posed:
            self.posed[pose.name] = self.avatar.pose(weights_of(self.avatar, pose.weights))
        posed = self.posed[pose.name]
        colour = posed.sh[:, 0] - self.given_colour
        if pose.name in self.changes:
            colour = colour + self.front * self.changes[pose.name]
        sh = self.sh() + F.pad(colour[:, None], (0, 0, 0, 3))
        return replace(posed, scales=posed.scales * self.growth(), opacities=self.opacities(), sh=sh)


def weights_of(avatar: LinearAvatar, weights: dict[str, float]) -> np.ndarray:
    """float32 (C,) in the rig's order."""
    return np.array([weights.get(control.name, 0.0) for control in avatar.rig.controls], np.float32)


def fit(
    avatar: LinearAvatar,
    adjustable: np.ndarray,
    pictures: list[Picture],
    changing: list[str],
    settings: Settings,
    progress: Callable[[int, float], None],
) -> Fit:
    """Fits to the pictures, the same every time.

    Args:
        avatar: as it was placed.
        adjustable: (N,) from 0 for what stays as it is to 1.
        pictures: to fit to, with even sides.
        changing: the poses that may change colours.
        settings: how.
        progress: is told the steps done and the difference that the last one saw.
    """
    model = Model(avatar, adjustable, changing)
    groups = [
        {"params": [model.colour], "lr": settings.colour_rate},
        {"params": [model.sh_rest], "lr": settings.sh_rate},
        {"params": list(model.changes.values()), "lr": settings.change_rate},
        {"params": [model.opacity], "lr": settings.opacity_rate},
        {"params": [model.size], "lr": settings.size_rate},
    ]
    optimizer = torch.optim.Adam(groups, fused=True, betas=(0.9, 0.99), eps=1e-12)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1 ** (1 / settings.steps))
    small = [halved(picture) for picture in pictures]
    order = np.random.default_rng(SEED)
    queue: list[int] = []
    for step in range(settings.steps):
        queue = queue or order.permutation(len(pictures)).tolist()
        picture = (small if step < settings.steps // 2 else pictures)[queue.pop()]
        pose = picture.pose
        image = render(model.cloud(pose), picture.camera)
        loss = difference(image.rgb, image.alpha, torch.from_numpy(picture.rgb), torch.from_numpy(picture.alpha))
        held = settings.sh_pull * model.sh_rest.square().mean() + settings.size_pull * model.size.square().mean()
        if pose.name in model.changes:
            held = held + settings.change_pull * model.changes[pose.name].abs().mean()
        optimizer.zero_grad(set_to_none=True)
        (loss + held).backward()
        optimizer.step()
        schedule.step()
        progress(step + 1, loss.item())
    with torch.no_grad():
        changes = {name: (model.front * change).numpy() for name, change in model.changes.items()}
        return Fit(model.sh().numpy(), model.opacities().numpy(), model.growth().numpy(), changes)


def halved(picture: Picture) -> Picture:
    """The picture at half its size; its sides are even."""
    camera = picture.camera
    size = (camera.height // 2, camera.width // 2)
    rgb = picture.rgb.reshape(size[0], 2, size[1], 2, 3).mean(axis=(1, 3))
    alpha = picture.alpha.reshape(size[0], 2, size[1], 2).mean(axis=(1, 3))
    K = camera.K * [[0.5], [0.5], [1.0]]
    return Picture(picture.pose, replace(camera, K=K, width=size[1], height=size[0]), rgb, alpha)


def difference(
    rgb: torch.Tensor, alpha: torch.Tensor, wanted_rgb: torch.Tensor, wanted_alpha: torch.Tensor
) -> torch.Tensor:
    """0.8 L1 + 0.2 D-SSIM of the colours (3D Gaussian Splatting, eq. 7), and L1 of the alphas.

    Colours count where the picture shows the head: discs that reach beyond its outline would else turn dark.
    """
    head = (wanted_alpha > 0.5)[..., None]
    rgb, wanted_rgb = rgb * head, wanted_rgb * head
    colours = 0.8 * losses.l1(rgb, wanted_rgb) + 0.2 * losses.d_ssim(rgb, wanted_rgb)
    return colours + 0.3 * losses.l1(alpha, wanted_alpha)


def fitted(avatar: LinearAvatar, result: Fit) -> LinearAvatar:
    """The avatar with what was found.

    What a pose changes belongs to its control, or to its Left and Right controls, which share it across the middle.
    """
    rows = len(avatar.base["means"])
    base = dict(avatar.base) | {
        "sh": result.sh,
        "opacities": result.opacities,
        "scales": avatar.base["scales"] * result.growth,
    }
    deltas = dict(avatar.deltas)
    sized = deltas["scales"]
    deltas["scales"] = replace(sized, values=sized.values * result.growth[sized.index])
    blocks = len(avatar.rig.controls) + len(avatar.metadata.correctives)
    colours = deltas["sh"].dense(rows) if "sh" in deltas else np.zeros((blocks, rows, 3), np.float32)
    left = smooth(-MIDDLE, MIDDLE, avatar.base["means"][:, :1])
    names = avatar.rig.names
    for name, change in result.changes.items():
        change = np.where(np.abs(change).max(axis=1, keepdims=True) > LEAST_CHANGE, change, 0)
        if name in names:
            colours[names.index(name)] += change
        else:
            colours[names.index(f"{name}Left")] += left * change
            colours[names.index(f"{name}Right")] += (1 - left) * change
    deltas["sh"] = SparseDeltas.from_dense(colours, 0)
    return replace(avatar, base=base, deltas=deltas)


def psnr(avatar: LinearAvatar, picture: Picture) -> float:
    """dB over the pixels that the picture's head covers more than half, colours premultiplied."""
    image = torch.from_numpy(draw(avatar, picture.pose, picture.camera)).clamp(0, 1)
    return metrics.psnr(image, torch.from_numpy(picture.rgb), torch.from_numpy(picture.alpha > 0.5))


def draw(avatar: LinearAvatar, pose: FacePose, camera: Camera) -> np.ndarray:
    """The head in a pose, premultiplied sRGB (H, W, 3)."""
    return np.asarray(render(avatar.pose(weights_of(avatar, pose.weights)), camera).rgb)

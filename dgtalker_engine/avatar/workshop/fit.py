"""Fits a head's Gaussians to pictures: colours that change with view and pose, opacities and sizes.

Places and rotations stay as they were sculpted, and what mirrors each other stays alike in size and opacity, so the
rig's movements and their symmetry hold as before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import KDTree

from ...gaussians import render
from ...gaussians.camera import Camera
from ...gaussians.cloud import Gaussians
from ..head.points import smooth
from ..linear import LinearAvatar
from ..sparse import SparseDeltas
from .shoot import Picture
from .views import Pose

SEED = 4
MIDDLE = 8e-3  # m
LEAST_CHANGE = 0.03  # of the constant harmonic, 2 of 255 steps of brightness


@dataclass(frozen=True)
class Settings:
    """How a fit goes: steps, learning rates at its start (they fall to a tenth), and what holds values back."""

    steps: int = 1500
    colour_rate: float = 0.02
    harmonic_rate: float = 0.004
    change_rate: float = 0.012
    opacity_rate: float = 0.02
    size_rate: float = 0.01
    harmonic_pull: float = 2e-4
    change_pull: float = 2e-4
    size_pull: float = 1e-3


@dataclass(frozen=True)
class Fit:
    """What a fit found.

    Attributes:
        sh: (N, 4, 3).
        opacities: (N,).
        growth: (N, 3), factors of the sizes.
        changes: by pose, (N, 3): what the pose adds to the first harmonic.
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

    def __init__(self, avatar: LinearAvatar, changing: list[str]) -> None:
        super().__init__()
        base = avatar.base
        count = len(base["means"])
        pairs = twins(base["means"])
        self.pairs = torch.from_numpy(pairs)
        opacity = np.zeros(pairs.max() + 1, np.float32)
        opacity[pairs] = base["opacities"]
        self.colour = torch.nn.Parameter(torch.from_numpy(base["sh"][:, 0].copy()))
        self.harmonics = torch.nn.Parameter(torch.zeros(count, 3, 3))
        self.opacity = torch.nn.Parameter(torch.logit(torch.from_numpy(opacity), 4e-3))
        self.size = torch.nn.Parameter(torch.zeros(len(opacity), 3))
        self.changes = torch.nn.ParameterDict({name: torch.zeros(count, 3) for name in changing})
        self.base_colour = torch.from_numpy(base["sh"][:, 0])
        self.avatar = avatar
        self.posed: dict[str, Gaussians] = {}

    def growth(self) -> torch.Tensor:
        return torch.exp(self.size)[self.pairs]

    def cloud(self, pose: Pose) -> Gaussians:
        if pose.name not in self.posed:
            self.posed[pose.name] = self.avatar.pose(weights_of(self.avatar, pose.weights))
        posed = self.posed[pose.name]
        colour = self.colour + posed.sh[:, 0] - self.base_colour
        if pose.name in self.changes:
            colour = colour + self.changes[pose.name]
        sh = torch.cat([colour[:, None], self.harmonics], dim=1)
        opacities = torch.sigmoid(self.opacity)[self.pairs]
        return Gaussians(posed.means, posed.quats, posed.scales * self.growth(), opacities, sh)


def weights_of(avatar: LinearAvatar, weights: dict[str, float]) -> np.ndarray:
    """float32 (C,) in the rig's order."""
    return np.array([weights.get(control.name, 0.0) for control in avatar.rig.controls], np.float32)


def fit(
    avatar: LinearAvatar,
    pictures: list[Picture],
    changing: list[str],
    settings: Settings,
    progress: Callable[[int, float], None],
) -> Fit:
    """Fits to the pictures; `changing` names the poses that may change colours. The same every time."""
    model = Model(avatar, changing)
    groups = [
        {"params": [model.colour], "lr": settings.colour_rate},
        {"params": [model.harmonics], "lr": settings.harmonic_rate},
        {"params": list(model.changes.values()), "lr": settings.change_rate},
        {"params": [model.opacity], "lr": settings.opacity_rate},
        {"params": [model.size], "lr": settings.size_rate},
    ]
    optimizer = torch.optim.Adam(groups, fused=True, betas=(0.9, 0.99), eps=1e-12)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1 ** (1 / settings.steps))
    targets = [(torch.from_numpy(picture.rgb), torch.from_numpy(picture.alpha)) for picture in pictures]
    order = np.random.default_rng(SEED)
    queue: list[int] = []
    for step in range(settings.steps):
        queue = queue or order.permutation(len(pictures)).tolist()
        index = queue.pop()
        pose = pictures[index].pose
        image = render(model.cloud(pose), pictures[index].camera)
        loss = difference(image.rgb, image.alpha, *targets[index])
        held = (
            settings.harmonic_pull * model.harmonics.square().mean() + settings.size_pull * model.size.square().mean()
        )
        if pose.name in model.changes:
            held = held + settings.change_pull * model.changes[pose.name].abs().mean()
        optimizer.zero_grad(set_to_none=True)
        (loss + held).backward()
        optimizer.step()
        schedule.step()
        progress(step + 1, loss.item())
    with torch.no_grad():
        cloud = model.cloud(Pose("rest", {}, ()))
        changes = {name: change.numpy().copy() for name, change in model.changes.items()}
        return Fit(cloud.sh.numpy(), cloud.opacities.numpy(), model.growth().numpy(), changes)


def difference(
    rgb: torch.Tensor, alpha: torch.Tensor, wanted_rgb: torch.Tensor, wanted_alpha: torch.Tensor
) -> torch.Tensor:
    """0.8 L1 + 0.2 D-SSIM of the colours (3D Gaussian Splatting, eq. 7), and L1 of the alphas."""
    direct = (rgb - wanted_rgb).abs().mean()
    return 0.8 * direct + 0.2 * (1 - similarity(rgb, wanted_rgb)) + 0.3 * (alpha - wanted_alpha).abs().mean()


def similarity(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean structural similarity of two pictures (H, W, 3), with square windows of 7 pixels."""
    a, b = a.permute(2, 0, 1)[None], b.permute(2, 0, 1)[None]

    def blurred(picture: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(picture, 7, stride=1)

    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    both = blurred(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    return ((2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean()


def fitted(avatar: LinearAvatar, found: Fit) -> LinearAvatar:
    """The avatar with what was found.

    What a pose changes belongs to its control, or to its Left and Right controls, which share it across the middle.
    """
    rows = len(avatar.base["means"])
    base = dict(avatar.base) | {
        "sh": found.sh,
        "opacities": found.opacities,
        "scales": avatar.base["scales"] * found.growth,
    }
    deltas = dict(avatar.deltas)
    sized = deltas["scales"]
    deltas["scales"] = replace(sized, values=sized.values * found.growth[sized.index])
    blocks = len(avatar.rig.controls) + len(avatar.metadata.correctives)
    colours = deltas["sh"].dense(rows) if "sh" in deltas else np.zeros((blocks, rows, 3), np.float32)
    left = smooth(-MIDDLE, MIDDLE, avatar.base["means"][:, :1])
    names = avatar.rig.names
    for name, change in found.changes.items():
        if name in names:
            colours[names.index(name)] += change
        else:
            colours[names.index(f"{name}Left")] += left * change
            colours[names.index(f"{name}Right")] += (1 - left) * change
    deltas["sh"] = SparseDeltas.from_dense(colours, LEAST_CHANGE)
    return replace(avatar, base=base, deltas=deltas)


def psnr(avatar: LinearAvatar, picture: Picture) -> float:
    """dB over the pixels that the picture's head covers, colours premultiplied."""
    image = draw(avatar, picture.pose, picture.camera)
    inside = picture.alpha > 1 / 255
    return float(-10 * np.log10(np.square(np.clip(image, 0, 1)[inside] - picture.rgb[inside]).mean()))


def draw(avatar: LinearAvatar, pose: Pose, camera: Camera) -> np.ndarray:
    """The head in a pose, premultiplied sRGB (H, W, 3)."""
    return np.asarray(render(avatar.pose(weights_of(avatar, pose.weights)), camera).rgb)

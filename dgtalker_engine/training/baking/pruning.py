"""Gaussians that never matter go, and where more have to, the others take their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...gaussians import Gaussians
from ...gaussians.constants import SH_C0
from .. import losses
from . import pictures
from .blendshapes import Blendshapes
from .source import PICTURE, BakeSource

MOST = 36_000
"""Gaussians that 512² pictures are drawn of at 100 frames/s on two cores."""
LEAST_PIXELS = 0.3
"""Of a picture of 512², of which a Gaussian has to be the whole colour in any that was looked at, beyond frames too."""
STEPS = 160
RATES = {"sh": 0.01, "opacities": 0.03, "scales": 0.01}

Check = Callable[[float], None]


@dataclass(frozen=True)
class Kept:
    """What stays of a model's Gaussians, and the pictures that say so.

    Attributes:
        rows: int64, their rows, in order.
        views: from where all of them were looked at.
        wanted: for each view premultiplied colours (H, W, 3) and alpha (H, W) of all of them.
    """

    rows: np.ndarray
    views: list[pictures.View]
    wanted: list[tuple[torch.Tensor, torch.Tensor]]


def kept(source: BakeSource, check: Check, most: int = MOST) -> Kept:
    """The Gaussians that stay, at most `most`."""
    views, wanted = list(pictures.around(source)), []
    largest = total = np.zeros(0, np.float32)
    for done, view in enumerate(views):
        if not done or not np.array_equal(view.weights, views[done - 1].weights):
            cloud = source.cloud(view.weights)
        wanted.append(pictures.drawn(cloud, view.camera))
        small = pictures.halved(view)
        pixels = (PICTURE / small.camera.width) ** 2
        # The clip's pictures end at shoulders that others will see; they stay, but face and hair come before them.
        beyond, within = (contributions(cloud, each) * pixels for each in (pictures.whole(small, cloud), small))
        largest = np.maximum(largest, beyond) if done else beyond
        total = total + within if done else within
        check(done / len(views))
    rows = np.flatnonzero(largest > LEAST_PIXELS)
    if len(rows) > most:
        rows = np.sort(rows[np.argsort(-total[rows], kind="stable")[:most]])
    return Kept(rows, views, wanted)


def contributions(cloud: Gaussians, view: pictures.View) -> np.ndarray:
    """float32 (N,): of how many pixels each Gaussian is the colour, Σ α T over the picture."""
    # That is the derivative of the picture's sum by the Gaussian's colour.
    sh = torch.zeros((len(cloud), 1, 3), requires_grad=True)
    rgb, _ = pictures.drawn(replace(cloud, sh=sh), view.camera)
    (gradient,) = torch.autograd.grad(rgb.sum(), sh)
    return gradient[:, 0].mean(dim=1).numpy() / SH_C0


def refit(looked_at: Kept, shapes: Blendshapes, posed: Callable[[np.ndarray], Gaussians], check: Check) -> Blendshapes:
    """The blendshapes with colours, opacities and sizes that make up for what was pruned.

    Args:
        looked_at: the pictures that are wanted.
        shapes: what was baked of the rows that are kept.
        posed: its Gaussians at weights.
        check: is told the fraction done.
    """
    views, wanted = looked_at.views, looked_at.wanted
    clouds = [posed(view.weights) for view in views]
    count = len(shapes.base["means"])
    shift = {
        "sh": torch.zeros((count, 1, 3), requires_grad=True),
        "opacities": torch.zeros(count, requires_grad=True),
        "scales": torch.zeros((count, 3), requires_grad=True),
    }
    optimiser = torch.optim.Adam([{"params": [shift[name]], "lr": rate} for name, rate in RATES.items()])
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.1 ** (1 / STEPS))
    order = np.random.default_rng(0)
    for step in range(STEPS):
        index = int(order.integers(len(views)))
        rgb, alpha = pictures.drawn(_shifted(clouds[index], shift), views[index].camera)
        loss = 0.8 * losses.l1(rgb, wanted[index][0]) + 0.2 * losses.d_ssim(rgb, wanted[index][0])
        loss = loss + 0.3 * losses.l1(alpha, wanted[index][1])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        check(step / STEPS)
    return _changed(shapes, {name: each.detach().numpy() for name, each in shift.items()})


def _shifted(cloud: Gaussians, shift: dict[str, torch.Tensor]) -> Gaussians:
    sh = torch.cat([cloud.sh[:, :1] + shift["sh"], cloud.sh[:, 1:]], dim=1)
    opacities = torch.sigmoid(torch.logit(cloud.opacities, 4e-3) + shift["opacities"])
    return replace(cloud, sh=sh, opacities=opacities, scales=cloud.scales * torch.exp(shift["scales"]))


def _changed(shapes: Blendshapes, shift: dict[str, np.ndarray]) -> Blendshapes:
    base = dict(shapes.base)
    base["sh"] = base["sh"].copy()
    base["sh"][:, :1] += shift["sh"]
    growth = np.exp(shift["scales"])
    base["scales"] = base["scales"] * growth
    logits = torch.logit(torch.from_numpy(base["opacities"]), 4e-3).numpy() + shift["opacities"]
    base["opacities"] = (1 / (1 + np.exp(-logits))).astype(np.float32)
    deltas = dict(shapes.deltas)
    if "scales" in deltas:
        sized = deltas["scales"]
        deltas["scales"] = replace(sized, values=sized.values * growth[sized.index])
    return replace(shapes, base=base, deltas=deltas)

"""Coarse to fine: trains what corrects the pictures of a head that is trained (D³-Talker's coarse-to-fine module).

The refiner is trained on the clip's training frames, but for the last of them, which decide whether it is worth having:
what it gains on frames that it was trained with tells nothing about others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from ..avatar.refiner import Reach, Refiner, Sight, Window
from ..avatar.refiner.network import RefinerNetwork
from ..avatar.refiner.refining import carried, recoloured, seen
from ..gaussians import Camera, Gaussians, render
from ..gaussians.placement import placement_of
from ..rig import ARKIT_NAMES
from .clip_frames import ClipFrames, View
from .config import Config, setting
from .export import TrainedHead
from .face_rig import face_rig
from .loop import Run, run_loop
from .metrics import psnr
from .order import Order
from .randomness import seed_all
from .threads import one_torch_thread
from .view_losses import view_losses

_WINDOW = (0.005, 0.995)
"""Of the Gaussians' places along each axis, between which the head is."""
_ROOM = 1.1
_DIRECTIONS, _JUDGED = 64, 12
_LIGHT, _NOISE = 0.02, 0.01
"""By how much pictures that the network is shown are brighter or darker, and how noisy, sRGB."""


@dataclass(frozen=True, kw_only=True)
class RefinementConfig(Config):
    """How a refiner is trained and judged."""

    steps: int = setting(400, "how many steps to train, one frame each", least=1)
    width: int = setting(20, "channels at the finest resolution", least=4, most=32)
    rate: float = setting(2e-3, "learning rate of Adam, falling to 0", least=0)
    weight_decay: float = setting(1e-2, "of AdamW", least=0)
    jitter: float = setting(2.0, "degrees by which the network looks from elsewhere than the frame", least=0)
    held_out: float = setting(0.2, "share of the training frames, the last ones, that judge", least=0.05, most=0.5)
    looks: int = setting(4, "how often they are looked at: the best state is kept", least=1)
    least_gain: float = setting(0.05, "dB inside the head on those frames; with less there is no refiner", least=0)
    ssim_weight: float = setting(0.2, "of D-SSIM beside L1", least=0)
    mouth_weight: float = setting(1.0, "how much more L1 counts around the mouth", least=0)
    size_weight: float = setting(0.1, "of the squares of corrections", least=0)

    mask_weight = 0.0
    """Of `view_losses`: opacities do not change."""


class Refinement(NamedTuple):
    """What came of it.

    Attributes:
        refiner: None where it gained too little.
        gain: dB inside the head on frames that were held out from it.
    """

    refiner: Refiner | None
    gain: float


class _Best:
    """The state of the network that was best so far, as a part of a checkpoint."""

    def __init__(self, network: RefinerNetwork) -> None:
        self.gain = 0.0
        self.network = {name: each.clone() for name, each in network.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        return {"gain": self.gain, "network": self.network}

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        self.gain, self.network = float(state_dict["gain"]), state_dict["network"]


def train_refiner(config: RefinementConfig, frames: ClipFrames, head: TrainedHead, run: Run) -> Refinement:
    """The refiner of a head, where that is worth having.

    Args:
        config: of the training.
        frames: that the head was trained on; those for the test are not looked at.
        head: trained; does not change.
        run: where the checkpoint is, who is told and shown what.

    Raises:
        Cancelled, Interrupted, DGTalkerError: as `training.run_loop`.
    """
    with one_torch_thread():
        return _Training(config, frames, head).run(run)


def as_seen(refiner: Refiner, cloud: Gaussians, camera: Camera, weights: Mapping[str, float]) -> Gaussians:
    """A head in head space, refined for a camera there; `weights` of its rig posed it."""
    return refiner.refined(cloud, weights, Sight.of(placement_of(np.eye(4), camera)))


class SliderWeights:
    """The weights of a person's sliders in the frames of their clip, as `as_seen` takes them."""

    def __init__(self, frames: ClipFrames) -> None:
        rig = face_rig(frames.face_model, np.zeros(0, np.float32))
        self.every = rig.weights(frames.tracks.expression)
        """float32 (T, 52)."""

    def at(self, index: int) -> dict[str, float]:
        """By name those of a frame."""
        return dict(zip(ARKIT_NAMES, self.every[index].tolist(), strict=True))


class _Training:
    def __init__(self, config: RefinementConfig, frames: ClipFrames, head: TrainedHead) -> None:
        self._config, self._frames, self._head = config, frames, head
        self._random = seed_all(config.seed)
        every = list(frames.split.training)
        held = max(1, round(config.held_out * len(every)))
        self._shown, self._held = every[:-held], _spread(every[-held:], _JUDGED)
        self._order = Order(len(self._shown), config.seed)
        self._rows = torch.from_numpy(np.flatnonzero(~head.neck))
        self._window = self._found_window()
        self._sliders = SliderWeights(frames)
        self._reach = self._found_reach(every)
        self._network = RefinerNetwork(config.width)
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(), lr=config.rate, weight_decay=config.weight_decay, betas=(0.9, 0.99)
        )
        self._best = _Best(self._network)
        self._looks = {round(config.steps * (i + 1) / config.looks) for i in range(config.looks)}

    def run(self, run: Run) -> Refinement:
        parts = {
            "model": self._network,
            "optimiser": self._optimiser,
            "random": self._random,
            "best": self._best,
        }
        self._coarse = self._decibels(None)
        run_loop(self._config, self._step, parts, run, preview=self._preview)
        gain = self._best.gain
        if gain < self._config.least_gain:
            return Refinement(None, gain)
        self._network.load_state_dict(self._best.network)
        return Refinement(self._refiner(), gain)

    def _step(self, number: int) -> Mapping[str, Tensor]:
        config = self._config
        index = self._shown[self._order.at(number)[0]]
        view = self._frames.view(index, 1 if number % 4 == 3 else 2)
        cloud = self._cloud(index)
        camera = self._looked_from(view.camera)
        correction = self._network(self._disturbed(seen(cloud, camera))[None])[0]
        picture, image = self._over(view, recoloured(cloud, carried(correction, cloud.means, camera)))
        terms = view_losses(picture, image, view, config)
        terms["size"] = config.size_weight * correction.square().mean()
        for group in self._optimiser.param_groups:
            group["lr"] = config.rate * (1 + np.cos(np.pi * number / config.steps)) / 2
        self._optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        self._optimiser.step()
        if number + 1 in self._looks:
            self._look()
        return {name: term.detach() for name, term in terms.items()}

    @torch.no_grad()
    def _look(self) -> None:
        gain = self._decibels(self._refiner()) - self._coarse
        if gain > self._best.gain:
            self._best.gain = gain
            self._best.network = {name: each.clone() for name, each in self._network.state_dict().items()}

    def _refiner(self) -> Refiner:
        return Refiner(network=self._network, window=self._window, reach=self._reach)

    @torch.no_grad()
    def _decibels(self, refiner: Refiner | None) -> float:
        """PSNR inside the head, the mean over the frames that judge."""
        found: list[float] = []
        for index in self._held:
            view = self._frames.view(index)
            picture, _ = self._over(view, self._cloud(index, refiner))
            found.append(psnr(picture.clamp(0, 1), view.picture, view.head > 0.5))
        return float(np.mean(found))

    @torch.no_grad()
    def _cloud(self, index: int, refiner: Refiner | None = None) -> Gaussians:
        """The whole head in a frame."""
        frames = self._frames
        cloud = self._head.pose(frames.expression(index), frames.joint_pose(index), frames.turn(index))
        return cloud if refiner is None else as_seen(refiner, cloud, frames.camera(index), self._sliders.at(index))

    def _over(self, view: View, cloud: Gaussians) -> tuple[Tensor, Any]:
        """The head over its background (h, w, 3), and alone; without the neck, which the frame has itself."""
        image = render(cloud.map(lambda each: each[self._rows]), view.camera, region=view.region)
        rgb, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
        return rgb + (1 - alpha)[..., None] * view.background, image

    def _looked_from(self, camera: Camera) -> Camera:
        """The network's camera: what it says is to hold a few degrees from where a frame was taken, too."""
        sight = Sight.of(placement_of(np.eye(4), camera))
        turn = Rotation.from_rotvec(np.radians(self._random.normal(0, self._config.jitter, 3)))
        eye = self._window.centre + turn.apply(sight.eye - self._window.centre)
        found = replace(sight, eye=eye).portrait(self._window)
        assert found is not None, "a face is seen from before it"
        return found

    def _disturbed(self, picture: Tensor) -> Tensor:
        """A picture (CHANNELS, H, W) in a slightly other light, and noisy where the head is."""
        light = 1 + _LIGHT * torch.from_numpy(self._random.standard_normal((3, 1, 1), dtype=np.float32))
        noise = _NOISE * torch.from_numpy(self._random.standard_normal(picture[:3].shape, dtype=np.float32))
        return torch.cat([picture[:3] * light + noise * picture[3:], picture[3:]])

    @torch.no_grad()
    def _found_window(self) -> Window:
        model = self._frames.face_model
        cloud = self._head.pose(torch.zeros(len(model.expression_names)), torch.zeros(len(model.joint_names), 3))
        ends = np.quantile(cloud.means[self._rows].numpy(), _WINDOW, axis=0)
        return Window(centre=ends.mean(axis=0), radius=float(_ROOM * np.ptp(ends, axis=0).max() / 2))

    def _found_reach(self, indices: Sequence[int]) -> Reach:
        weights = self._sliders.every[list(indices)]
        ends = zip(ARKIT_NAMES, weights.min(axis=0).tolist(), weights.max(axis=0).tolist(), strict=True)
        sights = [Sight.of(placement_of(np.eye(4), self._frames.camera(i))) for i in _spread(indices, _DIRECTIONS)]
        directions = np.stack([sight.direction(self._window) for sight in sights]).astype(np.float32)
        ranges = {name: (round(least, 3), round(most, 3)) for name, least, most in ends}
        return Reach(directions=directions, ranges=ranges)

    @torch.no_grad()
    def _preview(self) -> np.ndarray:
        """A frame that judges, coarse and refined."""
        index = self._held[len(self._held) // 2]
        view = self._frames.view(index)
        pictures = [self._over(view, self._cloud(index, refiner))[0] for refiner in (None, self._refiner())]
        return torch.cat([view.picture, *pictures], dim=1).clamp(0, 1).numpy()


def _spread(indices: Sequence[int], count: int) -> list[int]:
    """`count` of them, or all where there are fewer, spread evenly."""
    return [indices[i] for i in np.unique(np.linspace(0, len(indices) - 1, count).astype(int))]

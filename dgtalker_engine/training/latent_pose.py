"""What the speaker's own expressions are learned by: a few numbers that follow from what the clip tracked."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from .clip_frames import ClipFrames
from .export import LatentMap

_HIDDEN = 32
_STILL = math.radians(1.0)  # what a head that keeps still turns: its tracking's noise is not blown up


def latent_size(frames: int) -> int:
    """K that a clip of so many training frames supports."""
    return int(min(16, max(4, frames // 15)))


def motion(frames: ClipFrames) -> Tensor:
    """Expression and joints' pose of the training frames (T, E + 3 J)."""
    rows = np.concatenate([frames.tracks.expression, frames.tracks.pose.reshape(len(frames), -1)], axis=1)
    return torch.from_numpy(rows[list(frames.split.training)].astype(np.float32))


class LatentPose(nn.Module):
    """GaussianTalker's equation 16: γ = W_γ(ψ), of what moves the face: expression, joints' pose, the head's turn.

    At first γ is the whitened principal components of the training frames, so each of its K numbers varies by about 1.
    Three more are the head's turn, by its own spread: lights that stand still shade a turned head otherwise, and hair
    hangs otherwise. A smooth bound keeps all near what was seen, since an animator's sliders go farther than the
    speaker did.

    Args:
        inputs: expression and joints' pose of the training frames (T, E + 3 J).
        size: K without the turn.
        turns: of the training frames' heads, axis-angle from their mean (T, 3); None: without the turn.
        mlp: whether a small network adds to the linear map; at first it adds nothing.
        bound: of |γ|.

    Attributes:
        size: K, with the turn.
    """

    mean: Tensor
    turn_spread: Tensor

    def __init__(self, inputs: Tensor, size: int, *, turns: Tensor | None, mlp: bool, bound: float) -> None:
        super().__init__()
        mean = inputs.mean(dim=0)
        _, spread, axes = torch.linalg.svd(inputs - mean, full_matrices=False)
        size = min(size, len(spread))
        deviations = spread[:size] / len(inputs) ** 0.5
        self.bound = bound
        self.register_buffer("mean", mean)
        # Directions that hardly vary are noise of the tracking, and are not blown up to 1.
        self.linear = nn.Parameter(axes[:size].T / (deviations + 0.05))
        self.mlp: nn.Sequential | None = None
        if mlp:
            self.mlp = nn.Sequential(nn.Linear(inputs.shape[1], _HIDDEN), nn.Tanh(), nn.Linear(_HIDDEN, size))
            nn.init.zeros_(self.mlp[2].weight)  # pyright: ignore[reportArgumentType] (a Linear's)
            nn.init.zeros_(self.mlp[2].bias)  # pyright: ignore[reportArgumentType]
        self.register_buffer("turn_spread", inputs[0, :0] if turns is None else turns.std(dim=0) + _STILL)
        self.size = size + len(self.turn_spread)

    def forward(self, expression: Tensor, joint_pose: Tensor, turn: Tensor | None = None) -> Tensor:
        """(E,), (J, 3) and the head's turn from the mean of what was seen (3,), none: 0 → (K,)."""
        latent = self.unbounded(torch.cat([expression, joint_pose.flatten()]))
        if turn is None:
            turn = torch.zeros_like(self.turn_spread)
        latent = torch.cat([latent, turn[: len(self.turn_spread)] / self.turn_spread])
        return self.bound * torch.tanh(latent / self.bound)

    def unbounded(self, motion: Tensor) -> Tensor:
        """(E + 3 J,) → (K,): γ before the bound, without the turn."""
        change = motion - self.mean
        latent = change @ self.linear
        return latent if self.mlp is None else latent + self.mlp(change)


def latent_map(latent: LatentPose, expressions: int) -> LatentMap:
    """γ with the joints at rest; a small network, where there is one, as straight as it is at the mean of the clip."""
    mean = latent.mean.detach()
    slope = torch.autograd.functional.jacobian(latent.unbounded, mean)
    assert isinstance(slope, torch.Tensor)
    offset = latent.unbounded(mean).detach() - slope @ mean
    return LatentMap(linear=slope[:, :expressions].T.cpu().numpy(), offset=offset.cpu().numpy(), bound=latent.bound)

"""Trains the sound encoder: spectra of voices in, the rules' movement and phones out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import DGTalkerError
from ...speech.lipsync.spectrum import BANDS
from ...training import Run, run_loop
from .augment import spec_augment
from .config import LipsyncConfig
from .dataset import Sample
from .model import MOVEMENT_SCALE, SoundEncoder

_QUIET = -2.0
"""What surrounds sounds that are shorter than a crop."""


def train(
    samples: Sequence[Sample], config: LipsyncConfig, run: Run | None = None, device: str = "cpu"
) -> SoundEncoder:
    """A new encoder, or the one of the checkpoint in `run.folder`, trained to the last step.

    The same samples and configuration give the same one, also after interruptions.

    Args:
        samples: of both people and machines, or of one of them.
        config: of the training.
        run: where the checkpoint is kept, and who is told what.
        device: of PyTorch; the encoder comes back to the processor.

    Raises:
        DGTalkerError: there are no samples, the checkpoint cannot be used, or the training diverged.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    batches = _Batches(samples, config)
    random = np.random.default_rng(config.seed)
    torch.manual_seed(int(random.integers(2**31)))
    encoder = SoundEncoder().to(device)
    optimiser = torch.optim.AdamW(encoder.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.steps, pct_start=config.warm_up
    )
    scale = torch.tensor(MOVEMENT_SCALE, device=device)[:, None]
    encoder.train()

    def step(number: int) -> Mapping[str, Tensor]:
        sound, movement, classes = (tensor.to(device) for tensor in batches.draw(random))
        predicted, logits = encoder(sound)
        # The encoder answers for every second frame.
        movement_loss = ((predicted - movement[:, :, ::2] / scale) ** 2).mean()
        phone_loss = nn.functional.cross_entropy(logits, classes[:, ::2], label_smoothing=config.label_smoothing)
        optimiser.zero_grad()
        (movement_loss + config.phone_weight * phone_loss).backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), config.gradient_norm)
        optimiser.step()
        schedule.step()
        return {"movement": movement_loss.detach(), "phones": phone_loss.detach()}

    parts = {"encoder": encoder, "optimiser": optimiser, "schedule": schedule, "random": random}
    run_loop(config, step, parts, run or Run())
    return encoder.eval().cpu()


class _Batches:
    """Draws crops of samples: of people and of machines in a fixed proportion, long ones more often than short ones."""

    def __init__(self, samples: Sequence[Sample], config: LipsyncConfig) -> None:
        if not any(len(sample.classes) for sample in samples):
            raise DGTalkerError(
                "The sound encoder cannot be trained: there is no sound to learn from.",
                "Install espeak-ng and flite, or give recordings of people with --data.",
            )
        self._config = config
        self._groups = [[sample for sample in samples if sample.real is real] for real in (True, False)]
        self._lengths = [np.cumsum([len(sample.classes) for sample in group], dtype=float) for group in self._groups]
        self._real_share = config.real_share if all(self._groups) else float(bool(self._groups[0]))

    def draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Spectra (batch, bands, crop), movement (batch, channels, crop) and classes of phones (batch, crop)."""
        chosen = []
        for _ in range(self._config.batch):
            kind = int(random.random() >= self._real_share)
            position = random.random() * self._lengths[kind][-1]
            chosen.append(self._groups[kind][int(np.searchsorted(self._lengths[kind], position, side="right"))])
        crop = self._config.crop
        sound = np.zeros((len(chosen), BANDS, crop), np.float32)
        movement = np.zeros((len(chosen), len(MOVEMENT_SCALE), crop), np.float32)
        classes = np.zeros((len(chosen), crop), np.int64)
        for i, sample in enumerate(chosen):
            length = min(len(sample.classes), crop)
            start = int(random.integers(0, len(sample.classes) - length + 1))
            window = slice(start, start + length)
            sound[i] = _QUIET
            sound[i, :, :length] = spec_augment(sample.energies[window].astype(np.float32), random).T
            movement[i, :, :length] = sample.movement[window].T
            classes[i, :length] = sample.classes[window]
        return torch.from_numpy(sound), torch.from_numpy(movement), torch.from_numpy(classes)

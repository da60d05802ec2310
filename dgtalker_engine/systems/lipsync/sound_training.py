"""Teaches the sound encoder: voices in, the rules' movement and phones out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...speech.lipsync.encoders import SoundEncoder
from ...speech.lipsync.spectrum import BANDS

MOVEMENT_SCALE = np.array([0.15, 0.12, 0.07, 0.1, 0.2, 0.08, 0.05, 0.35, 0.3], np.float32)
"""About the standard deviation of each of `encoders.CHANNELS` in speech."""

_CROP, _BATCH = 400, 16
_RATE, _REAL, _SAY = 2e-3, 0.65, 50


@dataclass(frozen=True)
class Lesson:
    """A sound and what is to be said of it.

    Attributes:
        voice: who speaks.
        real: whether a person does.
        energies: `spectrum.normalised`, float16 (n, bands).
        movement: `teacher.movement` (n, channels).
        classes: `teacher.phone_classes` (n,).
    """

    voice: str
    real: bool
    energies: np.ndarray
    movement: np.ndarray
    classes: np.ndarray


def teach(
    lessons: list[Lesson], *, steps: int, random: np.random.Generator, device: str, say: Callable[[str], None]
) -> SoundEncoder:
    """A new encoder; the same lessons, steps and random numbers give the same one.

    Args:
        lessons: two thirds of each batch come from real voices where there are any.
        device: of PyTorch; the encoder comes back to the processor.
    """
    torch.manual_seed(int(random.integers(2**31)))
    encoder = SoundEncoder().to(device)
    optimiser = torch.optim.AdamW(encoder.parameters(), _RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps, pct_start=0.05)
    groups = [[lesson for lesson in lessons if lesson.real is real] for real in (True, False)]
    chances = [np.cumsum([len(lesson.classes) for lesson in group], dtype=float) for group in groups]
    share = _REAL if all(groups) else float(bool(groups[0]))
    scale = torch.tensor(MOVEMENT_SCALE, device=device)[:, None]
    mean = np.zeros(2)
    encoder.train()
    for step in range(steps):
        chosen = []
        for _ in range(_BATCH):
            kind = int(random.random() >= share)
            place = random.random() * chances[kind][-1]
            chosen.append(groups[kind][int(np.searchsorted(chances[kind], place, side="right"))])
        sound, movement, classes = (part.to(device) for part in _crops(chosen, random))
        moved, logits = encoder(sound)
        parts = (
            ((moved - movement[:, :, ::2] / scale) ** 2).mean(),
            nn.functional.cross_entropy(logits, classes[:, ::2], label_smoothing=0.05),
        )
        loss: Tensor = parts[0] + 0.5 * parts[1]
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        mean += max(0.02, 1 / (step + 1)) * (np.array([float(part.detach()) for part in parts]) - mean)
        if (step + 1) % _SAY == 0:
            say(f"step {step + 1} of {steps}: movement {mean[0]:.3f}, phones {mean[1]:.3f}")
    return encoder.eval().cpu()


def _crops(chosen: list[Lesson], random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    sound = np.zeros((len(chosen), BANDS, _CROP), np.float32)
    movement = np.zeros((len(chosen), len(MOVEMENT_SCALE), _CROP), np.float32)
    classes = np.zeros((len(chosen), _CROP), np.int64)
    for i, lesson in enumerate(chosen):
        length = min(len(lesson.classes), _CROP)
        start = int(random.integers(0, len(lesson.classes) - length + 1))
        part = slice(start, start + length)
        sound[i] = -2.0
        sound[i, :, :length] = disguised(lesson.energies[part].astype(np.float32), random).T
        movement[i, :, :length] = lesson.movement[part].T
        classes[i, :length] = lesson.classes[part]
    return torch.from_numpy(sound), torch.from_numpy(movement), torch.from_numpy(classes)


def disguised(energies: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Another throat (bands stretched), microphone (bands louder or softer), and some bands and moments missing."""
    bands = np.clip(np.arange(BANDS) * random.uniform(0.88, 1.14) + random.uniform(-2, 2), 0, BANDS - 1)
    lower = bands.astype(int)
    part = (bands - lower).astype(np.float32)
    energies = energies[:, lower] * (1 - part) + energies[:, np.minimum(lower + 1, BANDS - 1)] * part
    colour = np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 7), random.normal(0.0, 0.2, 7))
    energies = energies * random.uniform(0.85, 1.2) + colour.astype(np.float32)
    if random.random() < 0.5:
        first = int(random.integers(0, BANDS - 12))
        energies[:, first : first + int(random.integers(2, 13))] = float(energies.mean())
    if random.random() < 0.4:
        first = int(random.integers(0, max(len(energies) - 12, 1)))
        energies[first : first + int(random.integers(2, 11))] = float(energies.mean())
    return energies + random.normal(0.0, 0.05, energies.shape).astype(np.float32)

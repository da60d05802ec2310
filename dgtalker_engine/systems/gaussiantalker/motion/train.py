"""Trains the motion translator over clips of many people: equations 2 to 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ....errors import DGTalkerError
from ....speech.hearing.moments import PHONE_INPUTS
from ....training import Run, one_torch_thread, run_loop, seed_all
from . import losses
from .config import MotionConfig
from .dataset import Batches, Sample, scale_of
from .model import ANYONE, LipReader, MotionTranslator

_KNOWN = PHONE_INPUTS - 2
"""The column of `Heard.phones` that says whether words were recognised."""


def speakers_of(samples: Sequence[Sample]) -> list[str]:
    """Who speaks, in the order of the embedding."""
    return sorted({sample.speaker for sample in samples})


def train(
    samples: Sequence[Sample], lips: Tensor, config: MotionConfig, run: Run | None = None, device: str = "cpu"
) -> MotionTranslator:
    """A new translator, or the one of the checkpoint in `run.folder`, trained to the last step.

    The same samples and configuration give the same one, also after interruptions.

    Args:
        samples: clips, all with as many timbres.
        lips: `dataset.lip_basis` (N, K, 3).
        config: of the training.
        run: where the checkpoint is kept, and who is told what.
        device: of PyTorch; the translator comes back to the processor.

    Raises:
        DGTalkerError: there are no samples, the checkpoint cannot be used, or the training diverged.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    if not samples:
        raise DGTalkerError("There is no clip to learn motion from.", "Give clips in which somebody speaks.")
    speakers = speakers_of(samples)
    random = seed_all(config.seed)
    width = samples[0].heard.sound.shape[-1]
    model = MotionTranslator(config, width, len(speakers))
    model.set_scale(scale_of(samples, speakers))
    model.to(device).train()
    units = LipUnits(lips, model).to(device)
    # Needed in training alone: E_lip of eq. 7 and D_asr of eq. 3.
    readers = nn.ModuleDict(
        {
            "lips": LipReader(lips.shape[1], width, config),
            "words": nn.Linear(config.width, samples[0].heard.words.shape[-1]),
        }
    ).to(device)
    parameters = [*model.parameters(), *readers.parameters()]
    optimiser = torch.optim.AdamW(parameters, config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.steps, pct_start=config.warm_up
    )
    batches = Batches(samples, speakers)
    blank = samples[0].heard.blank

    def step(number: int) -> Mapping[str, Tensor]:
        drawn = (tensor.to(device) for tensor in batches.draw(random, config))
        phones, sound, other, words, curves, weight, person = drawn
        nameless = torch.from_numpy(random.random(len(person)) < config.anyone).to(device)
        wordless = torch.from_numpy(random.random(len(person)) < config.phones_unknown).to(device)
        motion, audio = model(
            _unrecognised(phones, wordless), sound, torch.where(nameless, torch.full_like(person, ANYONE), person)
        )
        wanted = model.motion(curves, person)
        terms = {"parameters": losses.reconstruction(motion, wanted, weight)}
        if config.vertices or config.latent:
            moved, seen = units(motion), units(wanted)
        if config.vertices:
            terms["vertices"] = losses.reconstruction(moved, seen, weight)
        if config.smoothness:
            terms["smoothness"] = losses.smoothness(motion, wanted, weight)
        if config.latent:
            # The words as the frozen features have them, E_asr(A).
            terms["latent"] = losses.reconstruction(readers["lips"](moved), model.scaled_sound(sound), weight)
        if config.contrast:
            positive = model.encoder(model.scaled_sound(other))
            terms["contrast"] = losses.contrast(
                audio, positive, segments=config.segments, temperature=config.temperature
            )
        if config.text:
            logits = readers["words"](audio)
            terms["text"] = losses.text(logits, words) if blank is None else losses.ctc(logits, words, blank)
        optimiser.zero_grad()
        torch.stack([getattr(config, name) * term for name, term in terms.items()]).sum().backward()
        nn.utils.clip_grad_norm_(parameters, config.gradient_norm)
        optimiser.step()
        schedule.step()
        return {name: term.detach() for name, term in terms.items()}

    parts = {"model": model, "readers": readers, "optimiser": optimiser, "schedule": schedule, "random": random}
    with one_torch_thread():  # its operations are small
        run_loop(config, step, parts, run or Run())
    return model.eval().cpu()


class LipUnits(nn.Module):
    """Curves to the vertices of the lips, linear, in standard deviations of their movement."""

    def __init__(self, lips: Tensor, model: MotionTranslator) -> None:
        super().__init__()
        moved = lips * model.get_buffer("deviation").to(lips)[:, None, None]
        self.register_buffer("basis", moved / moved.square().sum(0).mean().sqrt().clamp(min=1e-9))

    def forward(self, motion: Tensor) -> Tensor:
        """(batch, T, N) to (batch, T, K, 3)."""
        return torch.einsum("btn,nkc->btkc", motion, self.get_buffer("basis"))


def _unrecognised(phones: Tensor, wordless: Tensor) -> Tensor:
    """Phones (batch, T, PHONE_INPUTS), in some sequences (batch,) as where no words were recognised."""
    kept = torch.ones(len(phones), 1, phones.shape[-1], device=phones.device, dtype=phones.dtype)
    kept[wordless, :, : _KNOWN + 1] = 0.0
    return phones * kept

"""Adapts the motion translator to one person: their embedding, and the light parts of the decoder."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ....errors import DGTalkerError
from ....speech.hearing.moments import RATE
from ....training import Run, one_torch_thread, run_loop, seed_all
from . import losses
from .config import AdaptationConfig
from .dataset import Batches, Sample, scale_of, shifted
from .model import ANYONE, MotionTranslator
from .train import LipUnits

PERSON = ANYONE + 1
"""The row of the one person's embedding."""

_PERSONAL = ("identity.", "amplitude.", "decoder.norm.", "decoder.exit.", "straight.")
_PERSONAL_SUFFIXES = (".before_attention.weight", ".before_attention.bias", ".before_feed.weight", ".before_feed.bias")


def adapt(
    base: MotionTranslator, sample: Sample, lips: Tensor, config: AdaptationConfig, run: Run | None = None
) -> MotionTranslator:
    """A translator that speaks as the person of a clip does; the base stays as it is.

    What the clip's lips are late or early by against its sound is found with the base first and taken out.

    Args:
        base: trained over all clips, for the features that the sample was heard with.
        sample: the clip, or the part of it that may be learned from.
        lips: `dataset.lip_basis`.
        config: of the training.
        run: where the checkpoint is kept, and who is told what.

    Raises:
        DGTalkerError: the checkpoint cannot be used, the features are not the base's, or the training diverged.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    width = len(base.get_buffer("sound_mean"))
    if sample.heard.sound.shape[-1] != width:
        raise DGTalkerError(
            f"{sample.name} was heard with {sample.heard.sound.shape[-1]} features, the motion model with {width}.",
            "Use the sound features that the motion model was trained with.",
        )
    random = seed_all(config.seed)
    model = of_one(base, sample)
    model.train()
    stay = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    moving = {name: tensor for name, tensor in model.named_parameters() if _is_personal(name)}
    for name, tensor in model.named_parameters():
        tensor.requires_grad_(name in moving)
    units = LipUnits(lips, model)
    sample = shifted(sample, _lag(model, sample, units, config.latest))
    optimiser = torch.optim.Adam(moving.values(), config.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * min(step / config.steps, 1)))
    )
    batches = Batches([sample], [sample.speaker])
    stay_weight = config.stay * RATE / float(sample.weight.sum())

    def step(number: int) -> Mapping[str, Tensor]:
        crops = batches.draw(random, config)
        motion, _ = model(crops.phones, crops.sound, crops.person)
        wanted = model.motion(crops.curves, crops.person)
        terms = {
            "parameters": losses.reconstruction(motion, wanted, crops.weight),
            "vertices": losses.reconstruction(units(motion), units(wanted), crops.weight),
            "smoothness": config.smoothness * losses.smoothness(motion, wanted, crops.weight),
            "stay": stay_weight * sum((moving[name] - stay[name]).square().sum() for name in moving),
        }
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
        schedule.step()
        return {name: term.detach() for name, term in terms.items()}

    parts = {"model": model, "optimiser": optimiser, "schedule": schedule, "random": random}
    with one_torch_thread():  # its operations are small
        run_loop(config, step, parts, run or Run())
    model.requires_grad_(True)
    return model.eval()


def of_one(base: MotionTranslator, sample: Sample) -> MotionTranslator:
    """The base with one person, who moves as anyone does about what is usual for the sample's."""
    width = len(base.get_buffer("sound_mean"))
    model = MotionTranslator(base.config, width, 1)
    state = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    state["identity.weight"] = state["identity.weight"][[ANYONE, ANYONE]]
    state["usual"] = torch.stack([state["usual"][ANYONE], scale_of([sample], [sample.speaker]).usual[PERSON]])
    model.load_state_dict(state)
    return model.eval()


def lag_of(base: MotionTranslator, sample: Sample, lips: Tensor, latest: float) -> float:
    """By how many seconds a sample's lips are late against its sound, where the base's movement fits them best.

    Args:
        base: trained over all clips.
        sample: not longer than what fits into memory at once: a minute or two.
        lips: `dataset.lip_basis`.
        latest: seconds that are tried to either side.
    """
    model = of_one(base, sample)
    return _lag(model, sample, LipUnits(lips, model), latest)


@torch.inference_mode()
def _lag(model: MotionTranslator, sample: Sample, units: nn.Module, latest: float) -> float:
    """`lag_of` with what it needs, `of_one`."""
    model = model.eval()
    person = torch.tensor([PERSON])
    phones, sound = torch.from_numpy(sample.heard.phones), torch.from_numpy(sample.heard.sound[0])
    predicted = units(model(phones[None], sound[None], person)[0])[0].flatten(1)
    likeness = {}
    for moments in range(-round(latest * RATE), round(latest * RATE) + 1):
        moved = shifted(sample, moments / RATE)
        weight = torch.from_numpy(moved.weight)[:, None]
        seen = units(model.motion(torch.from_numpy(moved.curves)[None], person))[0].flatten(1)
        a, b = (x - (x * weight).sum(0) / weight.sum() for x in (predicted, seen))
        size = ((a * a * weight).sum() * (b * b * weight).sum()).sqrt()
        likeness[moments / RATE] = float((a * b * weight).sum() / size.clamp(min=1e-9))
    model.train()
    return max(likeness, key=lambda seconds: (likeness[seconds], -abs(seconds)))


def _is_personal(name: str) -> bool:
    return name.startswith(_PERSONAL) or name.endswith(_PERSONAL_SUFFIXES)

"""Pre-training: several people at once share the general field, and each has a static and an individual field."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...errors import DGTalkerError
from ...gaussians import Gaussians
from ...speech.hearing.moments import Heard
from ...training import Run, one_torch_thread, run_loop, setting
from ...training.bound_gaussians.training import RATES
from ...training.checkpoints import Parts
from ...training.clip_frames import ClipFrames
from .config import D3TalkerConfig
from .contrast import similarity_contrastive_loss
from .fields import MEANS, UNITS
from .model import D3Talker
from .prior import SHARED
from .probe import identity_accuracy
from .sound import ExpressionCode
from .train import ENCODER_RATES, Training

_PROBED = 40  # frames of each
_SOUND_RATE = 3e-4  # minutes of sound teach more than seconds
_SPARE = 4  # one of so many frames sets the motion's units


@dataclass(frozen=True, kw_only=True)
class PretrainConfig(D3TalkerConfig):
    """The pre-training; its `steps` are those of all people together, who take turns."""

    contrast_weight: float = setting(0.01, "of the similarity contrastive loss; 0: without it", least=0)
    temperature: float = setting(0.1, "its τ", least=1e-3)


class Somebody(NamedTuple):
    """A person to learn from: prepared frames, and what is heard of them."""

    frames: ClipFrames
    heard: Heard


def pretrain(config: PretrainConfig, people: Sequence[Somebody], run: Run) -> list[D3Talker]:
    """Heads of the people, which share `prior.SHARED`.

    Args:
        config: of the training.
        people: two or more, with the same face model.
        run: where the checkpoint is, who is told what.

    Raises:
        DGTalkerError: somebody does not speak, the checkpoint is of another training, or the training diverged.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    with one_torch_thread():
        training = _Pretraining(config, people)
        run_loop(config, training.step, training.parts, run)
    return [each.model.eval() for each in training.people]


class _Person(Training):
    """One person's share: what is shared has its learning rate elsewhere."""

    all: Sequence[_Person] = ()
    own = 0

    def prepare(self) -> None:
        super().prepare()
        self.rates = {**RATES, "individual": self.config.field_rate}

    def posed(self, index: int, number: int, turn: Tensor | None) -> tuple[Gaussians, Tensor]:
        posed = super().posed(index, number, turn)
        config = self.config
        assert isinstance(config, PretrainConfig)
        # before anything is learned deformations have no direction
        if config.contrast_weight and bool(self.general.any()):
            code = self.individual_code
            assert code is not None
            means = [_individual_means(person.model, code) for person in self.all]
            # others' fields learn in their own turns
            means = [each if number == self.own else each.detach() for number, each in enumerate(means)]
            general = self.general[self.model.common, MEANS]
            loss = similarity_contrastive_loss(general, means, self.own, config.temperature)
            self.terms["contrast"] = config.contrast_weight * loss
        return posed


def _individual_means(head: D3Talker, code: Tensor) -> Tensor:
    """Δμ_I of a code at the places that all people have (P, 3)."""
    assert head.individual is not None
    return head.individual(code)[head.common, MEANS]


class _Pretraining:
    def __init__(self, config: PretrainConfig, people: Sequence[Somebody]) -> None:
        # what nobody will look at needs no completion
        one = replace(config, steps=math.ceil(config.steps / len(people)), completed=False)
        self.people = [_Person(one, each.frames, each.heard) for each in people]
        if any(each.individual is None for each in self.people):
            raise DGTalkerError("In one of the clips nobody speaks.", "Leave it out.")
        first = self.people[0].model
        # one code for what everybody's face does, about their own mean
        about_mean = [each.expressions - each.expressions.mean(dim=0) for each in self.people]
        common = ExpressionCode(torch.cat(about_mean), config.code)
        for number, person in enumerate(self.people):
            person.all, person.own = self.people, number
            sliders = person.model.sliders
            assert sliders is not None
            sliders.deviation.copy_(common.deviation)
            sliders.linear.load_state_dict(common.linear.state_dict())
            person.model.said = common.said()
            for name in SHARED:
                setattr(person.model, name, _alike(getattr(person.model, name), getattr(first, name)))
        # all are heard in the same units
        assert first.sound is not None
        codes = torch.cat([common(each) for each in about_mean])
        first.sound.begin(torch.cat([each.windows for each in self.people]), codes)
        for person in self.people[1:]:
            for name in ("sound.mean", "sound.deviation"):
                person.model.get_buffer(name).copy_(first.get_buffer(name))
        shown = [each.model.maps(each.shown()[::_SPARE]) for each in self.people]
        first.motion.set_scale(torch.cat(shown))
        rates = {**ENCODER_RATES, "sound": _SOUND_RATE, "general": config.field_rate}
        groups = [{"params": list(getattr(first, name).parameters()), "lr": rates[name]} for name in SHARED]
        self.rates = [rates[name] / config.field_rate for name in SHARED]
        self.optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99), fused=True)

    @property
    def parts(self) -> Parts:
        parts = {f"{n} {name}": part for n, each in enumerate(self.people) for name, part in each.parts.items()}
        return {**parts, "shared": self.optimiser}

    def step(self, number: int) -> Mapping[str, Tensor]:
        turn, person = divmod(number, len(self.people))
        self.optimiser.zero_grad()
        terms = self.people[person].step(turn)
        own = self.people[person].optimiser.param_groups
        now = next(group["lr"] for group in own if group["name"] == "individual")
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = now * rate
        self.optimiser.step()
        return terms


def _alike(own: nn.Module, shared: nn.Module) -> nn.Module:
    """A module with the parameters of another one; where its places are stays its own."""
    for name, part in own.named_modules():
        other = shared.get_submodule(name)
        for key in part._parameters:
            part._parameters[key] = other._parameters[key]
    return own


@torch.no_grad()
def readable(heads: Sequence[D3Talker], people: Sequence[Somebody]) -> tuple[float, float]:
    """How often a linear probe reads from δ_G and from δ_I of their own frames who somebody is.

    Args:
        heads: of `pretrain`.
        people: as given there.
    """
    general, individual, who = [], [], []
    for number, (head, (frames, _)) in enumerate(zip(heads, people, strict=True)):
        assert head.individual is not None
        for index in frames.spread(_PROBED):
            codes = head.codes(frames.vertices(index), frames.expression(index), None)
            assert codes[1] is not None
            general.append((head.general(codes[0]) / UNITS)[head.common].flatten())
            individual.append((head.individual(codes[1]) / UNITS)[head.common].flatten())
            who.append(number)
    identities = torch.tensor(who)
    return identity_accuracy(torch.stack(general), identities), identity_accuracy(torch.stack(individual), identities)

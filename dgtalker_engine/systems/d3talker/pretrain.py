"""Pre-training: several people at once share the general field, and each has a static and an individual field."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from statistics import fmean
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
from .probe import identity_accuracy, looks, recovered
from .sound import ExpressionCode
from .train import ENCODER_RATES, Training

_TOGETHER = (*SHARED, "sound", "sliders", "said")  # what people share while they are trained
_PROBED = 40  # frames of each
_SOUND_RATE = 3e-4  # minutes of sound teach more than seconds
_SPARE = 4  # one of so many frames sets the motion's units


@dataclass(frozen=True, kw_only=True)
class PretrainConfig(D3TalkerConfig):
    """The pre-training; its `steps` are those of all people together, who take turns.

    Static fields are coarser than those of heads: what people share is no finer than a picture of 256 pixels, and what
    no frame shows of somebody is nothing that people share.
    """

    steps: int = setting(6000, "how many steps to train, one frame each", least=1)
    share: float = setting(0.8, "the share of each one's frames that train; probes read the others",
                           least=0.1, most=0.95)  # fmt: skip
    half_share: float = setting(
        1.0, "the share of the steps, from the first on, at half the resolution", least=0, most=1
    )
    face_gaussians: int = setting(10_000, "Gaussians bound to the face model at first", least=1)
    hair_gaussians: int = setting(4_000, "Gaussians bound to the hair's shell at first", least=0)
    neck_gaussians: int = setting(0, "Gaussians bound to the face model's neck", least=0)
    most_gaussians: int = setting(18_000, "density control makes no more Gaussians than that", least=1)
    completed: bool = setting(False, "whether what no frame shows is made of its surroundings at the end")
    surroundings_weight: float = setting(0.0, "of what holds Gaussians that frames hardly show", least=0)
    semantic_weight: float = setting(0.0, "λ_seg of GaussianTalker's equation 23", least=0)

    others: int = setting(6, "people that a step's loss tells its own from", least=1)
    contrast_weight: float = setting(0.01, "of the similarity contrastive loss; 0: without it", least=0)
    temperature: float = setting(0.1, "its τ", least=1e-3)


class Somebody(NamedTuple):
    """A person to learn from: prepared frames, and what is heard of them."""

    frames: ClipFrames
    heard: Heard


def pretrain(config: PretrainConfig, people: Sequence[Somebody], run: Run) -> list[D3Talker]:
    """Heads of the people, which share `prior.SHARED`, and how sound is heard.

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
            # others' fields learn in their own turns
            with torch.no_grad():
                means = [_individual_means(self.all[other].model, code) for other in self._others(config.others)]
            means.append(_individual_means(self.model, code))
            general = self.general[self.model.common, MEANS]
            loss = similarity_contrastive_loss(general, means, len(means) - 1, config.temperature)
            self.terms["contrast"] = config.contrast_weight * loss
        return posed

    def _others(self, count: int) -> list[int]:
        """Some of them, others each time."""
        shuffled = torch.randperm(len(self.all)).tolist()
        return [number for number in shuffled if number != self.own][:count]


def _individual_means(head: D3Talker, code: Tensor) -> Tensor:
    """Δμ_I of a code at the places that all people have (P, 3)."""
    assert head.individual is not None
    return head.individual(code)[head.common, MEANS]


class _Pretraining:
    def __init__(self, config: PretrainConfig, people: Sequence[Somebody]) -> None:
        one = replace(config, steps=math.ceil(config.steps / len(people)))
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
            for name in _TOGETHER:
                setattr(person.model, name, _alike(getattr(person.model, name), getattr(first, name)))
        # all are heard in the same units
        assert first.sound is not None
        codes = torch.cat([common(each) for each in about_mean])
        first.sound.begin(torch.cat([each.windows for each in self.people]), codes, common.said().weight)
        for person in self.people[1:]:
            for name in ("sound.mean", "sound.deviation"):
                person.model.get_buffer(name).copy_(first.get_buffer(name))
        shown = [each.model.maps(each.shown()[::_SPARE]) for each in self.people]
        first.motion.set_scale(torch.cat(shown))
        rates = {**ENCODER_RATES, "sound": _SOUND_RATE, "general": config.field_rate}
        groups = [{"params": list(getattr(first, name).parameters()), "lr": rates[name]} for name in _TOGETHER]
        self.rates = [rates[name] / config.field_rate for name in _TOGETHER]
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
    """How often a linear probe reads from δ_G and from δ_I who somebody is, in frames that trained nothing.

    Args:
        heads: of `pretrain`.
        people: as given there.
    """
    said: list[list[Tensor]] = [[], [], [], []]  # what is learned from and what is asked about, of each field
    who: list[list[int]] = [[], []]
    for number, (head, (frames, _)) in enumerate(zip(heads, people, strict=True)):
        assert head.individual is not None
        for part, indices in enumerate((frames.spread(_PROBED), frames.split.test[:_PROBED])):
            for index in indices:
                general, individual = head.codes(frames.vertices(index), frames.expression(index), None)
                assert individual is not None
                said[part].append((head.general(general) / UNITS)[head.common].flatten())
                said[2 + part].append((head.individual(individual) / UNITS)[head.common].flatten())
                who[part].append(number)
    learned, tested = (torch.tensor(each) for each in who)
    rows = [torch.stack(each) for each in said]
    return identity_accuracy(rows[0], learned, rows[1], tested), identity_accuracy(rows[2], learned, rows[3], tested)


class Recovered(NamedTuple):
    """`probe.recovered` of people's shape and colours, means over those trained with and over others.

    What a field of random numbers says of them tells how much is chance.
    """

    shape: tuple[float, float]
    colours: tuple[float, float]
    shape_by_chance: tuple[float, float]
    colours_by_chance: tuple[float, float]


def recovered_looks(heads: Sequence[D3Talker], people: Sequence[Somebody], others: Sequence[ClipFrames]) -> Recovered:
    """How much of those who were trained with the general field can say of what they look like, and of others.

    Args:
        heads: of `pretrain`.
        people: as given there.
        others: frames of people that were not.
    """
    vertices, everybody = looks([*(each.frames for each in people), *others])
    head = heads[0]
    found = {int(vertex): place for place, vertex in reversed(list(enumerate(head.common_vertices.tolist())))}
    places = head.common[torch.tensor([found[int(vertex)] for vertex in vertices])]
    chance = deepcopy(head.general)
    for parameter in chance.parameters():
        nn.init.normal_(parameter)
    shares = [
        each.tolist()
        for field in (head.general, chance)
        for each in recovered(field, places, everybody, head.motion.code)
    ]
    return Recovered(*((fmean(each[: len(people)]), fmean(each[len(people) :])) for each in shares))

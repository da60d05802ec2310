"""Trains the prior on the population: supervised, where everything is known, and by pictures of it.

A generator that is taught what each code's person looks like is trained in hours on a processor, where an adversarial
one takes days of GPUs; and since codes are the population's own numbers, each of them is a slider afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from ....capture.face_model import FaceModel, Region
from ....gaussians import Camera, Gaussians, render
from ....training import Run, losses, one_torch_thread, run_loop, seed_all
from ....training.checkpoints import FILE
from ....training.stages import Stages, told_fractions
from ..attributes import Heads, Raw, activated
from ..generator import Generator
from ..places import even_template
from ..population.people import Population
from ..population.traits import draw, identity_of
from ..template import Template, posed
from .basis import Basis, principal_basis
from .config import PriorConfig
from .losses import attribute_error, face_error
from .samples import draw_expression, draw_view, view

_PREVIEWS, _PREVIEW_SIDE = 6, 160
_CODES_STEPS, _CODES_BATCH, _CODES_RATE = 8000, 256, 5e-2
_SECONDS = {"basis": 700.0, "train": 4000.0}
_BASIS_SHARE = 0.95
"""Of what comes before the steps."""
_KNOWN_RATE = 0.1
_LESS = {Region.NECK: 0.5, Region.MOUTH_INSIDE: 0.5}


class Sample:
    """Heads of the population, and who they are.

    Attributes:
        codes: (B, `CODE_SIZE`).
        expressions: (B, E).
        raw: what planes should say of them.
        places: the template on their faces.
    """

    def __init__(self, population: Population, codes: np.ndarray, expressions: np.ndarray) -> None:
        people = [population.person(code) for code in codes]
        each = [population.raw(person, shown) for person, shown in zip(people, expressions, strict=True)]
        self.codes, self.expressions = torch.from_numpy(codes), torch.from_numpy(expressions)
        self.raw = Raw(*(torch.cat(parts) for parts in zip(*each, strict=True)))
        identity = torch.from_numpy(np.stack([person.identity for person in people]))
        self.places = posed(population.template, population.model, identity, self.expressions)
        self.heads = activated(self.raw, self.places, population.config)


def train(model: FaceModel, config: PriorConfig, run: Run | None = None, template: Template | None = None) -> Generator:
    """A generator, new or from the checkpoint in `run.folder`, trained to the last step; its averaged weights.

    The same configuration gives the same one, also after interruptions.

    Args:
        model: the face model.
        config: of the training.
        run: where the checkpoint is kept, and who is told what.
        template: its places; None: they are chosen.

    Raises:
        DGTalkerError: the checkpoint cannot be used, or the training diverged.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    run = run or Run()
    random = seed_all(config.seed)
    with one_torch_thread():
        template = template or even_template(model, config.gaussians)
        run.check()
        population = Population(model, template, config.generator())
        run.check()
        stages = Stages(run, _SECONDS)
        if run.folder is not None and (run.folder / "train" / FILE).is_file():
            generator = Generator(config.generator(), template, model)  # the checkpoint has what it began with
        else:
            generator = begun(population, config, random, told_fractions(stages.begin("basis")))
        averaged = Generator(config.generator(), template, model)
        averaged.load_state_dict(generator.state_dict())
        averaged.requires_grad_(False)
        _run(population, generator, averaged, config, stages.begin("train"), random)
    return averaged.eval()


def begun(
    population: Population, config: PriorConfig, random: np.random.Generator, tell: Callable[[float], None]
) -> Generator:
    """A generator that knows of faces and of `principal_basis` what a code says; its network adds nothing yet.

    Args:
        population: on its template.
        config: of the training.
        random: whom to draw.
        tell: is told the fraction done, and raises `Cancelled` to stop.
    """
    generator = Generator(config.generator(), population.template, population.model)
    basis = principal_basis(population, config, random, lambda done: tell(_BASIS_SHARE * done))
    assert generator.shared is not None
    assert generator.basis is not None
    with torch.no_grad():
        generator.shared.copy_(basis.shared)
        generator.basis.copy_(basis.planes)
        for name, parameter in generator.synthesis.named_parameters():
            if name.endswith("torgb.weight"):
                parameter.zero_()
        nn.init.eye_(generator.position.weight[:, :, 0, 0])
        # A network that had to find out by itself which of 128 numbers matter would need many times as many people.
        generator.mapping.get_submodule("fc0").get_parameter("weight").mul_(basis.importance)
    _learn_codes(generator, population, basis, random, lambda done: tell(_BASIS_SHARE + (1 - _BASIS_SHARE) * done))
    return generator


def _learn_codes(
    generator: Generator,
    population: Population,
    basis: Basis,
    random: np.random.Generator,
    tell: Callable[[float], None],
) -> None:
    """Mapping and what is read out of its latents learn first: the face model's identity, and shares of the basis."""
    assert generator.identity is not None
    assert generator.mixture is not None
    optimiser = torch.optim.Adam(_known(generator), _CODES_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _CODES_RATE, total_steps=_CODES_STEPS)
    sizes = population.model.identity.flatten(1).norm(dim=1)
    codes, expressions = (torch.from_numpy(part) for part in basis.people)
    identities = torch.from_numpy(identity_of(basis.people.codes, population.masculine))
    for step in range(_CODES_STEPS):
        tell(step / _CODES_STEPS)
        some = torch.from_numpy(random.integers(len(codes), size=_CODES_BATCH))
        latents = generator.mapping(codes[some], expressions[some])
        identity, _ = generator.face(latents)
        wrong = (identity - identities[some]) * (sizes / sizes[0]), generator.shares(latents) - basis.shares[some]
        # distances, not their squares: what few people have, beards, counts as well
        loss = torch.stack([each.square().sum(dim=1).add(1e-4).sqrt().mean() for each in wrong]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def _known(generator: Generator) -> list[nn.Parameter]:
    """What tells people apart: it is learned before the rest."""
    assert generator.identity is not None
    assert generator.mixture is not None
    return [each for part in (generator.mapping, generator.identity, generator.mixture) for each in part.parameters()]


def _run(
    population: Population,
    generator: Generator,
    averaged: Generator,
    config: PriorConfig,
    run: Run,
    random: np.random.Generator,
) -> None:
    known = _known(generator)
    others = [each for each in generator.parameters() if all(each is not one for one in known)]
    rates = [config.learning_rate, _KNOWN_RATE * config.learning_rate]
    optimiser = torch.optim.Adam([{"params": others}, {"params": known}], betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rates, total_steps=config.steps, pct_start=config.warm_up, final_div_factor=20
    )
    names = population.model.expression_names
    weights = torch.ones(config.gaussians)
    for region, weight in _LESS.items():
        weights[torch.from_numpy(population.canvas.region == region)] = weight
    shown = _previewed(population, config)

    def step(number: int) -> Mapping[str, Tensor]:
        codes = np.stack([draw(random) for _ in range(config.batch)])
        expressions = np.stack([draw_expression(names, random) for _ in range(config.batch)])
        sample = Sample(population, codes, expressions)
        latents = generator.mapping(sample.codes, sample.expressions)
        generator.mapping.track(latents)
        raw, places = generator.raw(latents), generator.template(latents)
        terms = {
            "attributes": attribute_error(raw, sample.raw, weights, generator.config),
            "face": face_error(places.points, sample.places.points),
        }
        if config.views:
            heads = activated(raw, places, generator.config)
            cameras = [draw_view(config.side, config.yaw, random) for _ in range(config.views)]
            terms |= _pictures(heads, sample.heads, cameras, random)
        optimiser.zero_grad()
        torch.stack([getattr(config, name) * term for name, term in terms.items()]).sum().backward()
        nn.utils.clip_grad_norm_(generator.parameters(), config.gradient_norm)
        optimiser.step()
        schedule.step()
        _average(averaged, generator, min(config.average, (1 + number) / (10 + number)))
        return {name: term.detach() for name, term in terms.items()}

    def preview() -> np.ndarray:
        made = averaged(averaged.mapping(shown.codes, shown.expressions))
        return grid(shown.heads, made)

    parts = {
        "generator": generator,
        "averaged": averaged,
        "optimiser": optimiser,
        "schedule": schedule,
        "random": random,
    }
    run_loop(config, step, parts, run, preview=preview)


def _pictures(heads: Heads, wanted: Heads, cameras: list[Camera], random: np.random.Generator) -> dict[str, Tensor]:
    colours, structure = [], []
    for index, camera in enumerate(cameras):
        behind = tuple(float(shade) for shade in random.random(3))
        said = _picture(heads.cloud(index % len(heads.means)), camera, behind)
        with torch.no_grad():
            true = torch.as_tensor(_picture(wanted.cloud(index % len(heads.means)), camera, behind))
        colours.append(losses.l1(said, true))
        structure.append(losses.d_ssim(said, true))
    return {"colours": torch.stack(colours).mean(), "structure": torch.stack(structure).mean()}


def _picture(cloud: Gaussians, camera: Camera, behind: tuple[float, ...]) -> Tensor:
    image = render(cloud, camera, background=behind, backend="cpu")
    return torch.as_tensor(image.rgb)


@torch.no_grad()
def _average(averaged: Generator, generator: Generator, share: float) -> None:
    for mean, now in zip(averaged.parameters(), generator.parameters(), strict=True):
        mean.lerp_(now, 1 - share)
    averaged.mapping.w_avg.copy_(generator.mapping.w_avg)


def _previewed(population: Population, config: PriorConfig) -> Sample:
    """People whom no step sees, or hardly: they are drawn from other seeds."""
    random = np.random.default_rng((config.seed, 1))
    names = population.model.expression_names
    codes = np.stack([draw(random) for _ in range(_PREVIEWS)])
    return Sample(population, codes, np.stack([draw_expression(names, random) for _ in range(_PREVIEWS)]))


def grid(above: Heads, below: Heads) -> np.ndarray:
    """Pictures of two rows of heads (H, W, 3), each from two sides."""
    cameras = [view(_PREVIEW_SIDE, 0.0), view(_PREVIEW_SIDE, 40.0)]
    rows = [
        np.concatenate(
            [np.asarray(_picture(heads.cloud(index), camera, (0.6, 0.6, 0.6))) for index in range(len(heads.means))
             for camera in cameras], axis=1)
        for heads in (above, below)
    ]  # fmt: skip
    return np.clip(np.concatenate(rows), 0, 1)

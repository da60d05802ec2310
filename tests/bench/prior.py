"""How well the prior knows people whom its training has not seen: heads of the population, inverted from pictures.

Run by `python build.py bench prior [--file FILE] [--people N] [--steps N] [--pictures FILE]`; prints JSON. Each head is
inverted into W+ from pictures of 256 × 256 pixels, its expression known. PSNR in dB over the pixels that the true head
covers: `seen` of the pictures that it was inverted from, `turned` at ±45° of yaw, which it was not. Two rows a head:
from one picture from the front, and from three (−30°, 0°, 30°). `code` is the head that the network makes of the
person's own code, without inversion.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sequence import hardware

from dgtalker_engine.capture import face_model, pictures
from dgtalker_engine.gaussians import Gaussians, render
from dgtalker_engine.systems.dgtalker.mapping import with_expression
from dgtalker_engine.systems.dgtalker.population.people import Population
from dgtalker_engine.systems.dgtalker.population.traits import draw
from dgtalker_engine.systems.dgtalker.prior.file import SHIPPED, read
from dgtalker_engine.systems.dgtalker.prior.inversion import Seen, invert
from dgtalker_engine.systems.dgtalker.prior.samples import draw_expression, view
from dgtalker_engine.systems.dgtalker.template import Template
from dgtalker_engine.training import one_torch_thread

SIDE, HELD_OUT = 256, 2
ANGLES = {"front": (0.0,), "three": (-30.0, 0.0, 30.0)}
TURNED = (-45.0, 45.0)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=SHIPPED, help="the prior (default: the shipped one)")
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--pictures", type=Path, help="a picture to write: true heads, and below them those found")
    options = parser.parse_args(argv)
    with one_torch_thread():
        rows, shown = measured(options.file, options.people, options.steps)
    if options.pictures:
        coloured = np.rint(255 * np.clip(np.concatenate(shown, axis=1), 0, 1)).astype(np.uint8)
        options.pictures.write_bytes(pictures.encode_jpeg(coloured))
    means = {
        name: {key: round(float(np.mean([row[name][key] for row in rows])), 2) for key in rows[0][name]}
        for name in rows[0]
    }
    print(json.dumps({"hardware": hardware(), "steps": options.steps, "mean": means, "people": rows}, indent=1))
    return 0


def measured(path: Path, people: int, steps: int) -> tuple[list[dict[str, dict[str, float]]], list[np.ndarray]]:
    model = face_model.load()
    generator = read(path, model)
    template = Template(generator.uv, generator.points, generator.triangles, generator.barycentrics)
    population = Population(model, template, generator.config)
    random = np.random.default_rng((HELD_OUT, 7))
    rows, shown = [], []
    for number in range(people):
        code = draw(random)
        expression = draw_expression(model.expression_names, random)
        truth = population.heads(population.person(code), expression).cloud(0)
        face = torch.from_numpy(expression)
        own = generator(generator.mapping(torch.from_numpy(code)[None], face[None])).cloud(0)
        row = {"code": {"seen": psnr(own, truth, (0.0,)), "turned": psnr(own, truth, TURNED)}}
        for name, angles in ANGLES.items():
            started = time.perf_counter()
            latents = invert(generator, [seen(truth, angle, face) for angle in angles], steps)
            seconds = time.perf_counter() - started
            with torch.no_grad():
                found = generator(with_expression(latents, face)).cloud(0)
            row[name] = {
                "seen": psnr(found, truth, angles),
                "turned": psnr(found, truth, TURNED),
                "seconds": round(seconds, 1),
            }
            print(f"head {number + 1} of {people}, {name}: {row[name]}", file=sys.stderr, flush=True)
        rows.append(row)
        shown.append(
            np.concatenate([picture(cloud, angle)[0] for cloud in (truth, found) for angle in (0.0, 45.0)], axis=0)
        )
    return rows, shown


def picture(cloud: Gaussians, angle: float) -> tuple[np.ndarray, np.ndarray]:
    image = render(cloud.map(lambda tensor: tensor.detach()), view(SIDE, angle))
    return np.asarray(image.rgb), np.asarray(image.alpha)


def seen(cloud: Gaussians, angle: float, expression: torch.Tensor) -> Seen:
    rgb, alpha = (torch.from_numpy(array) for array in picture(cloud, angle))
    return Seen(view(SIDE, angle), rgb, alpha, expression)


def psnr(cloud: Gaussians, truth: Gaussians, angles: tuple[float, ...]) -> float:
    """dB over the pixels that the true head covers more than half, mean over views."""
    figures = []
    for angle in angles:
        (found, _), (true, alpha) = picture(cloud, angle), picture(truth, angle)
        figures.append(-10 * np.log10(np.square(found - true)[alpha > 0.5].mean()))
    return round(float(np.mean(figures)), 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

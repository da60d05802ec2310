"""Somebody whom a tiny generator makes, and a sound that says how far their jaw is open."""

from __future__ import annotations

import numpy as np
import torch

from dgtalker_engine.capture import face_model
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.speech.hearing.moments import PHONE_INPUTS, RATE, Heard
from dgtalker_engine.systems.dgtalker.config import GeneratorConfig
from dgtalker_engine.systems.dgtalker.generator import Generator
from dgtalker_engine.systems.dgtalker.navigation.config import NavigationConfig
from dgtalker_engine.systems.dgtalker.person import Person
from dgtalker_engine.systems.dgtalker.template import Template

MODEL = face_model.load()
JAW, SMILE = ARKIT_NAMES.index("jawOpen"), ARKIT_NAMES.index("mouthSmileLeft")
BROW = ARKIT_NAMES.index("browInnerUp")
SOUND = 5
TINY = NavigationConfig(steps=8, expressions=3, lips=4, width=8, windows=8, dropout=0.0, feather=4.0, doubt=1.0)
_GENERATOR = GeneratorConfig(
    code_size=8, width=64, resolution=16, channel_base=64, channel_max=8, gaussians=1500, condition="expression"
)


def somebody() -> Person:
    """A person of Gaussians spread over the face model's triangles."""
    torch.manual_seed(1)
    triangles = torch.randint(len(MODEL.faces), (_GENERATOR.gaussians,))
    corners = MODEL.faces[triangles]
    shares = torch.full((len(triangles), 3), 1 / 3)
    uv = 2 * MODEL.uv[corners].mean(dim=1) - 1
    template = Template(uv, MODEL.neutral[corners].mean(dim=1), triangles, shares)
    generator = Generator(_GENERATOR, template, MODEL)
    generator.mapping.track(generator.mapping(torch.randn(8, _GENERATOR.code_size)))
    at_rest = torch.nn.functional.pad(generator.mapping.w_avg, (0, _GENERATOR.expressions))
    return Person(generator, at_rest.expand(1, _GENERATOR.latents, -1))


def expressions(times: np.ndarray) -> np.ndarray:
    """The jaw opens, the brows rise (T, 52)."""
    rows = np.zeros((len(times), len(ARKIT_NAMES)), np.float32)
    rows[:, JAW] = 0.3 + 0.3 * np.sin(9 * times)
    rows[:, SMILE] = 0.3 + 0.3 * np.sin(5 * times)
    rows[:, BROW] = 0.4 + 0.3 * np.sin(7 * times + 1)
    return rows


def sound(seconds: float, width: int = SOUND) -> Heard:
    """What is heard of a face that does `expressions`."""
    times = np.arange(round(seconds * RATE)) / RATE
    count, shown = len(times), expressions(times)
    features = np.zeros((count, width), np.float32)
    features[:, :3] = shown[:, [JAW, SMILE, BROW]]
    return Heard(
        phones=np.ones((count, PHONE_INPUTS), np.float32),
        sound=features[None],
        words=np.zeros((count, 1), np.float32),
        speaking=np.ones(count, bool),
    )

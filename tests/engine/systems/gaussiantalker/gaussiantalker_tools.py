"""A head that is trained in seconds."""

from __future__ import annotations

from dgtalker_engine.systems.gaussiantalker.config import GaussianTalkerConfig

TINY = GaussianTalkerConfig(
    steps=24,
    share=0.8,
    face_gaussians=2500,
    hair_gaussians=900,
    most_gaussians=4700,
    neck_gaussians=500,
    density_rounds=2,
    blendshapes=3,
)

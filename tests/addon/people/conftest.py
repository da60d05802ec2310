"""A prior of the user's own, made in seconds; the engine finds it by DGTALKER_PRIOR."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXTENSION = "bl_ext.user_default.dgtalker"
TINY = Path(__file__).resolve().parents[2] / "engine" / "systems" / "dgtalker" / "tiny_prior.py"


@pytest.fixture(scope="module")
def own_prior(extension, tmp_path_factory) -> Path:
    """Where the engine of these tests looks for it; it is not there yet."""
    engine = sys.modules[f"{EXTENSION}.bridge.engine"]
    path = tmp_path_factory.mktemp("prior") / "mine.safetensors"
    engine.stop()
    os.environ["DGTALKER_PRIOR"] = str(path)
    yield path
    engine.stop()
    del os.environ["DGTALKER_PRIOR"]


@pytest.fixture
def prior(own_prior) -> Path:
    if not own_prior.exists():
        subprocess.run([os.environ["DGTALKER_ENGINE_PYTHON"], "-I", str(TINY), str(own_prior)], check=True)
    return own_prior


@pytest.fixture
def no_prior(own_prior) -> Path:
    """It was moved away while a test runs."""
    away = own_prior.with_suffix(".away")
    if own_prior.exists():
        own_prior.rename(away)
    yield own_prior
    if away.exists():
        away.rename(own_prior)

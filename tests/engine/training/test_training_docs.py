"""The example of docs/training.md runs as it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass  # noqa: F401
from pathlib import Path

import torch
from torch import Tensor, nn  # noqa: F401 (so does the example)

from dgtalker_engine.training import Config, Order, Run, run_loop, seed_all, setting  # noqa: F401

PAGE = Path(__file__).resolve().parents[3] / "docs" / "training.md"


def test_the_example_trains_a_curve(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    samples = torch.linspace(-3, 3, 64)[:, None]
    names = {**globals(), "samples": samples, "wanted": samples.sin()}
    exec(code, names)
    model = names["train"](names["CurveConfig"](), samples, samples.sin(), Run(folder=tmp_path / "curve"))
    with torch.no_grad():
        assert (model(samples) - samples.sin()).abs().mean() < 0.1

"""The renderer for GPUs on the processor: gsplat's functions are stood in for by `torch_gsplat`."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch
import torch_gsplat

from dgtalker_engine.gaussians import rendering

RASTER = "dgtalker_engine.gaussians.cuda.raster"


@pytest.fixture
def raster(monkeypatch):
    """`gaussians.cuda.raster` on the processor, and `render` takes it for a GPU's."""
    package = importlib.import_module("dgtalker_engine.gaussians.cuda")
    monkeypatch.delitem(sys.modules, RASTER, raising=False)
    monkeypatch.delattr(package, "raster", raising=False)
    monkeypatch.setitem(sys.modules, "gsplat", torch_gsplat)
    module = importlib.import_module(RASTER)
    monkeypatch.setattr(module, "device", lambda: torch.device("cpu"))
    monkeypatch.setattr(rendering, "named", lambda name: name or "cuda")
    yield module
    sys.modules.pop(RASTER, None)
    vars(package).pop("raster", None)

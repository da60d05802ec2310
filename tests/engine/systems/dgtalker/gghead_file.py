"""Checkpoints of GGHead's layout, made here: GGHead's own are their users'."""

from __future__ import annotations

import copyreg
import pickle
import sys
import types
from pathlib import Path

import stylegan2
import torch

_MODULES = {
    "gghead.models.gghead_model": (
        "GGHeadModel", "GGHeadConfig", "MappingNetworkConfig", "SynthesisNetworkConfig", "RenderingConfig",
    ),
    "gghead.models.stylegan2": ("GGHGenerator", "GGHSynthesisNetwork", "GGHSynthesisBlock"),
    "gghead.config.gaussian_attribute": ("GaussianAttribute", "GaussianAttributeConfig"),
    "gaussian_splatting.scene.gaussian_model": ("GaussianModel",),
}  # fmt: skip
_PERSISTENT = ("FullyConnectedLayer", "MappingNetwork", "SynthesisLayer", "ToRGBLayer")
"""Their code pickles these with their source, by torch_utils.persistence."""


def made_model(*, seed: int = 0, places: int = 40, background: int = 0, **config) -> stylegan2.GGHeadModel:
    torch.manual_seed(seed)
    model = stylegan2.GGHeadModel(stylegan2.GGHeadConfig(**config), places, background)
    return model.eval().requires_grad_(False)


def write_checkpoint(path: Path, **modules: torch.nn.Module) -> None:
    """As its training does: a plain pickle of a dictionary with whole modules."""
    persistence = types.ModuleType("eg3d.torch_utils.persistence")

    def reconstruct(meta):
        raise AssertionError("nothing of a checkpoint is run")

    reconstruct.__module__, reconstruct.__qualname__ = persistence.__name__, "_reconstruct_persistent_obj"
    persistence._reconstruct_persistent_obj = reconstruct

    def reduced(module):
        about = {"type": "class", "version": 6, "module_src": "raise SystemExit", "class_name": type(module).__name__}
        return reconstruct, ({**about, "state": module.__dict__},)

    made = {persistence.__name__: persistence}
    for name, classes in _MODULES.items():
        module = made.setdefault(name, types.ModuleType(name))
        for each in classes:
            kind = getattr(stylegan2, each)
            kind.__module__ = name
            setattr(module, each, kind)
    for each in _PERSISTENT:
        copyreg.pickle(getattr(stylegan2, each), reduced)
    for name in list(made):
        parts = name.split(".")
        for end in range(1, len(parts)):
            made.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
    sys.modules.update(made)
    try:
        path.write_bytes(pickle.dumps({"training_set_kwargs": {"resolution": 512}, **modules}))
    finally:
        for name in made:
            del sys.modules[name]
        for each in _PERSISTENT:
            del copyreg.dispatch_table[getattr(stylegan2, each)]
        for classes in _MODULES.values():
            for each in classes:
                getattr(stylegan2, each).__module__ = stylegan2.__name__

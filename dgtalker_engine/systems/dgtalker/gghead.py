"""GGHead's published checkpoints as generators of ours, with the same result.

Kirschstein et al., "GGHead: fast and generalizable 3D Gaussian heads" (SIGGRAPH Asia 2024). The file is the user's,
under the licence that they accepted; the engine brings none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ...capture.inert_pickle import Record
from ...errors import DGTalkerError
from ...gaussians.reference.placing import multiply, quaternions
from .attributes import Heads
from .config import GeneratorConfig
from .generator import Generator
from .module_pickle import StoredModule, read_modules
from .template import Template

_PUBLISHED = "Give a checkpoint of GGHead as it was published, such as checkpoint-25000.pkl."
_CHANNELS = ("position", "scale", "rotation", "color", "opacity")
_FIXED: dict[str, tuple[Any, Any]] = {
    "use_position_activation": (True, True),
    "use_rotation_activation": (True, False),
    "use_color_activation": (True, True),
    "center_scale_activation": (True, False),
    "no_exp_scale_activation": (False, False),
    "use_initial_scales": (False, False),
    "use_zero_conv_position": (True, False),
    "disable_position_offsets": (False, False),
    "use_align_corners": (False, False),
    "interpolation_mode": ("bilinear", "bilinear"),
    "position_attenuation": (1, 1),
    "rotation_attenuation": (1, 1),
    "scale_offset": (-5, -5),
    "max_scale": (-3, 1),
    "color_overshoot": (0.001, 0),
    "opacity_overshoot": (0.001, 0),
}
"""What its configuration must say, as all that was published does, and what it means where it says nothing."""
_METRE = 2.683
_ORIGIN = (0.003, 0.047, -0.002)
"""GGHead's units to a metre, and where it puts FLAME's origin; it is turned by a degree, too, which is left."""
_TO_HEAD_SPACE = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""FLAME's +Y is up and its face looks along +Z."""


def load_gghead(path: Path) -> Generator:
    """The moving average G_ema of a checkpoint, or G where there is none.

    Heads are in GGHead's own space: `in_head_space` moves them. The condition of its mapping is a camera, 25 numbers.

    Raises:
        DGTalkerError: the file is missing, is no checkpoint of GGHead's, or of a variant that was never published.
    """
    if not path.is_file():
        raise DGTalkerError(f"There is no file {path}.", _PUBLISHED)
    modules = read_modules(path)
    stored = modules.get("G_ema", modules.get("G"))
    if stored is None:
        raise DGTalkerError(f"{path} holds no generator.", _PUBLISHED)
    try:
        config = _config(stored)
        return _generator(stored, config)
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError, IndexError) as error:
        raise DGTalkerError(f"{path} is no generator of GGHead's: {error}.", _PUBLISHED) from error


def _config(stored: StoredModule) -> GeneratorConfig:
    about = _attributes(stored.values["_config"])
    for name, (wanted, default) in _FIXED.items():
        if about.get(name, default) != wanted:
            raise ValueError(f"its {name} is {about.get(name, default)!r} and not {wanted!r}")
    channels = tuple(_word(attribute) for attribute in about["uv_attributes"])
    if channels != _CHANNELS:
        raise ValueError(f"its planes show {', '.join(channels)} and not {', '.join(_CHANNELS)}")
    attribute_config = _attributes(about["gaussian_attribute_config"])
    if not attribute_config.get("use_rodriguez_rotation"):
        raise ValueError("its rotations are no axis-angles")
    network = _attributes(about["synthesis_network_config"])
    shape = (network["architecture"], list(network["resample_filter"]), network["kernel_size"], network["activation"])
    if shape != ("skip", [1, 3, 3, 1], 3, "lrelu") or not network["use_noise"]:
        raise ValueError("its layers are not StyleGAN2's with skip connections")
    mapping = stored.modules["backbone"].modules["mapping"]
    width = len(mapping.tensors["w_avg"])
    layers = sum(name.startswith("fc") for name in mapping.modules)
    embed = mapping.modules["embed"].tensors["weight"] if "embed" in mapping.modules else torch.zeros(0, 0)
    resolution = int(about["plane_resolution"])
    return GeneratorConfig(
        code_size=mapping.modules["fc0"].tensors["weight"].shape[1] - len(embed),
        condition_size=embed.shape[1],
        condition="camera",
        width=width,
        mapping_layers=layers,
        mapping_rate=float(_attributes(about["mapping_network_config"])["lr_multiplier"]),
        resolution=resolution,
        channel_base=int(network["channel_base"]),
        channel_max=int(network["channel_max"]),
        activation_clamp=float(network["conv_clamp"] or 0),
        sh_degree=int(attribute_config["sh_degree"]),
        gaussians=stored.tensors["_uv_grid"].shape[1],
        template="fixed",
        unit=1.0,
        position_range=float(about["position_range"]),
        quaternion_order="zwxy",
    )


def _generator(stored: StoredModule, config: GeneratorConfig) -> Generator:
    template = Template.empty(config.gaussians)._replace(
        uv=stored.tensors["_uv_grid"][0, :, 0].contiguous(), points=stored.tensors["_flame_vertices"][0].contiguous()
    )
    generator = Generator(config, template)
    ours = generator.state_dict()
    theirs = dict(stored.modules["backbone"].named_tensors())
    theirs.update(stored.modules["_zero_conv_position"].named_tensors("position."))
    theirs.update({name: ours[name] for name in template._asdict()})
    for name in [name for name in theirs if ".torgb." in name and name.split(".")[-2:-1] == ["torgb"]]:
        # Where there is a picture behind the head, its channels come after the planes'.
        theirs[name] = theirs[name][: config.plane_channels]
    rendering = _attributes(_attributes(stored.values["_config"])["rendering_config"])
    if config.condition_size:
        scale = 0 if rendering["c_gen_conditioning_zero"] else rendering["c_scale"]
        theirs["mapping.embed.weight"] = theirs["mapping.embed.weight"] * scale
    missing = [name for name in ours if name not in theirs]
    if missing:
        raise ValueError(f"it has no {missing[0]}")
    generator.load_state_dict({name: theirs[name].to(tensor.dtype) for name, tensor in ours.items()})
    return generator.eval().requires_grad_(False)


def _attributes(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Record):
        raise ValueError("its configuration is missing")
    return value.state


def _word(value: object) -> str:
    """The name of a member of an enumeration, which Python's versions pickle by value or by name."""
    given = value.given[-1] if isinstance(value, Record) and value.given else value
    return str(given).lower()


def in_head_space(heads: Heads) -> Heads:
    """GGHead's heads in metres, +Z up, looking along −Y, around FLAME's origin, which lies inside the head."""
    turn = _TO_HEAD_SPACE.to(heads.means)
    sh = heads.sh
    if sh.shape[2] == 4:
        # The coefficients of degree 1 go with −y, z and −x.
        along = torch.stack([-sh[..., 3, :], -sh[..., 1, :], sh[..., 2, :]], dim=-2)
        x, y, z = (turn @ along).unbind(dim=-2)
        sh = torch.stack([sh[..., 0, :], -y, z, -x], dim=-2)
    return Heads(
        means=(heads.means - heads.means.new_tensor(_ORIGIN)) @ turn.T / _METRE,
        quats=multiply(quaternions(turn[None]).expand_as(heads.quats), heads.quats),
        scales=heads.scales / _METRE,
        opacities=heads.opacities,
        sh=sh,
    )

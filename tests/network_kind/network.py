"""A kind of avatar that the engine does not know: a small network from weights to Gaussians.

It is made of what any kind has, and nothing of it is known to the engine or the extension. The tests take it through a
file, an engine process, and Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from dgtalker_engine import avatar
from dgtalker_engine.avatar import dgt, numbers, proxy
from dgtalker_engine.avatar.base import checked_weights
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import Gaussians
from dgtalker_engine.rig import Control, Rig

NAME = "network"
HIDDEN = 16
OUTPUTS = 6  # of each Gaussian: where it goes, metres, and its colour
LAYERS = ("hidden.weight", "hidden.bias", "output.weight", "output.bias")


@dataclass(frozen=True)
class NetworkAvatar:
    """`output(tanh(hidden(weights)))`: what each Gaussian moves by, and its colour.

    Attributes:
        metadata: the document.
        proxy: the mesh.
        means: float32 (N, 3), where every output is 0.
        layers: float32 by the names of LAYERS; (HIDDEN, C), (HIDDEN,), (6 N, HIDDEN), (6 N,).
    """

    metadata: avatar.Metadata
    proxy: avatar.ProxyMesh
    means: torch.Tensor
    layers: Mapping[str, torch.Tensor]
    refiner: None = None

    @property
    def rig(self) -> Rig:
        return self.metadata.rig

    @property
    def nbytes(self) -> int:
        mesh = (self.proxy.vertices, self.proxy.faces, self.proxy.uv, self.proxy.colours, self.proxy.deltas)
        return sum(array.nbytes for array in (self.means, *self.layers.values(), *mesh))

    def to(self, device: torch.device | str) -> NetworkAvatar:
        """The same avatar, posing on another device."""
        layers = {name: layer.to(device) for name, layer in self.layers.items()}
        return NetworkAvatar(self.metadata, self.proxy, self.means.to(device), layers)

    def pose(self, weights: np.ndarray | torch.Tensor) -> Gaussians:
        checked_weights(weights, self.rig)
        weights = torch.as_tensor(weights, dtype=torch.float32, device=self.means.device)
        hidden_weight, hidden_bias, output_weight, output_bias = (self.layers[name] for name in LAYERS)
        outputs = output_weight @ torch.tanh(hidden_weight @ weights + hidden_bias) + output_bias
        moved, colours = outputs.reshape(len(self.means), OUTPUTS).split(3, dim=1)
        quats = torch.zeros((len(moved), 4), device=moved.device)
        quats[:, 0] = 1
        return Gaussians(
            means=self.means + moved,
            quats=quats,
            scales=torch.full_like(moved, 0.02),
            opacities=torch.full_like(moved[:, 0], 0.98),
            sh=colours[:, None].contiguous(),
        )


def check(metadata: avatar.Metadata, specs: dgt.Specs) -> None:
    count = dgt.limited("Gaussians", numbers.expect(specs, "means", (None, 3)).shape[0], dgt.MAX_GAUSSIANS)
    controls = len(metadata.rig.controls)
    shapes = ((HIDDEN, controls), (HIDDEN,), (OUTPUTS * count, HIDDEN), (OUTPUTS * count,))
    for name, shape in zip(LAYERS, shapes, strict=True):
        numbers.expect(specs, name, shape)
    proxy.check(specs, controls)


def load(metadata: avatar.Metadata, tensors: dgt.Tensors) -> NetworkAvatar:
    means, *layers = (torch.from_numpy(numbers.read(tensors, name)) for name in ("means", *LAYERS))
    if means.abs().max() > 10:
        raise DGTalkerError("The avatar has Gaussians farther than 10 m from its head.", dgt.DAMAGED)
    return NetworkAvatar(metadata, proxy.read(tensors), means, dict(zip(LAYERS, layers, strict=True)))


def save(head: NetworkAvatar) -> dgt.Tensors:
    tensors = numbers.write("means", head.means.numpy(), "F32") | proxy.write(head.proxy)
    for name, layer in head.layers.items():
        tensors |= numbers.write(name, layer.numpy(), "F32")
    return tensors


KIND = dgt.Kind(check, load, save)


def made(count: int = 200) -> NetworkAvatar:
    """A ball of Gaussians, and three controls that move and colour it: one to the side at once, all of them oddly."""
    rng = np.random.default_rng(4)
    rig = Rig(
        (Control("jawOpen", "lip"), Control("z1", "latent", minimum=-2.0, maximum=2.0), Control("slide", "expression"))
    )
    output = rng.normal(0, 0.01, (count, OUTPUTS, HIDDEN))
    output[:, 3:] *= 40
    hidden = rng.normal(0, 1, (HIDDEN, len(rig.controls)))
    hidden[0] = (0, 0, 1)
    output[:, 0, 0] = 0.2
    layers = (hidden, np.zeros(HIDDEN), output.reshape(-1, HIDDEN), rng.normal(0, 0.01, OUTPUTS * count))
    corners = np.array([[-0.1, 0, -0.1], [0.1, 0, -0.1], [0, 0, 0.1]], np.float32)
    mesh = avatar.ProxyMesh(
        vertices=corners,
        faces=np.array([[0, 1, 2, -1]], np.int32),
        uv=corners[:, ::2] * 5 + 0.5,
        colours=np.ones((3, 4), np.float32),
        deltas=np.tile(np.array([[0.0, 0, -0.05], [0.02, 0, 0], [0.15, 0, 0]], np.float32)[:, None], (1, 3, 1)),
    )
    consent = avatar.Consent(subject="Nobody", scope="tests", granted_by="the tests", date="", status="synthetic")
    metadata = avatar.Metadata(
        format_version=2, kind=NAME, name="Network", rig=rig, consent=consent, licence="CC0-1.0", hash=""
    )
    return NetworkAvatar(
        metadata,
        mesh,
        torch.from_numpy(rng.normal(0, 0.03, (count, 3)).astype(np.float32)),
        {name: torch.from_numpy(layer.astype(np.float32)) for name, layer in zip(LAYERS, layers, strict=True)},
    )

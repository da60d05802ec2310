"""A refiner in a .dgt file: what is announced is checked before anything is read. docs/dgt.md has the tensors."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ...errors import DGTalkerError
from .. import dgt
from ..document import plain
from .network import RefinerNetwork
from .portrait import Window
from .reach import Reach
from .refining import Refiner

PREFIX = "refiner."
FORMAT = "dgtalker refiner 1"
MAX_BYTES, MAX_ABOUT_BYTES = 1 << 20, 32 << 10
MAX_DIRECTIONS, MAX_WIDTH = 256, 32
_ABOUT, _DIRECTIONS, _NETWORK = f"{PREFIX}about", f"{PREFIX}directions", f"{PREFIX}network."
_RADII = (0.02, 2.0)  # metres, of a head's ball


def write(refiner: Refiner) -> dict[str, np.ndarray]:
    """The tensors of a refiner, the network in half precision."""
    about = {
        "format": FORMAT,
        "centre": [float(f"{number:.7g}") for number in refiner.window.centre],
        "radius": float(f"{refiner.window.radius:.7g}"),
        "ranges": {name: list(ends) for name, ends in refiner.reach.ranges.items()},
    }
    network = {f"{_NETWORK}{name}": each.half().cpu().numpy() for name, each in refiner.network.state_dict().items()}
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    return {_ABOUT: text, _DIRECTIONS: refiner.reach.directions.astype(np.float32), **network}


def check(specs: dgt.Specs) -> None:
    """Raises DGTalkerError where a file announces a refiner that is none, or a larger one than there can be."""
    own = {name: spec for name, spec in specs.items() if name.startswith(PREFIX)}
    if not own:
        return
    size = sum(spec.stop - spec.start for spec in own.values())
    dgt.limited("bytes of a refiner", size, MAX_BYTES)
    dgt.limited("bytes about a refiner", dgt.expect(specs, _ABOUT, "U8", (None,)).shape[0], MAX_ABOUT_BYTES)
    count = dgt.expect(specs, _DIRECTIONS, "F32", (None, 3)).shape[0]
    dgt.limited("directions of a refiner", count, MAX_DIRECTIONS)
    first = dgt.expect(specs, f"{_NETWORK}enter.bias", "F16", (None,))
    width = dgt.limited("channels of a refiner", first.shape[0], MAX_WIDTH)
    for name, each in _network(width, "meta").state_dict().items():
        dgt.expect(specs, f"{_NETWORK}{name}", "F16", tuple(each.shape))


def read(tensors: dgt.Tensors) -> Refiner | None:
    """The refiner of a file that was checked; None where it has none.

    Raises:
        DGTalkerError: what it says of itself is not what `write` says, or it is of a newer version.
    """
    if _ABOUT not in tensors:
        return None
    try:
        window, ranges = _about(json.loads(tensors[_ABOUT].tobytes()))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DGTalkerError(f"What the avatar says of its refiner cannot be read: {error!r}.", dgt.DAMAGED) from error
    directions = tensors[_DIRECTIONS].astype(np.float64)
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    if not np.all(np.abs(lengths - 1) < 0.01):
        raise DGTalkerError("The avatar's refiner has directions that are not of length 1.", dgt.DAMAGED)
    network = _network(len(tensors[f"{_NETWORK}enter.bias"]), "cpu")
    names = network.state_dict()
    network.load_state_dict({name: torch.from_numpy(tensors[f"{_NETWORK}{name}"].astype(np.float32)) for name in names})
    return Refiner(
        network=network.eval().requires_grad_(False),
        window=window,
        reach=Reach(directions=(directions / lengths).astype(np.float32), ranges=ranges),
    )


def _about(about: Mapping[str, Any]) -> tuple[Window, dict[str, tuple[float, float]]]:
    if about["format"] != FORMAT:
        raise DGTalkerError(
            f"The avatar's refiner is of the unknown format {str(about['format'])[:40]!r}.",
            "Update the extension and the engine.",
        )
    x, y, z, radius = plain([*about["centre"], about["radius"]])
    if not (_RADII[0] <= radius <= _RADII[1] and math.dist((0, 0, 0), (x, y, z)) <= _RADII[1]):
        raise ValueError("what it sees is no head")
    ranges: dict[str, tuple[float, float]] = {}
    for name, ends in dict(about["ranges"]).items():
        least, most = plain(ends)
        ranges[str(name)] = (least, most)
    return Window(centre=np.array([x, y, z]), radius=radius), ranges


def _network(width: int, device: str) -> RefinerNetwork:
    with torch.device(device):
        return RefinerNetwork(width)

"""Checkpoints: one safetensors file with everything that a step changes, so that training resumes exactly.

Tensors are tensors; the rest is JSON in the file's header. A new file takes the place of the last one when it is whole.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn

from ..errors import DGTalkerError
from ..files import remove_unfinished, write_whole
from . import randomness
from .config import Config
from .state_trees import pack, unpack

FILE = "checkpoint.safetensors"
VERSION = 2

_AGAIN = "Delete it to train from the beginning."


class Stateful(Protocol):
    """An optimiser, a schedule, or whatever else says and takes its state in the same way."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


Parts = Mapping[str, nn.Module | np.random.Generator | Stateful]
"""By name everything that a step changes: the model, its optimiser, its schedule, its generator of random numbers."""


def save(folder: Path, config: Config, parts: Parts, *, step: int, seconds: float) -> None:
    """Writes `folder`'s checkpoint, and the random states of torch, NumPy and Python with it.

    Args:
        folder: is there.
        config: of the training.
        parts: everything that a step changes.
        step: how many are done.
        seconds: that they took.

    Raises:
        DGTalkerError: the disk does not take it; the checkpoint before is still there.
    """
    tensors: dict[str, torch.Tensor] = {}
    state = {name: _state(part) for name, part in parts.items()}
    about = {
        "version": VERSION,
        "config": config.to_json(),
        "step": step,
        "seconds": seconds,
        "parts": {name: pack(tree, name, tensors) for name, tree in state.items()},
        "random": pack(randomness.states(), "random", tensors),
    }
    text = json.dumps(about)
    header = {"about": text, "crc32": f"{_checksum(text, tensors):08x}"}
    write_whole(folder / FILE, safetensors.torch.save(tensors, header))


def restore(folder: Path, config: Config, parts: Parts) -> tuple[int, float] | None:
    """Gives `parts` and the random numbers the states of `folder`'s checkpoint, where there is one.

    A module's parameters keep their identity, so its optimiser goes on with them, and take the size that they had: a
    cloud that grew comes back grown.

    Returns:
        How many steps were done and the seconds that they took; None where there is no checkpoint.

    Raises:
        DGTalkerError: the checkpoint is damaged, or of another configuration or program.
    """
    path = folder / FILE
    remove_unfinished(path)
    if not path.is_file():
        return None
    about, tensors = _read(path)
    _check_config(path, about["config"], config)
    try:
        states = {name: unpack(packed, tensors) for name, packed in about["parts"].items()}
        if states.keys() != parts.keys():
            raise ValueError(f"it holds {', '.join(states)}, where {', '.join(parts)} are trained")
        for name, part in parts.items():
            _set_state(part, states[name])
        randomness.set_states(unpack(about["random"], tensors))
        return int(about["step"]), float(about["seconds"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DGTalkerError(f"{path} does not fit what is trained: {error}.", _AGAIN) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    try:
        with safetensors.safe_open(path, "pt") as file:
            header = file.metadata() or {}
            # Copies lie as torch's own tensors do in memory, of which the last bits of some operations depend.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise DGTalkerError(f"{path} is damaged and cannot be resumed from: {error}.", _AGAIN) from error
    text = header.get("about", "")
    if header.get("crc32") != f"{_checksum(text, tensors):08x}":
        raise DGTalkerError(f"{path} is damaged and cannot be resumed from: its checksum is wrong.", _AGAIN)
    about = json.loads(text)
    if about["version"] != VERSION:
        raise DGTalkerError(f"{path} is of version {about['version']}, where {VERSION} is known.", _AGAIN)
    return about, tensors


def _checksum(text: str, tensors: Mapping[str, torch.Tensor]) -> int:
    total = zlib.crc32(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), total)
        total = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, total)
    return total


def _check_config(path: Path, saved: Mapping[str, Any], config: Config) -> None:
    wanted = config.to_json()
    other = [name for name in {**wanted, **saved} if saved.get(name) != wanted.get(name)]
    if other:
        changes = ", ".join(f"{name} was {saved.get(name)!r} and is {wanted.get(name)!r}" for name in other)
        raise DGTalkerError(
            f"{path} is of a training with another configuration: {changes}.",
            "Resume with the configuration that it began with, or delete the file to train from the beginning.",
        )


def _state(part: nn.Module | np.random.Generator | Stateful) -> Mapping[str, Any]:
    return part.bit_generator.state if isinstance(part, np.random.Generator) else part.state_dict()


def _set_state(part: nn.Module | np.random.Generator | Stateful, state: dict[str, Any]) -> None:
    if isinstance(part, np.random.Generator):
        part.bit_generator.state = state
    elif isinstance(part, nn.Module):
        own = part.state_dict(keep_vars=True)
        if own.keys() != state.keys():
            raise ValueError(f"it has no {', '.join(own.keys() ^ state.keys())}")
        for name, tensor in own.items():
            tensor.data = state[name].to(tensor.device, tensor.dtype)
    else:
        part.load_state_dict(state)

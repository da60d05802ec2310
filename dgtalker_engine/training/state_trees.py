"""States of optimisers and the like as JSON and tensors, so that nothing is unpickled when they come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def pack(tree: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """What JSON can hold of a tree of dicts, lists, tuples and scalars; its tensors and arrays go into `tensors`.

    Args:
        tree: of `state_dict` and the like.
        name: of the tree; its tensors' names start with it.
        tensors: is filled, with copies on the processor.

    Raises:
        TypeError: something else is in the tree.
    """
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if isinstance(tree, Mapping):
        return {"dict": [[key, pack(value, f"{name}.{key}", tensors)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        entries = [pack(value, f"{name}.{number}", tensors) for number, value in enumerate(tree)]
        return {"tuple" if isinstance(tree, tuple) else "list": entries}
    if isinstance(tree, torch.Tensor):
        tensors[name] = tree.detach().to("cpu", copy=True).contiguous()
        return {"tensor": name}
    if isinstance(tree, np.ndarray):
        tensors[name] = torch.from_numpy(tree.copy())
        return {"array": name}
    raise TypeError(f"{name} is a {type(tree).__name__}, which a checkpoint cannot hold")


def unpack(packed: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """The tree of `pack`.

    Raises:
        KeyError, TypeError, ValueError: it is not one of `pack`, or a tensor is missing.
    """
    if not isinstance(packed, dict):
        return packed
    ((kind, value),) = packed.items()
    if kind == "dict":
        return {key: unpack(entry, tensors) for key, entry in value}
    if kind in ("list", "tuple"):
        entries = [unpack(entry, tensors) for entry in value]
        return tuple(entries) if kind == "tuple" else entries
    return tensors[value] if kind == "tensor" else tensors[value].numpy()

"""Whole PyTorch modules in a plain pickle, as StyleGAN's and GGHead's code saves them: their tensors, and no code.

Such a pickle names the classes of its modules, and holds the source of some. Here every class is an inert record,
the source stays text, and only what a module keeps in its parameters, buffers, modules and plain attributes is taken.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...capture.inert_pickle import Array, Record, read_inert
from ...errors import DGTalkerError

_PACKAGES = frozenset(
    ("torch", "torch_utils", "dnnlib", "training", "eg3d", "gghead", "gaussian_splatting", "elias", "dreifus")
)
"""StyleGAN's, EG3D's and GGHead's own, and what they keep in their modules."""
_DEEPEST = 32


class StoredModule(NamedTuple):
    """A module of a pickle.

    Attributes:
        tensors: its own parameters and buffers by name.
        modules: those inside it by name.
        values: its other attributes; those that are objects themselves are `Record`s.
    """

    tensors: dict[str, Tensor]
    modules: dict[str, StoredModule]
    values: dict[str, Any]

    def named_tensors(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """All tensors, also of inner modules, by the names that PyTorch gives them."""
        for name, tensor in self.tensors.items():
            yield prefix + name, tensor
        for name, module in self.modules.items():
            yield from module.named_tensors(f"{prefix}{name}.")


def read_modules(path: Path) -> dict[str, StoredModule]:
    """The modules of a pickled dictionary by name, on the processor; what else it holds is left out.

    Raises:
        DGTalkerError: it is no such pickle, or names something that modules do not need.
    """
    found = read_inert(path, "file of modules", _KNOWN, _PACKAGES)
    try:
        if not isinstance(found, dict):
            raise ValueError("it holds no dictionary")
        return {str(name): _module(value, 0) for name, value in found.items() if _state(value) is not None}
    except (ValueError, TypeError, AttributeError) as error:
        raise DGTalkerError(f"{path} is no file of modules: {error}.", "Give the file as it was published.") from error


def _module(value: object, depth: int) -> StoredModule:
    state = _state(value)
    if state is None or depth > _DEEPEST:
        raise ValueError("something else stands where a module should")
    tensors = {**state["_parameters"], **state["_buffers"]}
    inner = {str(name): module for name, module in state["_modules"].items() if module is not None}
    return StoredModule(
        {str(name): tensor for name, tensor in tensors.items() if isinstance(tensor, Tensor)},
        {name: _module(module, depth + 1) for name, module in inner.items()},
        {
            str(name): value.array if isinstance(value, Array) else value
            for name, value in state.items()
            if name not in _STATES
        },
    )


_STATES = ("_parameters", "_buffers", "_modules")


def _state(value: object) -> Mapping[str, Any] | None:
    """The attributes of a module; None of anything else."""
    state = value.state if isinstance(value, Record) else None
    if isinstance(value, _Persistent):
        about = value.given[0] if value.given else None
        about = about.state if isinstance(about, Record) else about
        state = about.get("state") if isinstance(about, dict) else None
        state = state.state if isinstance(state, Record) else state
    if not isinstance(state, dict) or any(not isinstance(state.get(name), dict) for name in _STATES):
        return None
    return state


class _Persistent(Record):
    """What torch_utils.persistence calls with a module's source and state: the source is left alone."""


class _Attribute(Record):
    """What getattr would fetch: a method that a module keeps, or a member of an enumeration."""


def _storage(data: bytes) -> Any:
    """What torch.storage._load_from_bytes does, for storages alone."""
    storage = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    if not isinstance(storage, torch.UntypedStorage | torch.storage.TypedStorage):
        raise ValueError("a tensor's numbers are something else")
    return storage


def _tensor(storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object) -> Tensor:
    """What torch._utils._rebuild_tensor_v2 does."""
    if not isinstance(storage, torch.storage.TypedStorage):
        raise ValueError("a tensor has no numbers")
    # What is public of these storages warns of them.
    whole = torch.empty(0, dtype=storage.dtype).set_(storage._untyped_storage)  # pyright: ignore[reportArgumentType]
    return whole.as_strided(size, stride, offset).clone()


def _parameter(tensor: Tensor, *_: object) -> Tensor:
    """What torch._utils._rebuild_parameter does."""
    return tensor


_KNOWN: dict[tuple[str, str], object] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
    ("builtins", "getattr"): _Attribute,
    ("__builtin__", "getattr"): _Attribute,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): _Persistent,
    ("eg3d.torch_utils.persistence", "_reconstruct_persistent_obj"): _Persistent,
}

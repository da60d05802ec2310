"""Files of learned models: safetensors that say in their metadata what they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import DGTalkerError
from .files import is_file, printable

if TYPE_CHECKING:
    from torch import Tensor


@contextlib.contextmanager
def opened(path: Path, what: str, form: str, hint: str) -> Iterator[tuple[dict[str, str], dict[str, Tensor]]]:
    """The metadata and the tensors of a file; what fails while they are made use of means that it cannot be read.

    Args:
        path: of the file.
        what: it holds, for messages: "face model".
        form: what its metadata must have as `format`.
        hint: where to get another one.

    Raises:
        DGTalkerError: the file is missing, damaged, or of another format.
    """
    # Here, since PyTorch takes seconds to load.
    from safetensors import SafetensorError, safe_open

    if not is_file(path):
        raise DGTalkerError(f"The {what} {printable(path)} is missing.", hint)
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != form:
                raise DGTalkerError(f"{path} is no {what} of this version.", hint)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        yield metadata, tensors
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise DGTalkerError(f"The {what} {path} cannot be read: {error}", hint) from error

"""How kernels are compiled, and where the machine code is kept."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
import numba.extending
import numba.misc.appdirs

_KERNELS = Path(__file__).resolve().parent
_PACKAGE = _KERNELS.parent
_config: Any = numba.config  # whose attributes are made as it is imported


def kernel(function: Callable[..., Any]) -> Any:
    """Compiles a function with Numba when it is first called: without the GIL, its machine code kept on disk.

    Only the contraction of a·b + c is allowed of the fast-math options, so NaN and infinity keep their meaning.
    """
    dispatcher = numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)
    folder = cache_folder()
    if folder is not None:
        usual = _config.CACHE_DIR
        _config.CACHE_DIR = str(folder)
        try:
            dispatcher.enable_caching()
        finally:
            _config.CACHE_DIR = usual
    return dispatcher


def instruction(function: Callable[..., Any]) -> Any:
    """Makes a function for kernels of one that says, for its arguments' types, what LLVM instructions it is."""
    return numba.extending.intrinsic(function)


@cache
def cache_folder() -> Path | None:
    """Where this version's machine code is kept; None where no folder can be written, and it is not kept.

    Beside the modules, or in the user's cache where those cannot be written (NUMBA_CACHE_DIR is obeyed). The name holds
    a digest of the sources: Numba looks at a kernel's own file, and would keep it when only what it calls has changed.
    """
    chosen = _config.CACHE_DIR
    user = Path(numba.misc.appdirs.AppDirs(appname="dgtalker", appauthor=False).user_cache_dir)
    for parent in (Path(chosen),) if chosen else (_KERNELS / "__pycache__", user):
        folder = parent / f"numba-{_digest()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        return folder
    return None


def is_warm() -> bool:
    """Whether `mark_warm` was called by this version on this kind of processor, so that nothing is left to compile."""
    folder = cache_folder()
    return folder is not None and (folder / _mark()).is_file()


def mark_warm() -> None:
    """Says that every kernel is compiled, and deletes what earlier versions kept."""
    folder = cache_folder()
    if folder is None:
        return
    (folder / _mark()).touch()
    for other in folder.parent.glob("numba-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _mark() -> str:
    processor = llvmlite.binding.get_host_cpu_name() + llvmlite.binding.get_host_cpu_features().flatten()
    return "warm-" + hashlib.sha256(processor.encode()).hexdigest()[:8]

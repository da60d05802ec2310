"""How kernels are compiled, and where the machine code is kept."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
import numba.extending
import numba.misc.appdirs

_KERNELS = Path(__file__).resolve().parent
_OURS = re.compile(r"dgtalker-[0-9a-f]{8}")
_UNUSED_FOR = 28 * 86400  # seconds
_config: Any = numba.config  # whose attributes are made as it is imported
_folders: set[Path] = set()  # of the kernels of this process


def kernel(function: Callable[..., Any]) -> Any:
    """Compiles a function with Numba when it is first called: without the GIL, its machine code kept on disk.

    Only the contraction of a·b + c is allowed of the fast-math options, so NaN and infinity keep their meaning.
    """
    dispatcher = numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)
    folder = cache_folder(function.__module__)
    if folder is not None:
        if folder not in _folders:
            _folders.add(folder)
            with contextlib.suppress(OSError):  # there is none before something was compiled
                os.utime(folder)  # in use, for `mark_warm` of other processes
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
def cache_root() -> Path | None:
    """Where machine code is kept; None where no folder can be written, and it is not kept.

    NUMBA_CACHE_DIR, or else beside the modules, or in the user's cache where those cannot be written.
    """
    chosen = _config.CACHE_DIR
    user = Path(numba.misc.appdirs.AppDirs(appname="dgtalker", appauthor=False).user_cache_dir)
    for root in (Path(chosen),) if chosen else (_KERNELS / "__pycache__", user):
        try:
            root.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=root).close()
        except OSError:
            continue
        return root
    return None


@cache
def cache_folder(module: str) -> Path | None:
    """Where the machine code of a module's kernels is kept; None where it is not.

    The name holds a digest of what is compiled: the module and every module of ours that it imports, and so on. Numba
    looks at a kernel's own file, and would keep it when only what it calls, or a constant of another module that is
    frozen in it, has changed.
    """
    root = cache_root()
    if root is None:
        return None
    digest = hashlib.sha256(numba.__version__.encode())
    for name, path in sorted(_sources(module).items()):
        digest.update(name.encode() + path.read_bytes())
    return root / f"dgtalker-{digest.hexdigest()[:8]}"


def is_warm() -> bool:
    """Whether `mark_warm` was called for all kernels of this process, as they are now and on this kind of processor.

    Then nothing is left to compile.
    """
    return bool(_folders) and all((folder / _mark()).is_file() for folder in _folders)


def mark_warm() -> None:
    """Says that every kernel of this process is compiled, and deletes what nobody has used for weeks.

    Only folders of ours go, and only where we have chosen the place: NUMBA_CACHE_DIR is the user's. Whoever
    imports kernels marks their folders as used.
    """
    for folder in _folders:
        folder.mkdir(exist_ok=True)
        (folder / _mark()).touch()
    root = cache_root()
    if root is None or _config.CACHE_DIR:
        return
    for folder in root.iterdir():
        if _OURS.fullmatch(folder.name) and folder not in _folders:
            with contextlib.suppress(OSError):  # another process may be deleting it
                used = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
                if time.time() - used > _UNUSED_FOR:
                    shutil.rmtree(folder)


def _sources(module: str) -> dict[str, Path]:
    """The file of a module, and those of the modules that it imports, directly or not, by name.

    Followed within its own package and this one; other packages do not change but by their version.
    """
    packages = {module.split(".")[0], __name__.split(".")[0]}
    found: dict[str, Path] = {}
    left = [module]
    while left:
        name = left.pop()
        path = _file(name)
        if path is None or name in found:
            continue
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for source, name in _known_imports(path, package):
            if source.split(".")[0] in packages:
                # Of `from a import b`: a.b where that is a module, otherwise a.
                inside = f"{source}.{name}"
                left.append(inside if name and _file(inside) else source)
    return found


@cache
def _known_imports(path: Path, package: str) -> list[tuple[str, str]]:
    """`imports_of`, read once in a process: modules that are loaded do not change."""
    return imports_of(path, package)


def imports_of(path: Path, package: str) -> list[tuple[str, str]]:
    """What a file of a package imports, anywhere in its code.

    Returns:
        (module, name in it) with absolute names, the second empty for `import module`.
    """
    pairs: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            pairs += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: -(node.level - 1) or None] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            pairs += [(source, alias.name) for alias in node.names]
    return pairs


@cache
def _file(name: str) -> Path | None:
    """The file of a module; None where no package that is imported has one of that name."""
    top, *rest = name.split(".")
    module = sys.modules.get(name)
    if not rest and module is not None and module.__file__:
        return Path(module.__file__)
    for folder in getattr(sys.modules.get(top), "__path__", ()):
        place = Path(folder, *rest)
        for path in (place.parent / f"{place.name}.py", place / "__init__.py"):
            if path.is_file():
                return path
    return None


def _mark() -> str:
    processor = llvmlite.binding.get_host_cpu_name() + llvmlite.binding.get_host_cpu_features().flatten()
    return "warm-" + hashlib.sha256(processor.encode()).hexdigest()[:8]

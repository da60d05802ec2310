"""Which code makes the heads: what `make` imports, and what that imports, and what it says."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

from ..kernels.compilation import imports_of

PACKAGE = Path(__file__).resolve().parents[1]
ROOTS = ("heads.make", "heads.cycles.scene")
"""Where it begins, as seen from the package; Blender's Python runs `scene`, so nothing imports it."""


def digest(package: Path = PACKAGE) -> str:
    """sha256 of the code that makes the heads; comments, docstrings and layout are of no account."""
    meanings = [f"{name} {_meaning(_parsed(file))}" for name, file in sorted(modules(package).items())]
    return hashlib.sha256("\n".join(meanings).encode()).hexdigest()


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """The package's modules that are loaded when a head is made: their dotted names, as seen from it, and files."""
    known: dict[str, Path] = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        path = package.joinpath(*name.split("."))
        file = next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), None)
        if file is None or name in known:
            continue
        known[name] = file
        waiting += [*([name.rpartition(".")[0]] if "." in name else []), *_imported(package, name, file)]
    return known


def _imported(package: Path, name: str, file: Path) -> Iterator[str]:
    """What a module of the package imports of it, anywhere in its code; names of functions may be among it."""
    full = f"{package.name}.{name}"
    for source, what in imports_of(file, full if file.name == "__init__.py" else full.rpartition(".")[0]):
        dotted = (source, f"{source}.{what}") if what else (source,)
        yield from (each.removeprefix(f"{package.name}.") for each in dotted if each.startswith(f"{package.name}."))


def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _meaning(tree: ast.Module) -> str:
    """The code without docstrings and other strings that stand by themselves."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # pyright: ignore[reportAttributeAccessIssue] (it has one, as asked above)
                each for each in body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
            ]
    return ast.dump(tree)

"""Who may import whom: the table of docs/architecture.md."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ENGINE = REPOSITORY / "dgtalker_engine"
ADDON = REPOSITORY / "blender_addon"
BELOW = {
    "errors": set(),
    "kernels": set(),
    "wire": {"errors"},
    "rig": {"errors"},
    "performance": {"errors", "rig", "wire"},
    "gaussians": {"errors", "kernels"},
    "avatar": {"errors", "gaussians", "kernels", "rig"},
    "speech": {"errors", "performance", "rig"},
    "capture": {"errors", "gaussians", "rig"},
    "training": {"errors", "capture", "gaussians", "kernels", "wire"},
    "rendering": {"errors", "avatar", "gaussians", "kernels", "performance", "rig", "wire"},
}
"""Which rooms each of the rooms that answer a user may import."""

SYSTEMS = {*BELOW} - {"rendering"}
"""What a system may import, besides itself."""

TOP = {"cli", "server", "heads", "__init__", "__main__"}
"""Rooms that may import everything but `heads`."""
LIGHT = {"wire", "performance", "rig", "errors"}
STANDARD_AND_NUMPY = {"wire": set(), "errors": set(), "performance": {"numpy"}, "rig": {"numpy"}}

UNSAFE = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
NETWORK = {"http", "urllib", "xmlrpc", "socketserver", "asyncio", "websockets", "requests", "aiohttp"}


def imports(path: Path, package: tuple[str, ...]) -> set[str]:
    """Absolute dotted names of everything that a module imports; `package` is where it lies."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def modules(folder: Path) -> list[tuple[Path, tuple[str, ...]]]:
    found = sorted(folder.rglob("*.py"))
    return [(path, (folder.name, *path.relative_to(folder).parent.parts)) for path in found]


def room_of(path: Path) -> str:
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


def rooms_used(path: Path, package: tuple[str, ...]) -> set[str]:
    return {name.split(".")[1] for name in imports(path, package) if name.startswith("dgtalker_engine.")}


@pytest.mark.parametrize(("path", "package"), modules(ENGINE), ids=lambda value: str(value))
def test_a_room_of_the_engine_imports_only_the_rooms_below_it(path, package):
    room, used = room_of(path), rooms_used(path, package)
    if room in TOP:
        assert room == "heads" or "heads" not in used
    elif room == "systems":
        systems = {name.split(".")[2] for name in imports(path, package) if name.startswith("dgtalker_engine.systems.")}
        assert systems <= set(path.relative_to(ENGINE).parts[1:2]), "a system imports another one"
        assert used <= SYSTEMS | {"systems"}
    else:
        assert room in BELOW, f"{room} is a new room: say in docs/architecture.md and here whom it may import"
        assert used <= BELOW[room] | {room}


@pytest.mark.parametrize(("path", "package"), modules(ENGINE), ids=lambda value: str(value))
def test_what_blender_imports_needs_no_more_than_numpy(path, package):
    room = room_of(path)
    if room in STANDARD_AND_NUMPY:
        outside = {name.split(".")[0] for name in imports(path, package)} - {"dgtalker_engine"}
        standard = {*sys.stdlib_module_names, "_typeshed"}
        assert outside - standard <= STANDARD_AND_NUMPY[room]


@pytest.mark.parametrize(("path", "package"), modules(ADDON), ids=lambda value: str(value))
def test_the_extension_uses_only_the_light_part_of_the_engine(path, package):
    used = {name.split(".")[1] for name in imports(path, package) if name.startswith("dgtalker_engine.")}
    assert used <= LIGHT


@pytest.mark.parametrize(("path", "package"), modules(ENGINE) + modules(ADDON), ids=lambda value: str(value))
def test_nothing_unpickles_and_nothing_speaks_http(path, package):
    """Promises of the wire: no pickle in a message or an avatar, never HTTP or WebSocket."""
    assert not {name.split(".")[0] for name in imports(path, package)} & (UNSAFE | NETWORK)
    source = path.read_text(encoding="utf-8")
    assert "allow_pickle=True" not in source
    assert "weights_only=False" not in source


def test_importing_the_package_loads_nothing_heavy():
    source = ast.parse((ENGINE / "__init__.py").read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(source) if isinstance(node, ast.Import)]

"""Who may import whom: the table of docs/architecture.md."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ENGINE = REPOSITORY / "dgtalker_engine"
ADDON = REPOSITORY / "blender_addon"
BELOW = {
    "errors": set(),
    "files": {"errors"},
    "model_files": {"errors"},
    "kernels": set(),
    "wire": {"errors"},
    "rig": {"errors"},
    "performance": {"errors", "rig", "wire"},
    "gaussians": {"errors", "kernels"},
    "avatar": {"errors", "gaussians", "kernels", "rig"},
    "speech": {"errors", "model_files", "performance", "rig", "wire"},
    "capture": {"errors", "gaussians", "kernels", "model_files", "performance", "rig", "wire"},
    "training": {"errors", "avatar", "capture", "gaussians", "kernels", "performance", "rig", "speech", "wire"},
    "rendering": {"errors", "avatar", "gaussians", "kernels", "performance", "rig", "wire"},
}
"""Which rooms each of the rooms that answer a user may import; `files`, too, where it may import `errors`."""

SYSTEMS = {*BELOW} - {"rendering"}
"""What a system may import, besides itself."""

TOP = {"cli", "server", "heads", "__init__", "__main__"}
"""Rooms that may import everything but `heads`."""
LIGHT = {"wire", "performance", "rig", "errors", "files"}
STANDARD_AND_NUMPY = {"wire": set(), "errors": set(), "files": set(), "performance": {"numpy"}, "rig": {"numpy"}}

BLENDER = {"bpy", "bpy_extras", "bl_ext", "mathutils", "aud", "gpu", "bmesh", "blf"}
UNSAFE = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNPICKLERS = {ENGINE / "capture" / "inert_pickle.py"}
"""FLAME and GGHead are published as pickles: their reader knows a few names, runs none, and refuses every other."""
DOWNLOADS = ADDON / "install" / "sources.py"
NETWORK = {"http", "urllib", "xmlrpc", "socketserver", "asyncio", "websockets", "requests", "aiohttp"}


@cache
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


def edges(path: Path, package: tuple[str, ...], names: set[str]) -> set[str]:
    """The modules, of `names`, that a module imports at run time, inside functions too: of `from a import b` a.b where
    that is a module, otherwise a. What only a type checker sees does not count."""
    found: set[str] = set()
    left: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while left:
        node = left.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            left += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*base, *([node.module] if node.module else [])])
            inside = {f"{source}.{alias.name}" for alias in node.names}
            found |= inside & names
            found |= {source} if inside - names else set()
        left += ast.iter_child_nodes(node)
    return found & names


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other, directly or by way of others."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        reached[start], left = set(), [start]
        while left:
            new = graph[left.pop()] - reached[start]
            reached[start] |= new
            left += new
    groups = {frozenset({a, *(b for b in reached[a] if a in reached[b])}) for a in graph if a in reached[a]}
    return sorted(sorted(group) for group in groups)


def room_of(path: Path, engine: Path = ENGINE) -> str:
    return path.relative_to(engine).parts[0].removesuffix(".py")


def rooms_used(path: Path, package: tuple[str, ...]) -> set[str]:
    return {name.split(".")[1] for name in imports(path, package) if name.startswith("dgtalker_engine.")}


def broken_rule(path: Path, package: tuple[str, ...], engine: Path = ENGINE) -> str:
    """What a module of the engine imports and may not; empty where all is well."""
    room, used = room_of(path, engine), rooms_used(path, package)
    if room in TOP:
        return "" if room == "heads" or "heads" not in used else "nobody imports heads"
    if room == "systems":
        systems = {name.split(".")[2] for name in imports(path, package) if name.startswith("dgtalker_engine.systems.")}
        if systems - set(path.relative_to(engine).parts[1:2]):
            return "a system imports another one"
        return ", ".join(used - SYSTEMS - {"systems"})
    if room not in BELOW:
        return f"{room} is a new room: say in docs/architecture.md and here whom it may import"
    allowed = BELOW[room] | ({"files"} if "errors" in BELOW[room] else set())
    return ", ".join(used - allowed - {room})


def needs_no_blender(path: Path) -> bool:
    """Whether a module of the add-on says so in its docstring."""
    says = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.search(r"\bno blender\b", says, re.IGNORECASE) is not None


@pytest.mark.parametrize(("path", "package"), modules(ENGINE), ids=lambda value: str(value))
def test_a_room_of_the_engine_imports_only_the_rooms_below_it(path, package):
    assert not broken_rule(path, package)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("speech/sound.py", "from dgtalker_engine.avatar import load"),
        ("speech/sound.py", "from dgtalker_engine import avatar"),
        ("speech/sound.py", "import dgtalker_engine.avatar.files"),
        ("speech/sound.py", "from .. import avatar"),
        ("speech/sound.py", "from ..avatar import load"),
        ("speech/lipsync/model.py", "from ... import rendering"),
        ("speech/lipsync/model.py", "from ...systems.lipsync import config"),
        ("speech/sound.py", "def late():\n    from ..avatar import load"),
        ("rig.py", "from .wire import Channel"),
        ("systems/one/model.py", "from ..other import config"),
        ("systems/one/model.py", "from .. import other"),
        ("server/session.py", "from ..heads import sheets"),
        ("new_room/thing.py", "import numpy"),
        ("new_file.py", "import numpy"),
    ],
)
def test_whoever_breaks_a_rule_is_caught(tmp_path, place, line):
    path = tmp_path / "dgtalker_engine" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line + "\n")
    ((found, package),) = modules(tmp_path / "dgtalker_engine")
    assert broken_rule(found, package, tmp_path / "dgtalker_engine")


@pytest.mark.parametrize("path", [path for path, _ in modules(ADDON) if needs_no_blender(path)], ids=str)
def test_what_says_that_it_needs_no_blender_imports_none(path):
    """Nor does what it imports of the add-on."""
    packages, checked, waiting = dict(modules(ADDON)), set(), {path}
    while waiting:
        module = waiting.pop()
        checked.add(module)
        names = imports(module, packages[module])
        assert not {name.split(".")[0] for name in names} & BLENDER, module
        inner = [ADDON.joinpath(*name.split(".")[1:]) for name in names if name.startswith("blender_addon.")]
        files = {file.with_suffix(".py") for name in inner for file in (name, name.parent)}
        waiting |= (files & packages.keys()) - checked


def test_the_rule_about_blender_is_about_something():
    assert sum(needs_no_blender(path) for path, _ in modules(ADDON)) >= 10


def test_no_modules_of_the_engine_import_each_other_in_a_circle():
    named = {
        ".".join([*package, *([path.stem] if path.stem != "__init__" else [])]): (path, package)
        for path, package in modules(ENGINE)
    }
    graph = {name: edges(path, package, set(named)) for name, (path, package) in named.items()}
    assert circles(graph) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d", "a"}}) == [["b", "c"], ["d"]]


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
    """Promises of the wire: no pickle in a message or an avatar, never HTTP or WebSocket. Only the installation, when
    its button is pressed, downloads."""
    allowed = {"pickle"} if path in UNPICKLERS else {"http", "urllib"} if path == DOWNLOADS else set()
    assert not {name.split(".")[0] for name in imports(path, package)} & (UNSAFE | NETWORK) - allowed
    source = path.read_text(encoding="utf-8")
    assert "allow_pickle=True" not in source
    assert "weights_only=False" not in source


def test_importing_the_package_loads_nothing_heavy():
    """Its __init__ imports nothing: Blender runs it before it imports the light rooms."""
    assert {name.split(".")[0] for name in imports(ENGINE / "__init__.py", ("dgtalker_engine",))} <= {"__future__"}

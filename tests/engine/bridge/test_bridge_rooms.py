"""The rooms of the extension know each other in one direction only."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ADDON = Path(__file__).resolve().parents[3] / "blender_addon"


def room_of(module: Path) -> str:
    """Folders are rooms, and so is each module beside them; `speech` has rooms of its own."""
    names = module.relative_to(ADDON).with_suffix("").parts
    return "/".join(names[:2] if names[0] == "speech" else names[:1])


def imported(path: Path) -> set[Path]:
    """The modules of the extension that one of them imports, inside functions too; folders where a room is meant."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            targets = [base / alias.name for alias in node.names]
            found |= {each if each.is_dir() or each.with_suffix(".py").is_file() else base for each in targets}
    return found


def test_no_circle_of_rooms():
    rooms: dict[str, set[str]] = {}
    for path in ADDON.rglob("*.py"):
        if path.name != "__init__.py":
            rooms.setdefault(room_of(path), set()).update(map(room_of, imported(path)))
    assert len(rooms) > 10
    for room, used in rooms.items():
        used.discard(room)
    list(TopologicalSorter(rooms).static_order())

"""Names that Blender has one place for."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

ADDON = Path(__file__).resolve().parents[2] / "blender_addon"


def test_no_two_classes_of_the_extension_register_under_one_name():
    names = Counter[str]()
    for path in sorted(ADDON.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "bl_idname":
                names[ast.unparse(node.value)] += 1
    assert len(names) > 20
    assert names.most_common(1)[0][1] == 1

"""Which code makes the heads, and what of it counts."""

from __future__ import annotations

import pytest

from dgtalker_engine.heads import code_digest

LOOKING = {"heads.__main__", "heads.expression_presets", "heads.sheets"}
"""Modules of the room that look at heads and make none."""


@pytest.fixture
def package(tmp_path):
    """A small package whose heads are made by a few modules."""
    folder = tmp_path / "engine"

    def write(name, text):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        return folder

    for name in ("__init__.py", "heads/__init__.py", "heads/cycles/__init__.py", "tools/__init__.py"):
        write(name, "")
    write("heads/make.py", "from .. import tools\nfrom .shapes import sphere\n")
    write("heads/cycles/scene.py", "import bpy\n")
    write("heads/shapes.py", '"""Shapes."""\n\ndef sphere():\n    from ..tools import deep\n    return deep.RADIUS\n')
    write("heads/sheets.py", "from .shapes import sphere\n")
    write("tools/deep.py", "RADIUS = 1  # m\n")
    write("tools/other.py", "import engine.far\n")
    write("far.py", "AWAY = 1\n")
    return write


def test_what_is_imported_anywhere_counts_and_nothing_else(package):
    folder = package("heads/make.py", "from .. import tools\nfrom .shapes import sphere\n")
    wanted = ["heads", "heads.cycles", "heads.cycles.scene", "heads.make", "heads.shapes", "tools", "tools.deep"]
    assert sorted(code_digest.modules(folder)) == wanted
    package("tools/__init__.py", "from . import other\n")
    assert sorted(code_digest.modules(folder)) == sorted(["far", *wanted, "tools.other"])


@pytest.mark.parametrize(
    ("file", "text", "same"),
    [
        ("tools/deep.py", "RADIUS = 2  # m\n", False),
        ("tools/deep.py", "RADIUS = (1)  # millimetres, and what is written about them\n", True),
        ("heads/shapes.py", "def sphere():\n    from ..tools import deep\n    return deep.RADIUS\n", True),
        ("heads/shapes.py", "def sphere():\n    from ..tools import deep\n    return -deep.RADIUS\n", False),
        ("heads/cycles/scene.py", "import bpy\nbpy.ops.render.render()\n", False),
        ("heads/sheets.py", "from .shapes import sphere as ball\n", True),
        ("far.py", "AWAY = 2\n", True),
    ],
)
def test_code_that_makes_heads_counts_by_its_meaning(package, file, text, same):
    before = code_digest.digest(package("README", ""))
    assert (code_digest.digest(package(file, text)) == before) is same


def test_every_module_of_the_room_makes_heads_but_those_that_look_at_them():
    folder = code_digest.PACKAGE / "heads"
    names = {".".join(path.relative_to(code_digest.PACKAGE).with_suffix("").parts) for path in folder.rglob("*.py")}
    found = {name.removesuffix(".__init__") for name in names}
    assert found - set(code_digest.modules()) == LOOKING


def test_the_heads_depend_on_what_poses_renders_and_writes_them():
    wanted = {"rig", "avatar.numbers", "avatar.proxy", "avatar.kinds.linear.file", "avatar.kinds.linear.posing"}
    assert wanted | {"gaussians.rendering", "gaussians.cpu.blending_gradients"} <= set(code_digest.modules())

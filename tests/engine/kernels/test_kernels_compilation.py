"""Kernels are compiled once, and their machine code is found again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from dgtalker_engine import kernels as kernels_room
from dgtalker_engine.gaussians import render
from dgtalker_engine.gaussians.colour import to_scene_linear
from dgtalker_engine.gaussians.transform import placed

WARM = """
import json, sys
from numba.core import event
from numba.core.dispatcher import Dispatcher
from dgtalker_engine.rendering.warm import is_warm, warm_up

class Compiled(event.Listener):
    names = []
    def on_start(self, begun):
        function = begun.data["dispatcher"].py_func
        if function.__module__.startswith("dgtalker_engine"):
            self.names.append(function.__name__)
    def on_end(self, ended):
        pass

before = is_warm()
with event.install_listener("numba:compile", Compiled()):
    warm_up()
kernels = {
    kernel.py_func.__name__: len(kernel.signatures)
    for name, module in list(sys.modules.items())
    if name.startswith("dgtalker_engine.")
    for kernel in vars(module).values()
    if isinstance(kernel, Dispatcher) and kernel.signatures
}
print(json.dumps([before, is_warm(), Compiled.names, kernels]))
"""


def python(program: str, **variables) -> str:
    finished = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_compiled_once_and_kept():
    """What `warm_up` compiled, as when the engine was installed, another process only loads; nothing is left to
    compile."""
    python(WARM)
    before, after, compiled, kernels = json.loads(python(WARM))
    assert (before, after) == (True, True)
    assert compiled == []
    assert {
        "_project",
        "_list",
        "blend_tiles",
        "decode_picture",
        "place",
        "blend_tiles_gradients",
        "_project_gradients",
    } <= set(kernels)
    assert set(kernels.values()) == {1}, "a kernel was compiled for several types"


@pytest.fixture
def site_packages(tmp_path):
    """A folder with a copy of the kernels' package, as it lies where packages are installed."""
    folder = tmp_path / "site-packages"
    shutil.copytree(
        Path(kernels_room.__file__).parent, folder / "kernels", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


def inside(site_packages: Path, program: str, **variables) -> str:
    """What a program prints that finds its packages there; without NUMBA_CACHE_DIR unless it is given."""
    program = f"import sys; sys.path.insert(0, {str(site_packages)!r})\n{program}"
    return python(program, **{"NUMBA_CACHE_DIR": "", **variables}).strip()


def test_kept_beside_the_modules_or_in_the_users_cache(site_packages, tmp_path):
    program = "from kernels import compilation; print(compilation.cache_root())"
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    beside = site_packages / "kernels" / "__pycache__"
    assert Path(inside(site_packages, program, **cache)) == beside
    shutil.rmtree(beside)
    # A file in its place: as good as a folder without permission, also for the superuser.
    beside.touch()
    assert Path(inside(site_packages, program, **cache)) == tmp_path / "cache" / "dgtalker"
    shutil.rmtree(tmp_path / "cache" / "dgtalker")
    (tmp_path / "cache" / "dgtalker").touch()
    assert inside(site_packages, program, **cache) == "None"


SOURCES = {
    "constants.py": "ANSWER = 41\n",
    "inner.py": """
from kernels.compilation import kernel
from .constants import ANSWER

@kernel
def answer():
    return ANSWER
""",
    "outer.py": """
from kernels.compilation import kernel
from . import inner

@kernel
def plus(more):
    return _later() + more

@kernel
def _later():
    return inner.answer()
""",
    "other.py": """
from kernels.compilation import kernel

@kernel
def seven(more):
    return 7 + more
""",
    "__init__.py": "from .other import seven\nfrom .outer import plus\n",
}

PACKAGE = """
import json
from numba.core import event
compiled = []
class Compiled(event.Listener):
    def on_start(self, begun):
        compiled.append(begun.data["dispatcher"].py_func.__name__)
    def on_end(self, ended):
        pass
import package
from kernels.compilation import is_warm, mark_warm
warm = is_warm()
with event.install_listener("numba:compile", Compiled()):
    values = package.plus(1), package.seven(1)
mark_warm()
print(json.dumps([values, [name for name in compiled if name in ("plus", "_later", "answer", "seven")], warm]))
"""


@pytest.fixture
def package(site_packages):
    """Beside the kernels' package one with kernels of its own."""
    folder = site_packages / "package"
    folder.mkdir()
    for name, source in SOURCES.items():
        (folder / name).write_text(source)
    return folder


def test_a_constant_that_is_frozen_in_kernels_of_other_modules_is_found_changed(package, site_packages):
    """Numba looks at the file of each kernel alone, and would serve the old one; what depends on nothing that changed
    is not compiled again."""
    values, compiled, warm = json.loads(inside(site_packages, PACKAGE))
    assert (values, sorted(compiled), warm) == ([42, 8], ["_later", "answer", "plus", "seven"], False)
    assert json.loads(inside(site_packages, PACKAGE)) == [[42, 8], [], True]
    (package / "constants.py").write_text("ANSWER = 99\n")
    values, compiled, warm = json.loads(inside(site_packages, PACKAGE))
    assert (values, sorted(compiled), warm) == ([100, 8], ["_later", "answer", "plus"], False)


def test_what_kernels_are_made_of_is_found_changed(package, site_packages):
    """Code that emits instructions is frozen in whatever uses it, but is no kernel itself."""
    json.loads(inside(site_packages, PACKAGE))
    path = site_packages / "kernels" / "compilation.py"
    path.write_text(path.read_text() + "\n# changed\n")
    values, compiled, warm = json.loads(inside(site_packages, PACKAGE))
    assert (values, len(compiled), warm) == ([42, 8], 4, False)


def folders_of(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if path.is_dir()}


def strangers(root: Path) -> set[str]:
    """Folders that lie about there, unused for a year but for one, which another version has used last week."""
    root.mkdir(exist_ok=True)
    week, year = time.time() - 7 * 86400, time.time() - 365 * 86400
    ages = {"numba-0123abcd": year, "cpu_0123abcd": year, "dgtalker-0123abcd": year, "dgtalker-4567abcd": week}
    for name, age in ages.items():
        (root / name).mkdir()
        (root / name / "warm-0").touch()
        for path in (root / name / "warm-0", root / name):
            os.utime(path, (age, age))
    return set(ages)


def test_only_folders_of_ours_that_are_long_unused_are_deleted(package, site_packages):
    root = site_packages / "kernels" / "__pycache__"
    before = strangers(root)
    inside(site_packages, PACKAGE)
    assert before - folders_of(root) == {"dgtalker-0123abcd"}
    assert len(folders_of(root) - before) == 3


def test_kernels_that_are_imported_now_and_then_are_kept(package, site_packages):
    """Such as those of training, which nobody warms up."""
    root = site_packages / "kernels" / "__pycache__"
    inside(site_packages, PACKAGE)
    kept = folders_of(root)
    for name in kept:
        for path in (*(root / name).iterdir(), root / name):
            os.utime(path, (0, 0))
    inside(site_packages, "import package")
    (package / "constants.py").write_text("ANSWER = 99\n")
    inside(site_packages, PACKAGE)
    assert kept < folders_of(root)


def test_in_a_folder_that_the_user_chose_nothing_is_deleted(package, site_packages, tmp_path):
    before = strangers(tmp_path / "chosen")
    inside(site_packages, PACKAGE, NUMBA_CACHE_DIR=str(tmp_path / "chosen"))
    assert before < folders_of(tmp_path / "chosen")


def test_one_specialisation_of_each_kernel(head, look):
    """Whatever is rendered: another type of some argument would be compiled while an animator waits."""
    for degree in (0, 2):
        for orthographic in (False, True):
            camera = look((0, -1, 0), 40, 30, orthographic=orthographic)
            for matrix in (np.eye(4), np.diag([1.0, 2, 3, 1])):
                cloud = placed(head(600, degree=degree), matrix, camera)
                image = render(cloud, camera, region=(3, 4, 5, 6), background=(1, 0, 0))
                render(head(1, degree=degree), camera)
                cloud.means.requires_grad_()
                render(cloud, camera, region=(3, 4, 5, 6)).depth.sum().backward()
                to_scene_linear(image.rgb, image.alpha)
    found = {
        f"{name}.{kernel.py_func.__name__}": kernel
        for name, module in sys.modules.items()
        if name.startswith("dgtalker_engine.")
        for kernel in vars(module).values()
        if isinstance(kernel, Dispatcher)
    }
    assert len(found) > 15
    assert [name for name, kernel in found.items() if len(kernel.signatures) > 1] == []

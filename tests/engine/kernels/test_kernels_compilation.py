"""Kernels are compiled once, and their machine code is found again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from dgtalker_engine import kernels as kernels_room
from dgtalker_engine.gaussians import render
from dgtalker_engine.gaussians.colour import to_scene_linear
from dgtalker_engine.gaussians.transform import placed

WARM = """
import json, time
from numba.core import event
from dgtalker_engine.rendering.warm import is_warm, warm_up
from dgtalker_engine.kernels.compilation import cache_folder

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
print(json.dumps([before, is_warm(), str(cache_folder()), Compiled.names]))
"""


def python(program: str, **variables) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_compiled_once_and_kept(tmp_path):
    """What `warm_up` compiled, the next process only loads; then nothing is left to compile."""
    before, after, folder, compiled = json.loads(python(WARM, NUMBA_CACHE_DIR=str(tmp_path)))
    assert (before, after) == (False, True)
    assert Path(folder).parent == tmp_path
    assert {
        "project",
        "bin_tiles",
        "blend_tiles",
        "decode_picture",
        "place",
        "blend_tiles_gradients",
        "project_gradients",
    } <= set(compiled)
    assert len(set(compiled)) == len(compiled), "a kernel was compiled for several types"
    before, after, _, compiled = json.loads(python(WARM, NUMBA_CACHE_DIR=str(tmp_path)))
    assert (before, after) == (True, True)
    assert compiled == []


@pytest.fixture
def kernels(tmp_path):
    """A copy of the kernels' folder, as it lies in site-packages."""
    folder = tmp_path / "site-packages" / "kernels"
    shutil.copytree(Path(kernels_room.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def folder_of(kernels: Path, **variables) -> str:
    program = f"import sys; sys.path.insert(0, {str(kernels)!r}); import compilation; print(compilation.cache_folder())"
    return python(program, PYTHONDONTWRITEBYTECODE="1", **variables).strip()


def test_kept_beside_the_modules_or_in_the_users_cache(kernels, tmp_path):
    variables = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": ""}
    assert Path(folder_of(kernels, **variables)).parent == kernels / "__pycache__"
    shutil.rmtree(kernels / "__pycache__")
    # A file in its place: as good as a folder without permission, also for the superuser.
    (kernels / "__pycache__").touch()
    assert Path(folder_of(kernels, **variables)).parent == tmp_path / "cache" / "dgtalker"
    shutil.rmtree(tmp_path / "cache" / "dgtalker")
    (tmp_path / "cache" / "dgtalker").touch()
    assert folder_of(kernels, **variables) == "None"


def test_other_sources_have_another_folder(kernels):
    """Numba alone would keep a kernel's machine code when another file that it calls has changed."""
    first = folder_of(kernels, NUMBA_CACHE_DIR="")
    (kernels / "fast_math.py").write_text((kernels / "fast_math.py").read_text() + "\n# changed\n")
    assert folder_of(kernels, NUMBA_CACHE_DIR="") != first


def test_one_specialisation_of_each_kernel(head, look):
    """Whatever is rendered: another type of some argument would be compiled while an animator waits."""
    for degree in (0, 2):
        for orthographic in (False, True):
            camera = look((0, -1, 0), 40, 30, orthographic=orthographic)
            for matrix in (np.eye(4), np.diag([1.0, 2, 3, 1])):
                cloud = placed(head(600, degree=degree), matrix, camera)
                image = render(cloud, camera, region=(3, 4, 5, 6), background=(1, 0, 0), antialiased=True)
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

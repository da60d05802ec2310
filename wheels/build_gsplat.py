#!/usr/bin/env python3
"""Builds gsplat's wheel from its pinned sources, for NVIDIA GPUs; `python build.py package --cuda` runs it.

    python wheels/build_gsplat.py --check    whether there is an nvcc; needs nothing else
    python wheels/build_gsplat.py            builds, in the environment "cuda" (engine.txt, torch.txt and cuda.txt)

gsplat has to be built against the very PyTorch that it runs with. TORCH_CUDA_ARCH_LIST (default: `ARCHITECTURES`) says
for which GPUs, CUDA_HOME where the toolkit is, MAX_JOBS how many compilers run at once. One architecture takes about 9
minutes on two cores.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WHEELS = Path(__file__).resolve().parent

SOURCES = "gsplat==1.5.3 --hash=sha256:343f080c470e891ba3c697c03bdf0952cb982d1d535fdc24adb23c2cb4fba906"
ARCHITECTURES = "7.5;8.0;8.6;8.9;9.0;10.0;12.0+PTX"


class CannotBuildError(Exception):
    """What is missing, and where it comes from."""


def cuda_home() -> Path:
    """The toolkit's folder: CUDA_HOME, the one that the nvcc on the path belongs to, or /usr/local/cuda."""
    named = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH")
    found = shutil.which("nvcc")
    candidates = [Path(named)] if named else [Path("/usr/local/cuda")]
    if found and not named:
        candidates.insert(0, Path(found).resolve().parent.parent)
    nvcc = "nvcc.exe" if os.name == "nt" else "nvcc"
    for folder in candidates:
        # A wrapper of that name may lie on the path: a toolkit has its headers beside it.
        if (folder / "bin" / nvcc).is_file() and (folder / "include" / "cuda.h").is_file():
            return folder
    raise CannotBuildError(
        f"There is no CUDA toolkit in {', '.join(map(str, candidates))}. gsplat is compiled with nvcc: install CUDA "
        "13.0's toolkit, or set CUDA_HOME to where it is. (Without --cuda nothing of this is needed.)"
    )


def check_torch() -> str:
    """The version of this Python's PyTorch, which has CUDA of the toolkit's major version."""
    if importlib.util.find_spec("torch") is None:
        raise CannotBuildError(f"{sys.executable} has no PyTorch: run `python build.py package --cuda`.")
    import torch

    if torch.version.cuda is None:
        raise CannotBuildError(
            f"{sys.executable} has PyTorch {torch.__version__}, which is built without CUDA. Let pip install PyPI's "
            "(an index or a find-links of this machine may have offered another: see `pip config list`)."
        )
    return torch.__version__


def build(home: Path) -> Path:
    """Builds, and puts the wheel in place of an older one."""
    variables = {
        "CUDA_HOME": str(home),
        "TORCH_CUDA_ARCH_LIST": ARCHITECTURES,
        "MAX_JOBS": str(os.cpu_count() or 1),
        **os.environ,
        # PyTorch takes ninja from the path.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "gsplat.txt"
        pinned.write_text(SOURCES + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-cache-dir"]
        command += ["--no-binary", "gsplat", "--require-hashes", "-r", str(pinned), "-w", folder]
        if subprocess.run(command, env=variables).returncode:
            raise CannotBuildError("gsplat could not be built; the compiler's messages are above.")
        (built,) = Path(folder).glob("gsplat-*.whl")
        if built.name.endswith("-none-any.whl"):
            raise CannotBuildError(f"{built.name} holds nothing compiled.")
        for old in WHEELS.glob("gsplat-*.whl"):
            old.unlink()
        return Path(shutil.move(built, WHEELS / built.name))


def main(arguments: list[str]) -> int:
    try:
        home = cuda_home()
        if arguments == ["--check"]:
            return 0
        version = check_torch()
        print(f"building gsplat against PyTorch {version} with {home}", file=sys.stderr, flush=True)
        print(build(home))
    except CannotBuildError as error:
        print(f"build_gsplat.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

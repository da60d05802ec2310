"""Where packages come from: pip's configuration told to uv, which does not read it, and the index of PyTorch."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from .repository import say

PYPI = "https://pypi.org/simple"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"

VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "no-index": "UV_NO_INDEX",
}
"""Options of pip, and the variables by which uv takes the same."""

APART = ("UV_INDEX", "UV_FIND_LINKS", "UV_NO_INDEX")
"""Variables of what lies beside the main index, which may have the files of one platform alone."""

_INDEXES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")
"""The last two are uv's old names, which it still takes."""


def pip_options(python: Path) -> dict[str, str]:
    """The options that pip's files and variables set on this machine: its general ones and those of `pip install`."""
    listed = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    found = [line.partition("=") for line in listed.splitlines()]
    options: dict[str, str] = {}
    for section in ("global", "install", ":env:"):  # the later ones win, as in pip
        for key, _, value in found:
            if key.startswith(f"{section}."):
                options[key[len(section) + 1 :]] = " ".join(ast.literal_eval(value).split())
    return options


def uv_variables(python: Path) -> dict[str, str]:
    """The environment variables with which uv finds packages where the pip of `python` does; uv's own ones win."""
    variables = {VARIABLES[name]: value for name, value in pip_options(python).items() if name in VARIABLES}
    if "UV_INDEX" in variables:
        # uv takes a version from the first index that has any file of it; pip takes the best file of all. The main
        # index has all files, others perhaps one for another platform.
        variables["UV_INDEX"] = f"{variables.get('UV_DEFAULT_INDEX', PYPI)} {variables['UV_INDEX']}"
    # As in pip, the pinned version may lie in any of the indexes. The hashes of the locks make that safe.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **variables, **os.environ}


def alone(variables: dict[str, str]) -> dict[str, str]:
    """The same without the indexes that they name: another's package of the same name could come from there."""
    return {name: value for name, value in variables.items() if name not in _INDEXES}


def no_index(variables: dict[str, str]) -> list[str]:
    """uv's option for pip's `no-index`, which has no variable."""
    return ["--no-index"] if variables.get("UV_NO_INDEX", "0").lower() in ("1", "true", "yes", "on") else []


def wants_torch_for_cpu() -> bool:
    """A Linux machine without an NVIDIA GPU takes the small CPU build of PyTorch; PyPI's brings gigabytes of CUDA."""
    return sys.platform.startswith("linux") and not shutil.which("nvidia-smi")


def torch_cpu_index() -> list[str]:
    """uv's option for PyTorch's own index and no other where it answers; the machine's may have that build, too."""
    try:
        urllib.request.urlopen(urllib.request.Request(TORCH_CPU_INDEX, method="HEAD"), timeout=5).close()
    except OSError as error:
        say(f"{TORCH_CPU_INDEX} cannot be reached ({error}); PyTorch comes from where pip looks")
        return []
    return ["--default-index", TORCH_CPU_INDEX]

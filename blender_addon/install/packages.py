"""Which files an installation takes, by platform: `packages.json`, which `build.py lock` writes. No Blender."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError

FILE = Path(__file__).with_name("packages.json")


@dataclass(frozen=True)
class File:
    """A file that is downloaded.

    Attributes:
        name: of the file.
        sha256: of its bytes, in hexadecimal.
        size: bytes; 0 where the catalogue does not know it.
        project: what an index calls it; empty where `url` says where it is.
        index: ``pypi`` or ``pytorch``.
        url: of a file that lies in no index.
    """

    name: str
    sha256: str
    size: int = 0
    project: str = ""
    index: str = "pypi"
    url: str = ""


@dataclass(frozen=True)
class Catalogue:
    """The files of one platform.

    Attributes:
        python: the version of Python that all of them are made for: ``3.11``.
        groups: ``python`` (an archive of Python itself), ``base``, ``cpu`` (PyTorch without CUDA), ``capture`` (what
            looks at videos), ``signing`` (what signs pictures), and where there is one ``cuda`` (PyTorch with CUDA, and
            what gsplat needs).
    """

    python: str
    groups: dict[str, tuple[File, ...]]


@functools.cache
def catalogue(platform: str, path: Path = FILE) -> Catalogue:
    """The catalogue of a platform, named as `machine.platform` does.

    Raises:
        DGTalkerError: there are no packages for that platform.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    groups = content["platforms"].get(platform)
    if groups is None:
        raise DGTalkerError(
            f"The engine cannot be installed on {platform}: some of its packages do not exist there.",
            f"There are packages for {', '.join(content['platforms'])}.",
        )
    return Catalogue(
        python=content["python"],
        groups={group: tuple(File(**file) for file in files) for group, files in groups.items()},
    )

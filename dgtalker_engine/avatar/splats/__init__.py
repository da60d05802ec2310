"""Clouds of Gaussians from other programs, and for them: PLY, .splat, .spz and glTF. docs/splats.md has the formats.

What a file is, is found from its content.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DGTalkerError
from ...files import printable, read_file, write_target
from ...gaussians.cloud import Gaussians
from ...gaussians.transform import moved
from . import gltf, numbers, ply, splat, spz
from .axes import matrix_from
from .found import Splats

__all__ = ["FORMATS", "Format", "Splats", "format_for", "parse", "read", "write"]


@dataclass(frozen=True)
class Format:
    """A format of splats.

    Attributes:
        label: for users.
        suffix: of its files.
        forward, up: how its axes usually lie, as `axes.matrix_from` takes them.
        matches: whether bytes may be such a file.
        parse: the Gaussians in a file's bytes; the folder is where it lies.
        pack: the bytes of a file; None: it is only read.
    """

    label: str
    suffix: str
    forward: str
    up: str
    matches: Callable[[bytes], bool]
    parse: Callable[[bytes, Path], Splats]
    pack: Callable[[Gaussians], bytes] | None


FORMATS: dict[str, Format] = {
    "ply": Format("3DGS PLY", ".ply", "Z", "-Y", ply.matches, lambda data, _: ply.parse(data), ply.write),
    "spz": Format("Niantic SPZ", ".spz", "-Z", "Y", spz.matches, lambda data, _: spz.parse(data), spz.write),
    "glb": Format("glTF Binary, KHR_gaussian_splatting", ".glb", "-Z", "Y", gltf.matches, gltf.parse, gltf.write),
    "splat": Format(".splat", ".splat", "Z", "-Y", splat.matches, lambda data, _: splat.parse(data), None),
}
"""By name; the last one has no mark of its own, so that it is what is none of the others."""


def read(path: Path | str, forward: str = "", up: str = "", scale: float = 1.0) -> Splats:
    """The Gaussians of a file in head space: metres, +Z up, the front seen from −Y.

    Args:
        path: of any of `FORMATS`.
        forward, up: the file's axes, as `axes.matrix_from` takes them; empty: as usual in its format.
        scale: metres of one unit of the file.

    Raises:
        DGTalkerError: the file cannot be read, is none of these, or the axes are impossible.
    """
    path = Path(path)
    data = read_file(path, numbers.MAX_FILE_BYTES, "The file of splats")
    try:
        return parse(data, path.parent, forward, up, scale)
    except DGTalkerError as error:
        raise DGTalkerError(f"{printable(path.name)}: {error.message}", error.hint) from error


def parse(data: bytes, folder: Path, forward: str = "", up: str = "", scale: float = 1.0) -> Splats:
    """`read` for the content of a file that lies in a folder."""
    kind = next((each for each in FORMATS.values() if each.matches(data)), None)
    if kind is None:
        raise DGTalkerError(
            "This is no file of splats that is known.",
            f"Known are {', '.join(each.suffix for each in FORMATS.values())} and .gltf.",
        )
    matrix = matrix_from(forward or kind.forward, up or kind.up, scale)
    splats = kind.parse(data, folder)
    return Splats(_finite(moved(splats.cloud, matrix)), splats.notes)


def write(
    cloud: Gaussians, path: Path | str, name: str = "", forward: str = "", up: str = "", scale: float = 1.0
) -> Path:
    """Writes Gaussians in head space, or in the world, to a file, whole or not at all.

    Args:
        cloud: on any device.
        path: of the file; its folder is made.
        name: of the format; empty: by the path's suffix.
        forward, up: the file's axes, as `read` takes them.
        scale: units of the file a metre.

    Returns:
        Where it is.

    Raises:
        DGTalkerError: the format is unknown or only read, or the file cannot be written.
    """
    path, kind = Path(path), format_for(path, name)
    if kind.pack is None:
        raise DGTalkerError(f"{kind.label} is only read.", "Write .ply, .spz or .glb.")
    matrix = np.linalg.inv(matrix_from(forward or kind.forward, up or kind.up, 1 / max(scale, 1e-30)))
    here = cloud.map(lambda tensor: tensor.detach().cpu())
    return write_target(path, kind.pack(_finite(moved(here, matrix))))


def format_for(path: Path | str, name: str = "") -> Format:
    """The format of that name, or else that of the path's suffix.

    Raises:
        DGTalkerError: there is none.
    """
    known = f"Known are {', '.join(f'{key} ({each.suffix})' for key, each in FORMATS.items())}."
    if name:
        if name not in FORMATS:
            raise DGTalkerError(f"There is no format {name!r}.", known)
        return FORMATS[name]
    found = next((each for each in FORMATS.values() if each.suffix == Path(path).suffix.lower()), None)
    if found is None:
        raise DGTalkerError(f"The name {printable(Path(path).name)} says no format.", known)
    return found


def _finite(cloud: Gaussians) -> Gaussians:
    """The cloud, of which scaling may have made too much."""
    return numbers.checked(
        means=cloud.means.numpy(),
        quats=cloud.quats.numpy(),
        scales=cloud.scales.numpy(),
        opacities=cloud.opacities.numpy(),
        sh=cloud.sh.numpy(),
    )

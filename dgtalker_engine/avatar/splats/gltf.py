"""glTF with KHR_gaussian_splatting, the extension that Khronos has ratified: Gaussians as points with attributes.

Positions, quaternions xyzw, scales and opacities as they are, and spherical harmonics with an attribute for each
coefficient, of colours that are sRGB or linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DGTalkerError
from ...gaussians.cloud import Gaussians
from ...gaussians.constants import SH_C0
from ...gaussians.transform import merged, moved
from ...kernels import srgb
from . import numbers
from .found import Splats
from .gltf_file import DAMAGE, GLB_MAGIC, GlbWriter, GltfFile, damaged, read

EXTENSION = "KHR_gaussian_splatting"
_SRGB, _LINEAR = "srgb_rec709_display", "lin_rec709_display"
_POINTS = 0
_FLOAT, _BYTE = 5126, 5121
_LINEAR_NOTE = "Colours are linear in this file: they are kept as they are seen from everywhere on average."


def matches(data: bytes) -> bool:
    return data[:4] == GLB_MAGIC or data[:64].lstrip()[:1] == b"{"


def parse(data: bytes, folder: Path) -> Splats:
    """All Gaussians of a glTF file's scene, each where its node puts it.

    Args:
        folder: where the file lies, and the buffers that it names.

    Raises:
        DGTalkerError: it is damaged, has none, or they are compressed or of an unknown kind.
    """
    file = read(data, folder)
    clouds, notes = [], []
    try:
        for mesh, matrix in file.meshes():
            for primitive in mesh["primitives"]:
                if EXTENSION in primitive.get("extensions", {}):
                    splats = _primitive(file, primitive)
                    clouds.append(moved(splats.cloud, matrix))
                    notes += splats.notes
                    numbers.limited(sum(map(len, clouds)))
    except DAMAGE as error:
        raise damaged(error) from error
    if not clouds:
        raise DGTalkerError(
            f"The glTF file has no Gaussians: nothing in its scene has {EXTENSION}.",
            "Meshes are imported by File ▸ Import ▸ glTF 2.0.",
        )
    return Splats(merged(clouds), tuple(dict.fromkeys(notes)))


def _primitive(file: GltfFile, primitive: Mapping[str, Any]) -> Splats:
    settings = primitive["extensions"][EXTENSION]
    if settings.get("extensions"):
        raise DGTalkerError(
            f"The glTF file's Gaussians are compressed: {', '.join(map(str, settings['extensions']))[:80]}.",
            "Export it uncompressed.",
        )
    kernel, space = settings["kernel"], settings["colorSpace"]
    if kernel != "ellipse" or space not in (_SRGB, _LINEAR):
        raise DGTalkerError(f"The glTF file's Gaussians are of the unknown kind {kernel!r} in {space!r}."[:200])
    attributes = primitive["attributes"]

    def array(name: str, width: int) -> np.ndarray:
        found = file.array(attributes[name])
        if found.shape[1] != width:
            raise ValueError(f"{name} has {found.shape[1]} numbers")
        return found

    coefficients = [array(_coefficient(i), 3) for i in range(16) if _coefficient(i) in attributes]
    if len(coefficients) not in numbers.COEFFICIENTS:
        raise DGTalkerError("The glTF file's spherical harmonics are incomplete.", numbers.BROKEN)
    sh = np.stack(coefficients, axis=1)
    notes: tuple[str, ...] = ()
    if space == _LINEAR:
        sh = ((srgb.encode(np.maximum(sh[:, :1] * SH_C0 + 0.5, 0)) - 0.5) / SH_C0).astype(np.float32)
        notes = (_LINEAR_NOTE,)
    parts = {
        "means": array("POSITION", 3),
        "quats": array(f"{EXTENSION}:ROTATION", 4)[:, [3, 0, 1, 2]],
        "scales": array(f"{EXTENSION}:SCALE", 3),
        "opacities": array(f"{EXTENSION}:OPACITY", 1)[:, 0],
        "sh": sh,
    }
    if len({len(part) for part in parts.values()}) > 1:
        raise DGTalkerError("The glTF file's attributes are not of the same length.", numbers.BROKEN)
    return Splats(numbers.checked(**parts), notes)


def _coefficient(index: int) -> str:
    """The name of the attribute of a spherical harmonic, by its place in 3D Gaussian Splatting's order."""
    degree = int(index**0.5)
    return f"{EXTENSION}:SH_DEGREE_{degree}_COEF_{index - degree**2}"


def write(cloud: Gaussians) -> bytes:
    """The bytes of a GLB file. Viewers that do not know the extension show its points in their colours."""
    glb = GlbWriter()
    means, sh = cloud.means.numpy(), cloud.sh.numpy()
    seen = srgb.decode(np.clip(sh[:, 0] * SH_C0 + 0.5, 0, 1))
    rgba = np.rint(255 * np.column_stack([seen, cloud.opacities.numpy()]))
    ends = {"min": means.min(axis=0).tolist(), "max": means.max(axis=0).tolist()}
    attributes = {
        "POSITION": glb.add(means, "VEC3", _FLOAT, **ends),
        "COLOR_0": glb.add(rgba, "VEC4", _BYTE, normalized=True),
        f"{EXTENSION}:ROTATION": glb.add(cloud.quats.numpy()[:, [1, 2, 3, 0]], "VEC4", _FLOAT),
        f"{EXTENSION}:SCALE": glb.add(cloud.scales.numpy(), "VEC3", _FLOAT),
        f"{EXTENSION}:OPACITY": glb.add(cloud.opacities.numpy()[:, None], "SCALAR", _FLOAT),
        **{_coefficient(i): glb.add(sh[:, i], "VEC3", _FLOAT) for i in range(sh.shape[1])},
    }
    primitive = {
        "mode": _POINTS,
        "attributes": attributes,
        "extensions": {EXTENSION: {"kernel": "ellipse", "colorSpace": _SRGB}},
    }
    return glb.file(
        {
            "asset": {"version": "2.0", "generator": "DGTalker"},
            "extensionsUsed": [EXTENSION],
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0}],
            "meshes": [{"primitives": [primitive]}],
        }
    )

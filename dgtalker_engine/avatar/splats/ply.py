"""The PLY file of 3D Gaussian Splatting (Kerbl et al. 2023), as INRIA's trainer writes it.

One element `vertex` of floats: position, an unused normal, `f_dc` and `f_rest` (spherical harmonics, the latter channel
by channel), the logit of the opacity, the logarithms of the scales, and a quaternion wxyz.
"""

from __future__ import annotations

import numpy as np

from ...errors import DGTalkerError
from ...gaussians.cloud import Gaussians
from . import numbers
from .found import Splats

_HEADER_BYTES = 1 << 16
_TYPES = {
    "char": "<i1", "int8": "<i1", "uchar": "<u1", "uint8": "<u1", "short": "<i2", "int16": "<i2", "ushort": "<u2",
    "uint16": "<u2", "int": "<i4", "int32": "<i4", "uint": "<u4", "uint32": "<u4", "float": "<f4", "float32": "<f4",
    "double": "<f8", "float64": "<f8",
}  # fmt: skip
_POSITION = ("x", "y", "z")
_NORMAL = ("nx", "ny", "nz")
_CONSTANT = ("f_dc_0", "f_dc_1", "f_dc_2")
_SCALE = ("scale_0", "scale_1", "scale_2")
_ROTATION = ("rot_0", "rot_1", "rot_2", "rot_3")
_EXTREME = 1e-6
"""Of an opacity that is written: the logits of 0 and 1 are no numbers."""


def matches(data: bytes) -> bool:
    return data[:3] == b"ply"


def parse(data: bytes) -> Splats:
    """The Gaussians of a PLY file; spherical harmonics of degree 0 to 3, as it has them.

    Raises:
        DGTalkerError: it is damaged, none of splats, or of another layout.
    """
    record, count, start = _header(data)
    if start + count * record.itemsize > len(data):
        raise DGTalkerError(f"The PLY file ends before its {count:,} Gaussians do.", numbers.BROKEN)
    if any(name.startswith("binding") for name in record.names or ()):
        raise DGTalkerError(
            "These Gaussians are bound to the triangles of a mesh, as GaussianAvatars' are: alone they are a heap.",
            "Export a pose of them as a plain PLY.",
        )
    rows = np.frombuffer(data, record, count, start)

    def columns(names: tuple[str, ...]) -> np.ndarray:
        missing = [name for name in names if name not in (record.names or ())]
        if missing:
            raise DGTalkerError(
                f"This PLY file holds no Gaussians, or compressed ones: it has no property {missing[0]!r}.",
                "A mesh or a point cloud is imported by File ▸ Import ▸ Stanford PLY; compressed splats can be "
                "written as plain PLY in SuperSplat.",
            )
        return np.column_stack([rows[name] for name in names])

    rest = sum(name.startswith("f_rest_") for name in record.names or ())
    coefficients = 1 + rest // 3
    if rest % 3 or coefficients not in numbers.COEFFICIENTS:
        raise DGTalkerError(f"The PLY file has {rest} properties f_rest; 0, 9, 24 or 45 are possible.")
    sh = np.empty((count, coefficients, 3), np.float32)
    sh[:, 0] = columns(_CONSTANT)
    if rest:
        more = columns(tuple(f"f_rest_{i}" for i in range(rest)))
        sh[:, 1:] = more.reshape(count, 3, coefficients - 1).transpose(0, 2, 1)
    with np.errstate(over="ignore"):
        opacities = 1 / (1 + np.exp(-columns(("opacity",))[:, 0].astype(np.float64)))
        scales = np.exp(columns(_SCALE).astype(np.float64))
    cloud = numbers.checked(
        means=columns(_POSITION), quats=columns(_ROTATION), scales=scales, opacities=opacities, sh=sh
    )
    return Splats(cloud)


def _header(data: bytes) -> tuple[np.dtype, int, int]:
    """What one Gaussian is, how many there are, and where they begin."""
    end = data.find(b"end_header", 0, _HEADER_BYTES)
    start = data.find(b"\n", end) + 1
    if end < 0 or start == 0:
        raise DGTalkerError("The PLY file has no complete header.", numbers.BROKEN)
    lines = [line.split() for line in data[:end].decode("ascii", "replace").splitlines()]
    lines = [words for words in lines if words and words[0] not in ("ply", "comment", "obj_info")]
    if [*lines, []][0] != ["format", "binary_little_endian", "1.0"]:
        raise DGTalkerError("Only PLY files of the format binary_little_endian 1.0 can be read.", "Export it so.")
    elements = [i for i, words in enumerate(lines) if words[0] == "element"]
    if not elements or lines[elements[0]][1:2] != ["vertex"]:
        raise DGTalkerError(
            "The PLY file does not begin with its vertices.",
            "Compressed splats can be written as plain PLY in SuperSplat.",
        )
    try:
        count = int(lines[elements[0]][2])
        properties = lines[elements[0] + 1 : [*elements, len(lines)][1]]
        record = np.dtype([(words[2], _TYPES[words[1]]) for words in properties])
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise DGTalkerError(f"The PLY file's header cannot be read: {error!r}.", numbers.BROKEN) from error
    return record, numbers.limited(count), start


def write(cloud: Gaussians) -> bytes:
    """The bytes of a PLY file; opacities are kept within 1e-6 and 1 − 1e-6."""
    opacities = np.clip(cloud.opacities.numpy().astype(np.float64), _EXTREME, 1 - _EXTREME)
    sh = cloud.sh.numpy()
    rest = sh[:, 1:].transpose(0, 2, 1).reshape(len(sh), -1)
    columns = {
        **dict(zip(_POSITION, cloud.means.numpy().T, strict=True)),
        **dict.fromkeys(_NORMAL, np.zeros(len(sh))),
        **dict(zip(_CONSTANT, sh[:, 0].T, strict=True)),
        **{f"f_rest_{i}": rest[:, i] for i in range(rest.shape[1])},
        "opacity": np.log(opacities / (1 - opacities)),
        **dict(zip(_SCALE, np.log(cloud.scales.numpy()).T, strict=True)),
        **dict(zip(_ROTATION, cloud.quats.numpy().T, strict=True)),
    }
    header = "\n".join(
        [
            "ply",
            "format binary_little_endian 1.0",
            f"element vertex {len(sh)}",
            *(f"property float {name}" for name in columns),
            "end_header\n",
        ]
    )
    return header.encode() + np.column_stack(list(columns.values())).astype("<f4").tobytes()

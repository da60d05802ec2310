"""The proxy mesh in a .dgt file, which every kind of avatar has: docs/dgt.md has the tensors."""

from __future__ import annotations

import numpy as np

from ..errors import DGTalkerError
from ..rig import Rig
from . import dgt, numbers, sparse
from .base import ProxyMesh, corrective_indices
from .sparse import SparseDeltas

THRESHOLD = 2e-5  # m: what a control moves less is not written


def posed(mesh: ProxyMesh, rig: Rig, weights: np.ndarray) -> np.ndarray:
    """The vertices, float64 (V, 3), as the shape keys of a head in Blender move them at weights (C,)."""
    weights = np.asarray(weights, np.float64)
    products = np.append(weights, 1.0)[corrective_indices(mesh.correctives, rig)].prod(axis=1)
    every = np.concatenate([weights, products])
    moving = np.flatnonzero(every)
    return mesh.vertices + np.tensordot(every[moving], mesh.deltas[moving].astype(np.float64), 1)


def check(specs: dgt.Specs, shapes: int, more: int = 0) -> int:
    """Looks at what the header announces of the mesh.

    Args:
        specs: of the whole file.
        shapes: how many deltas it stores: those of the controls, and of the correctives.
        more: how many the kind adds as it reads the file.

    Returns:
        How many vertices there are.

    Raises:
        DGTalkerError: the mesh is not as docs/dgt.md says, or beyond the limits.
    """
    vertices = numbers.expect(specs, "proxy.vertices", (None, 3)).shape[0]
    dgt.limited("vertices", vertices, dgt.MAX_PROXY_VERTICES)
    if shapes + more:
        dgt.limited("shape key points", vertices * (shapes + more), dgt.MAX_PROXY_DELTAS)
    faces = dgt.expect(specs, "proxy.faces", "I16 I32", (None, 4)).shape[0]
    if "proxy.surfaces" in specs:
        dgt.expect(specs, "proxy.surfaces", "U8", (faces,))
    numbers.expect(specs, "proxy.uv", (vertices, 2))
    numbers.expect(specs, "proxy.colours", (vertices, 4))
    sparse.check(specs, "proxy.delta", shapes, (3,))
    return vertices


def read(tensors: dgt.Tensors, correctives: tuple[tuple[str, ...], ...] = ()) -> ProxyMesh:
    """The mesh, its deltas in the order of the rig and then of the correctives.

    Raises:
        DGTalkerError: something points at what does not exist.
    """
    vertices, faces = numbers.read(tensors, "proxy.vertices"), tensors["proxy.faces"].astype(np.int32)
    if len(faces) and (faces[:, :3].min() < 0 or faces[:, 3].min() < -1 or faces.max() >= len(vertices)):
        raise DGTalkerError("The avatar's proxy mesh has faces with vertices that do not exist.", dgt.DAMAGED)
    return ProxyMesh(
        vertices=vertices,
        faces=faces,
        uv=numbers.read(tensors, "proxy.uv"),
        colours=numbers.read(tensors, "proxy.colours"),
        deltas=sparse.read(tensors, "proxy.delta", len(vertices)).dense(len(vertices)),
        correctives=correctives,
        surfaces=tensors.get("proxy.surfaces", np.zeros(len(faces), np.uint8)),
    )


def write(mesh: ProxyMesh) -> dict[str, np.ndarray]:
    """The tensors from which `read` makes the mesh again."""
    tensors = numbers.write("proxy.vertices", mesh.vertices, "F32")
    tensors["proxy.faces"] = mesh.faces.astype(np.int16 if len(mesh.vertices) < 1 << 15 else np.int32)
    tensors |= numbers.write("proxy.uv", mesh.uv, "I16")
    tensors |= numbers.write("proxy.colours", mesh.colours, "F16")
    if mesh.surfaces is not None:
        tensors["proxy.surfaces"] = mesh.surfaces.astype(np.uint8)
    return tensors | sparse.write("proxy.delta", SparseDeltas.from_dense(mesh.deltas, THRESHOLD), len(mesh.vertices))
